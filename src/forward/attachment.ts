import { readdirSync, unlinkSync } from 'node:fs'
import { attachClsact, attachTcx, openPinned, pin, updateLink } from '../linux/libbpf.ts'
import { calls, SystemError } from '../linux/libc.ts'

/** How a program hangs on an interface. tcx links are pinned and outlive the daemon; clsact filters do so by themselves. */
export type Hook = 'tcx' | 'clsact'

/** Keeps the program on a set of interfaces. */
export class Attachment {
  readonly #program: number
  readonly #directory: string
  readonly #attached = new Map<number, Hook>()

  /** `directory` holds the pinned links, one per interface index. */
  constructor(program: number, directory: string) {
    this.#program = program
    this.#directory = directory
  }

  /** Attaches to what is new, in place of an earlier program where there is one, and forgets what is gone. */
  follow(ifindexes: readonly number[]): void {
    for (const ifindex of this.#attached.keys()) if (!ifindexes.includes(ifindex)) this.#attached.delete(ifindex)
    for (const ifindex of ifindexes) if (!this.#attached.has(ifindex)) this.#attach(ifindex)
    for (const name of readdirSync(this.#directory)) {
      if (!ifindexes.includes(Number(name))) unlinkSync(`${this.#directory}/${name}`)
    }
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
        unlinkSync(path)
      } finally {
        calls.close(pinned)
      }
    }
    const link = attachTcx(this.#program, ifindex)
    if (link === undefined) {
      attachClsact(this.#program, ifindex)
      return 'clsact'
    }
    pin(link, path)
    calls.close(link)
    return 'tcx'
  }
}
