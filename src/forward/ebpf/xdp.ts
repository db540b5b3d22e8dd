import { mkdirSync, rmSync } from 'node:fs'
import { attachXdp, openPinned, pin, updateLink } from '../../linux/libbpf.ts'
import { calls, SystemError } from '../../linux/libc.ts'
import { pinsIn, removeLink } from './pins.ts'

/** An interface that cannot have XDP, and why. */
export interface XdpRefusal {
  readonly ifindex: number
  readonly error: SystemError
}

/** Keeps the fast path of `bpf/fast-path.h` on the interfaces that are to have it. Its pinned links outlive the daemon. */
export class XdpAttachment {
  readonly #directory: string
  readonly #load: () => number
  readonly #attached = new Set<number>()
  readonly #refused = new Map<number, SystemError>()
  #program: number | undefined

  /** `directory` holds the pinned links, one per interface index; `load` gives the program, and is called at most once. */
  constructor(directory: string, load: () => number) {
    this.#directory = directory
    this.#load = load
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  has(ifindex: number): boolean {
    return this.#attached.has(ifindex)
  }

  /** Indexes of the interfaces that have it. */
  get interfaces(): ReadonlySet<number> {
    return this.#attached
  }

  /**
   * Has XDP on exactly these interfaces, as far as their drivers can. One that was refused is asked again only after it was
   * away. Returns those that were refused now. Throws SystemError when the program cannot be loaded.
   */
  follow(ifindexes: readonly number[]): XdpRefusal[] {
    for (const ifindex of this.#attached) if (!ifindexes.includes(ifindex)) this.#attached.delete(ifindex)
    for (const ifindex of this.#refused.keys()) if (!ifindexes.includes(ifindex)) this.#refused.delete(ifindex)
    for (const ifindex of this.#unpinned()) this.#attached.delete(ifindex)
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    const refused: XdpRefusal[] = []
    for (const ifindex of ifindexes) {
      if (this.#attached.has(ifindex) || this.#refused.has(ifindex)) continue
      const error = this.#attach(ifindex)
      if (error === undefined) this.#attached.add(ifindex)
      else {
        this.#refused.set(ifindex, error)
        refused.push({ ifindex, error })
      }
    }
    for (const name of pinsIn(this.#directory)) {
      if (!this.#attached.has(Number(name))) removeLink(`${this.#directory}/${name}`)
    }
    return refused
  }

  /** Whether every link has its pin: without it the kernel has taken the program off. */
  get isWhole(): boolean {
    return this.#unpinned().length === 0
  }

  #unpinned(): number[] {
    const pins = pinsIn(this.#directory)
    return [...this.#attached].filter((ifindex) => !pins.has(String(ifindex)))
  }

  #attach(ifindex: number): SystemError | undefined {
    this.#program ??= this.#load()
    const path = `${this.#directory}/${ifindex}`
    const pinned = openPinned(path)
    try {
      if (pinned !== undefined && this.#replace(pinned, this.#program)) return undefined
      if (pinned !== undefined) rmSync(path, { force: true })
      const link = attachXdp(this.#program, ifindex)
      pin(link, path)
      calls.close(link)
      return undefined
    } catch (error) {
      if (error instanceof SystemError) return error
      throw error
    } finally {
      if (pinned !== undefined) calls.close(pinned)
    }
  }

  /** False when the link is of an interface that is gone. */
  #replace(link: number, program: number): boolean {
    try {
      updateLink(link, program)
      return true
    } catch (error) {
      if (error instanceof SystemError) return false
      throw error
    }
  }
}
