/** What a real server does: an HTTP status, or nothing listens. For MISC_CHECK: the exit status of its script, 0 when up, 1 when down. */
export type ServerState = 'up' | 'down' | number

export type Step =
  | { readonly type: 'set'; readonly server: number; readonly to: ServerState }
  /** Away for so long, and back. */
  | { readonly type: 'blink'; readonly server: number; readonly seconds: number }
  /** Another text of the virtual server, with the next reload, which is everybody's. */
  | { readonly type: 'config'; readonly text: string }

/** A virtual server and what happens to it. In a round at most one thing does, and then there is time until all is said. */
export interface Sequence {
  readonly name: string
  /** `@vip`, `@vip2`, `@1` … `@4` are addresses; `@script1` … commands that end with the state of a server. */
  readonly config: string
  /** Servers that are not up at the start. */
  readonly start?: Readonly<Record<number, ServerState>>
  /** One each round; `undefined`: nothing. */
  readonly steps: readonly (Step | undefined)[]
}

export const set = (server: number, to: ServerState): Step => ({ type: 'set', server, to })
export const blink = (server: number, seconds: number): Step => ({ type: 'blink', server, seconds })
export const config = (text: string): Step => ({ type: 'config', text })

/** The addresses of a sequence, by its number. */
export const addressesOf = (number: number) => ({
  vip: (which: number) => `10.0.${number}.${which}`,
  server: (which: number) => `10.1.${number}.${which}`,
})

/** Real servers that a sequence may have. */
export const SERVERS = [1, 2, 3, 4] as const

/** A text of a sequence with its addresses; `folder` has the states of its servers for scripts. */
export function textOf(text: string, number: number, folder: string): string {
  const { vip, server } = addressesOf(number)
  return text
    .replaceAll('@vip2', vip(2))
    .replaceAll('@vip', vip(1))
    .replaceAll(/@script(\d)/g, (_, which: string) => `${folder}/check ${server(Number(which))}`)
    .replaceAll(/@group/g, `group${number}`)
    .replaceAll(/@(\d)/g, (_, which: string) => server(Number(which)))
}
