import type { Hop, Hops } from '../../model/next-hop.ts'
import type { NetworkChange } from '../../linux/network-changes.ts'
import type { Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import { type Address, addressBytes, addressText } from '../../net/address.ts'

/**
 * Where the kernel would send packets to real servers. Each address is asked for once, and again only when a change of the network may
 * be about it. BOUNDED by the addresses of the real servers that are planned.
 */
export class NextHops {
  readonly #rtnetlink: Pick<Rtnetlink, 'routes'>
  readonly #known = new Map<Address, Hop | undefined>()
  /** Those of them that are to be asked for again. */
  readonly #stale = new Set<Address>()
  /** The known addresses as sorted text, to find those of a prefix. Undefined when it is to be made anew. */
  #sorted: readonly (readonly [text: string, address: Address])[] | undefined
  #links: ReadonlyMap<number, Link> = new Map()

  constructor(rtnetlink: Pick<Rtnetlink, 'routes'>) {
    this.#rtnetlink = rtnetlink
  }

  /** Whether a known address is to be asked for again. */
  get isStale(): boolean {
    return this.#stale.size > 0
  }

  /** These are the links now. One that has come up may be the way to anything. */
  follow(links: readonly Link[]): void {
    const before = this.#links
    this.#links = new Map(links.map((link) => [link.index, link]))
    const isOther = (index: number) => {
      const [old, now] = [before.get(index), this.#links.get(index)]
      return old?.up !== now?.up || old?.mtu !== now?.mtu
    }
    if (links.some(({ index, up }) => up && before.get(index)?.up !== true)) this.#doubt(() => true)
    else this.#doubt((_, hop) => hop === undefined || (hop !== 'local' && isOther(hop.ifindex)))
  }

  /** What may be about an address that is known. */
  note(change: NetworkChange): void {
    switch (change.type) {
      case 'link':
        break // `follow` is told of it
      case 'address':
        this.#doubt((address) => address.includes(':') === (change.family === 6))
        break
      case 'route':
        for (const address of this.#within(change.to.first, change.to.last)) this.#stale.add(address)
        break
      case 'rule':
      case 'anything':
        this.#doubt(() => true)
        break
    }
  }

  /** Finds out about all of these, and with `again` about those that were known. Throws SystemError. */
  learn(addresses: ReadonlySet<Address>, again: boolean): void {
    for (const address of this.#known.keys()) if (!addresses.has(address)) this.#forget(address)
    const wanted = [...addresses].filter((address) => !this.#known.has(address) || (again && this.#stale.has(address)))
    const routes = this.#rtnetlink.routes(wanted)
    for (const [i, address] of wanted.entries()) {
      if (!this.#known.has(address)) this.#sorted = undefined
      this.#stale.delete(address)
      this.#known.set(address, this.#hop(address, routes[i]))
    }
  }

  /** What is known until the next `learn`. A hop is the same object as before when nothing has changed. */
  get all(): Hops {
    return this.#known
  }

  /** Whether the kernel takes it for the broadcast address of one of this host's networks. Throws SystemError. */
  isBroadcast(address: Address): boolean {
    return this.#rtnetlink.routes([address])[0]?.broadcast ?? false
  }

  #hop(address: Address, route: ReturnType<Rtnetlink['routes']>[number]): Hop | undefined {
    if (route === undefined) return undefined
    if (route.local) return 'local'
    const link = this.#links.get(route.ifindex)
    if (link === undefined) return undefined
    const mtu = Math.min(link.mtu, route.mtu ?? link.mtu)
    return { ifindex: link.index, neighbour: route.gateway ?? address, mtu, source: route.source }
  }

  #doubt(isMeant: (address: Address, hop: Hop | undefined) => boolean): void {
    for (const [address, hop] of this.#known) if (isMeant(address, hop)) this.#stale.add(address)
  }

  #forget(address: Address): void {
    this.#stale.delete(address)
    this.#known.delete(address)
    this.#sorted = undefined
  }

  /** Known addresses from one to another: found by halves, since a router's tables may change thousands of times a second. */
  *#within(first: string, last: string): Generator<Address> {
    this.#sorted ??= [...this.#known.keys()]
      .map((address): [string, Address] => [addressText(addressBytes(address)), address])
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    let [low, high] = [0, this.#sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sorted[middle]?.[0] ?? '') < first) low = middle + 1
      else high = middle
    }
    for (const [text, address] of this.#sorted.slice(low)) {
      if (text > last) return
      yield address
    }
  }
}
