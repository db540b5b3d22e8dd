import type { Hop } from '../forward/layout.ts'
import { SystemError } from '../linux/libc.ts'
import type { Link, Rtnetlink } from '../linux/rtnetlink.ts'
import type { Address } from '../net/address.ts'

/**
 * Where the kernel would send packets to a real server. Each address is asked for once, until the network has changed. BOUNDED by
 * the addresses of the real servers that were planned since then.
 */
export class NextHops {
  readonly #rtnetlink: Rtnetlink
  readonly #known = new Map<Address, Hop | undefined>()
  #links: ReadonlyMap<number, Link> = new Map()

  constructor(rtnetlink: Rtnetlink) {
    this.#rtnetlink = rtnetlink
  }

  /** The network has changed: these are its links now, and routes may be others. */
  follow(links: readonly Link[]): void {
    this.#links = new Map(links.map((link) => [link.index, link]))
    this.#known.clear()
  }

  /** Undefined while there is no route. */
  of(address: Address): Hop | undefined {
    if (!this.#known.has(address)) this.#known.set(address, this.#ask(address))
    return this.#known.get(address)
  }

  #ask(address: Address): Hop | undefined {
    try {
      const route = this.#rtnetlink.route(address)
      if (route.local) return 'local'
      const link = this.#links.get(route.ifindex)
      if (link === undefined) return undefined
      return { ifindex: link.index, neighbour: route.gateway ?? address, mtu: link.mtu, source: route.source }
    } catch (error) {
      if (error instanceof SystemError) return undefined
      throw error
    }
  }
}
