import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { attachClsact, attachTcx, detachClsact, openPinned, pin, updateLink } from '../../linux/libbpf.ts'
import { calls, SystemError } from '../../linux/libc.ts'
import { pinsIn, removeLink } from './pins.ts'

/** How a program hangs on an interface. tcx links are pinned and outlive the daemon; clsact filters do so by themselves. */
export type Hook = 'tcx' | 'clsact'

/** Nothing is pinned for a clsact filter; in this folder of a core an empty one for each interface tells where they are. */
const clsactFolder = (core: string) => `${core}/clsact`

/** Indexes of the interfaces that a core, by its folder on the BPF file system, has a clsact filter on. */
export function clsactInterfaces(core: string): number[] {
  const folder = clsactFolder(core)
  return existsSync(folder) ? readdirSync(folder).map(Number) : []
}

/** Keeps the program on a set of interfaces. */
export class Attachment {
  readonly #program: number
  readonly #directory: string
  readonly #hook: Hook
  readonly #attached = new Map<number, Hook>()

  /**
   * `directory`, in the core's folder, holds the pinned links, one per interface index. `hook` is the one to use if the kernel has it: tcx came
   * with 6.6, and clsact is always there.
   */
  constructor(program: number, directory: string, hook: Hook) {
    this.#program = program
    this.#directory = directory
    this.#hook = hook
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  /**
   * Attaches to what is new, in place of an earlier program where there is one, and forgets what is gone. A link that lost its pin is
   * gone, too.
   */
  follow(ifindexes: readonly number[]): void {
    for (const ifindex of this.#attached.keys()) if (!ifindexes.includes(ifindex)) this.#attached.delete(ifindex)
    for (const ifindex of this.#unpinned()) this.#attached.delete(ifindex)
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    for (const ifindex of ifindexes) if (!this.#attached.has(ifindex)) this.#attach(ifindex)
    for (const name of pinsIn(this.#directory)) {
      if (!ifindexes.includes(Number(name))) removeLink(`${this.#directory}/${name}`)
    }
    const core = dirname(this.#directory)
    for (const ifindex of clsactInterfaces(core)) {
      if (this.#attached.get(ifindex) === 'clsact') continue
      detachClsact(ifindex)
      rmdirSync(`${clsactFolder(core)}/${ifindex}`)
    }
  }

  /** By interface index. */
  get hooks(): ReadonlyMap<number, Hook> {
    return this.#attached
  }

  /** Whether every link has its pin: without it the kernel has taken the program off. */
  get isWhole(): boolean {
    return this.#unpinned().length === 0
  }

  #unpinned(): number[] {
    const pins = pinsIn(this.#directory)
    return [...this.#attached].flatMap(([ifindex, hook]) =>
      hook === 'tcx' && !pins.has(String(ifindex)) ? [ifindex] : [],
    )
  }

  #attach(ifindex: number): void {
    try {
      this.#attached.set(ifindex, this.#replaceOrCreate(ifindex))
    } catch (error) {
      // The interface can vanish between the listing and now; its removal is the next event.
      if (!(error instanceof SystemError) || error.code !== 'ENODEV') throw error
    }
  }

  #replaceOrCreate(ifindex: number): Hook {
    const path = `${this.#directory}/${ifindex}`
    const pinned = openPinned(path)
    if (pinned !== undefined) {
      try {
        updateLink(pinned, this.#program)
        return 'tcx'
      } catch (error) {
        // The pin is of an interface that is gone; its number belongs to another one now.
        if (!(error instanceof SystemError)) throw error
        rmSync(path, { force: true })
      } finally {
        calls.close(pinned)
      }
    }
    const link = this.#hook === 'tcx' ? attachTcx(this.#program, ifindex) : undefined
    if (link === undefined) {
      attachClsact(this.#program, ifindex)
      mkdirSync(`${clsactFolder(dirname(this.#directory))}/${ifindex}`, { recursive: true, mode: 0o700 })
      return 'clsact'
    }
    pin(link, path)
    calls.close(link)
    return 'tcx'
  }
}
