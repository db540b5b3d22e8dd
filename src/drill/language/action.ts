import type { Parameters } from './kinds.ts'

/** Something that a drill does. */
export interface Action<P extends Parameters = Parameters> {
  /** One sentence, for the reference and for editors. */
  readonly says: string
  /** What a value stands for that is no list of named ones: `pull cable: active`. */
  readonly main: string | undefined
  readonly parameters: P
  /** One of these must be said: without, it would do nothing. */
  readonly oneOf?: readonly string[]
  /** How it is undone, also after an interruption. Undefined: it leaves nothing to undo. */
  readonly undo: string | undefined
  /** Why not against real machines; undefined: there, too. */
  readonly labOnly: string | undefined
  readonly example: string
}

export const action = <const P extends Parameters>(
  one: Action<P> & { readonly main: (keyof P & string) | undefined },
): Action<P> => one
