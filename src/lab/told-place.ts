import type { Place, Ran, Undoable, Undone, Working } from './place.ts'

/** What would be done at a place. */
export interface Told {
  readonly place: string
  /** Undefined: it would only leave something to be undone. */
  readonly command: readonly string[] | undefined
  /** What would undo it; undefined: it leaves nothing, or was itself to undo something. */
  readonly undo: readonly string[] | undefined
}

const DONE: Ran = { status: 0, stdout: '', stderr: '' }

/** A place where nothing is done but looking: all else is told. */
export class ToldPlace implements Place {
  readonly name: string
  readonly #place: Place
  readonly #onTold: (told: Told) => void
  /** What would be undone, by handles; BOUNDED by the steps of a drill. */
  readonly #undos: (readonly string[])[] = []

  constructor(place: Place, onTold: (told: Told) => void) {
    this.name = place.name
    this.#place = place
    this.#onTold = onTold
  }

  run(argv: readonly string[]): Promise<Ran> {
    return this.#place.run(argv)
  }

  change(argv: readonly string[]): Promise<Ran> {
    return this.#tell(argv, undefined)
  }

  async start(argv: readonly string[]): Promise<number> {
    await this.#tell(argv, undefined)
    return 0
  }

  async act({ act, undo }: Undoable): Promise<{ readonly ran: Ran; readonly handle: number }> {
    const handle = this.#undos.push(undo) - 1
    return { ran: await this.#tell(act, undo), handle }
  }

  undo(handle: number): Promise<Ran> {
    return this.#tell(this.#undos[handle] ?? [], undefined)
  }

  async work(program: string, args: readonly string[]): Promise<Working> {
    await this.#tell([program, ...args], ['end', program])
    return {
      ask: () => Promise.reject(new Error(`${program} is not there`)),
      end: () => this.#tell(['end', program], undefined).then(() => undefined),
    }
  }

  close(): Promise<readonly Undone[]> {
    return Promise.resolve([])
  }

  here(at: Parameters<Place['here']>[0]): ReturnType<Place['here']> {
    return this.#place.here(at)
  }

  #tell(command: readonly string[], undo: readonly string[] | undefined): Promise<Ran> {
    const isNothing = command.length === 1 && command[0] === 'true'
    this.#onTold({ place: this.name, command: isNothing ? undefined : command, undo })
    return Promise.resolve(DONE)
  }
}
