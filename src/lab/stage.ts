import type { DirectorWord, HostWord, ServerWord } from '../drill/language/words.ts'
import { DIRECTORS, type DirectorName } from '../drill/recording.ts'
import type { Millis } from '../time.ts'
import { type Promises, promisesOf } from '../drill/promises.ts'
import type { Daemon, Undo } from './daemons/daemon.ts'
import type { Place, Undoable, Working } from './place.ts'
import type { Site, SiteDirector, SiteServer } from './site.ts'
import type { Watch } from './watch.ts'

/** Whether a step has taken it back already. */
export interface LeftUndo extends Undo {
  readonly isDone: () => boolean
}

/** What steps and claims of a drill work on: a site with its daemons, what is seen of it, and what is to be undone. */
export class Stage {
  readonly site: Site
  readonly daemons: Readonly<Record<DirectorName, Daemon>>
  readonly watch: Watch
  readonly active: DirectorName
  /** Of its configurations. */
  readonly promises: Promises
  readonly seed: number
  /** Lets time pass in the midst of a step. */
  readonly pause: (duration: Millis) => Promise<void>
  readonly #askers = new Map<string, Promise<Working>>()
  readonly #undos = new Map<string, readonly Undo[]>()
  readonly #left: LeftUndo[] = []

  constructor(parts: {
    readonly site: Site
    readonly daemons: Readonly<Record<DirectorName, Daemon>>
    readonly watch: Watch
    readonly active: DirectorName
    readonly seed: number
    readonly pause?: (duration: Millis) => Promise<void>
  }) {
    this.site = parts.site
    this.daemons = parts.daemons
    this.watch = parts.watch
    this.active = parts.active
    const { director1, director2 } = parts.site.directors
    this.promises = promisesOf({ director1: director1.config, director2: director2.config }, parts.active)
    this.seed = parts.seed
    this.pause = parts.pause ?? ((duration) => new Promise((resolve) => setTimeout(resolve, duration)))
  }

  /**
   * Asks from the client who has an address, by ARP or neighbour discovery; in a lab without teaching the client anything, whom the directors
   * have to tell. Undefined: it lies behind a router. Throws when the client has no way to it.
   */
  async asker(address: string): Promise<Working | undefined> {
    const { place } = this.site.client
    const route = await ran(place, ['ip', '-o', 'route', 'get', address])
    if (/ via /.test(route)) return undefined
    const device = / dev (\S+)/.exec(route)?.[1] ?? ''
    const asker =
      this.#askers.get(device) ?? place.work('arp', [device, ...(this.site.switch === undefined ? [] : ['unheard'])])
    this.#askers.set(device, asker)
    return await asker
  }

  nameOf(word: DirectorWord): DirectorName {
    switch (word) {
      case 'active':
        return this.active
      case 'standby':
        return this.active === 'director1' ? 'director2' : 'director1'
      case 'director1':
      case 'director2':
        return word
    }
  }

  /** The same for a machine, by whichever word. */
  sameName(word: HostWord): string {
    return word === 'active' || word === 'standby' ? this.nameOf(word) : word
  }

  namesOf(word: DirectorWord | 'both'): readonly DirectorName[] {
    return word === 'both' ? DIRECTORS : [this.nameOf(word)]
  }

  directorsOf(word: DirectorWord | 'both'): readonly SiteDirector[] {
    return this.namesOf(word).map((name) => this.site.directors[name])
  }

  /** Throws when there is no such server, or none of the servers is ours. */
  serversOf(word: ServerWord | 'all'): readonly SiteServer[] {
    const { servers } = this.site
    if (word === 'all') return servers
    const server = servers.find((each) => each.word === word)
    if (server !== undefined) return [server]
    throw new Error(
      `there is no ${word}: this pair has ${servers.length === 0 ? 'none' : `server 1 to ${servers.length}`}`,
    )
  }

  /** Rejects when the place of a server cannot be reached. */
  async placeOf(word: HostWord): Promise<Place> {
    const machine = this.#machineOf(word)
    return typeof machine.place === 'function' ? await machine.place() : machine.place
  }

  /** The ports of a machine at the switch; of real machines they are not known. */
  portsOf(word: HostWord): ReadonlyMap<string, string> | undefined {
    return this.#machineOf(word).ports
  }

  #machineOf(word: HostWord): SiteServer | Pick<SiteDirector, 'place' | 'ports'> {
    switch (word) {
      case 'client':
        return this.site.client
      case 'active':
      case 'standby':
      case 'director1':
      case 'director2':
        return this.site.directors[this.nameOf(word)]
      default: {
        const [server] = this.serversOf(word)
        if (server === undefined) throw new Error(`there is no ${word}`)
        return server
      }
    }
  }

  /** The machine that the cables go to. Throws where there is none. */
  get switch(): Place {
    if (this.site.switch === undefined) throw new Error('real machines have no switch that a drill could reach')
    return this.site.switch
  }

  get stranger(): { readonly place: Place; readonly interface: string } {
    if (this.site.stranger === undefined) throw new Error('there is no stranger beside real machines')
    return this.site.stranger
  }

  /** Does something at a place, which keeps the undo. Throws when it fails. */
  async act(place: Place, step: Undoable): Promise<Undo> {
    const { ran, handle } = await place.act(step)
    const undo = this.leave({ text: `undo: ${step.text}`, run: () => undoAt(place, handle) })
    if (ran.status === 0) return undo
    throw new Error(`${step.text}: ${(ran.stderr || ran.stdout).trim() || `exit status ${ran.status}`}`)
  }

  /**
   * As `leave`, before something is done. A command, when there is one, is kept at the place in stead of `run`, and so carried out also when
   * nobody is connected any more; `afterwards` is for when somebody is.
   */
  async leaveAt(
    place: Place,
    command: readonly string[] | undefined,
    { text, run, afterwards = () => Promise.resolve() }: Undo & { readonly afterwards?: () => Promise<void> },
  ): Promise<Undo> {
    if (command === undefined) return this.leave({ text, run })
    const { handle } = await place.act({ text, act: NOTHING, undo: command })
    const runThere = async () => {
      const failure = await undoAt(place, handle)
      if (failure === undefined) await afterwards()
      return failure
    }
    return this.leave({ text, run: runThere })
  }

  /** What the step that is being done leaves to be undone; of one that fails, too. */
  leave({ text, run }: Undo): Undo {
    let done: Promise<string | undefined> | undefined
    // The second time there is nothing left to do.
    const undo: LeftUndo = { text, run: () => (done ??= run()), isDone: () => done !== undefined }
    this.#left.push(undo)
    return undo
  }

  /** What steps have left since this was last called. */
  takeLeft(): readonly LeftUndo[] {
    return this.#left.splice(0)
  }

  /** A drill is over: what it has left is undone, and no later one takes it back. */
  forget(): void {
    this.#undos.clear()
    this.#left.splice(0)
  }

  /** Remembers how something is undone for the step that takes it back, by a key of what it is. */
  keep(key: string, ...undos: readonly Undo[]): void {
    this.#undos.set(key, [...(this.#undos.get(key) ?? []), ...undos])
  }

  /** Undoes what was done under this key, the last first. Throws when that fails. */
  async takeBack(key: string): Promise<void> {
    const undos = this.#undos.get(key) ?? []
    this.#undos.delete(key)
    for (const undo of undos.toReversed()) {
      const failure = await undo.run()
      if (failure !== undefined) throw new Error(`${undo.text}: ${failure}`)
    }
  }
}

/** For an undo that has to be there before something is done. */
export const NOTHING: readonly string[] = ['true']

/** Why it failed, if it did. */
async function undoAt(place: Place, handle: number): Promise<string | undefined> {
  const { status, stderr } = await place.undo(handle)
  return status === 0 ? undefined : stderr.trim() || `exit status ${status}`
}

/** Changes something by a command that must succeed; what undoes it was left before. */
export async function changed(place: Place, argv: readonly string[], limit?: Millis): Promise<void> {
  const { status, stdout, stderr } = await place.change(argv, limit)
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${(stderr || stdout).trim() || `exit status ${status}`}`)
}

/** Looks by a command that must succeed. */
export async function ran(place: Place, argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await place.run(argv)
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${(stderr || stdout).trim() || `exit status ${status}`}`)
  return stdout
}
