import type { VrrpInstance } from '../model/vrrp.ts'
import { ANY_INTERFACE } from '../model/vrrp.ts'
import { type Address, isIpv4, isLinkLocal } from '../net/address.ts'
import { holds, type Prefix } from '../net/address-range.ts'
import { allAddresses, counterpart, type Lan, type Networks, type Pair } from './lans.ts'
import { addressServices } from './real-servers.ts'
import { DIRECTORS, type DirectorName } from './recording.ts'

const otherOf = (director: DirectorName): DirectorName => (director === 'director1' ? 'director2' : 'director1')

/** Whose the addresses of two configurations are: virtual ones, and those that the directors have for themselves. */
export class Roles {
  readonly #pair: Pair
  readonly #networks: Networks
  readonly #say: (sentence: string) => void
  readonly #held = new Map<Address, { readonly lan: Lan | undefined; readonly by: Set<DirectorName> }>()
  /** By the name of the network, in the order in which they are given. */
  readonly #own: Readonly<Record<DirectorName, Map<string, { address: Address; length: number }[]>>> = {
    director1: new Map(),
    director2: new Map(),
  }
  /** Virtual servers' addresses that no instance holds. */
  readonly homeless: readonly Address[]
  /** The network of clients. */
  readonly main: Lan

  constructor(pair: Pair, networks: Networks, say: (sentence: string) => void) {
    this.#pair = pair
    this.#networks = networks
    this.#say = say
    for (const director of DIRECTORS) {
      for (const { address, device } of pair[director].instances.flatMap(allAddresses))
        this.#hold(director, address, device)
    }
    const vips = this.#services().map(({ vip }) => vip.address)
    this.homeless = [...new Set(vips.filter((vip) => !this.#held.has(vip) && !this.#isStatic(vip)))]
    const served = vips.map((vip) => this.#held.get(vip)?.lan).find((lan) => lan !== undefined)
    const lans = [...this.#held].filter(([address]) => !isLinkLocal(address)).map(([, { lan }]) => lan)
    const [first] = networks.lans
    const main = served ?? lans.find((lan) => lan !== undefined) ?? first
    if (main === undefined) throw new Error('there is a network for each configuration')
    this.main = main
    for (const vip of this.homeless) {
      networks.use(vip)
      networks.surround(main, vip)
    }
    this.#giveConfigured()
  }

  #hold(director: DirectorName, address: Address, device: string): void {
    const known = this.#held.get(address) ?? { lan: this.#networks.lanOf(director, device), by: new Set() }
    known.by.add(director)
    this.#held.set(address, known)
  }

  #services() {
    return DIRECTORS.flatMap((director) => this.#pair[director].virtualServers.flatMap(addressServices))
  }

  #isStatic(vip: Address): boolean {
    return DIRECTORS.some((each) => this.#pair[each].staticObjects.addresses.some(({ address }) => address === vip))
  }

  /** Virtual addresses that both hold by turns. */
  get shared(): readonly Address[] {
    return [...this.#held].filter(([, { by }]) => by.size === DIRECTORS.length).map(([address]) => address)
  }

  /** The network of the first instance there is. */
  get lanOfFirst(): Lan | undefined {
    for (const director of DIRECTORS) {
      const [first] = this.#pair[director].instances
      if (first !== undefined) return this.#networks.lanOf(director, first.interface) ?? this.main
    }
    return undefined
  }

  get held(): readonly Address[] {
    return [...this.#held.keys()]
  }

  /** The network that a virtual address is on. */
  lanOf(vip: Address): Lan | undefined {
    return this.#held.get(vip)?.lan ?? (this.homeless.includes(vip) ? this.main : this.#networks.holding(vip)?.lan)
  }

  /** Whether clients can find it anywhere. */
  isThere(vip: Address): boolean {
    return this.#held.has(vip) || this.homeless.includes(vip) || this.#isStatic(vip)
  }

  /** What an address is that no machine of its own can have. */
  whose(address: Address): string | undefined {
    const director = DIRECTORS.find((each) => this.addresses(each).includes(address))
    if (director !== undefined) return `${director} itself`
    if (this.#held.has(address) || this.homeless.includes(address)) return 'a virtual address'
    return /^(127\.|::1$)/.test(address) ? 'the director itself' : undefined
  }

  /** Addresses that a director has for itself. */
  addresses(director: DirectorName): readonly Address[] {
    return [...this.#own[director].values()].flat().map(({ address }) => address)
  }

  /** The same of one network, with prefix lengths. */
  onLan(director: DirectorName, lan: Lan): readonly { readonly address: Address; readonly length: number }[] {
    return this.#own[director].get(lan.name) ?? []
  }

  /** What the files say of them: sources, the peers of the other one, and where checks and connections to servers come from. */
  #giveConfigured(): void {
    for (const director of DIRECTORS) {
      for (const instance of this.#pair[director].instances) {
        const source = this.#sourceOf(director, instance)
        if (source !== undefined) this.#give(director, source, instance.interface, 'mcast_src_ip or unicast_src_ip')
      }
    }
    for (const director of DIRECTORS) {
      const { virtualServers, bfdSessions } = this.#pair[director]
      for (const { source } of bfdSessions)
        if (source !== undefined) this.#give(director, source, undefined, 'bfd source_ip')
      for (const { localAddresses, realServers } of virtualServers) {
        for (const address of localAddresses) this.#give(director, address, undefined, 'local_address_group')
        for (const check of realServers.flatMap(({ checks }) => checks)) {
          const bound = 'source' in check ? check.source?.address : undefined
          if (bound !== undefined) this.#give(director, bound, undefined, 'bindto')
        }
      }
    }
  }

  #sourceOf(director: DirectorName, instance: VrrpInstance): Address | undefined {
    if (instance.source !== undefined) return instance.source
    const peer = counterpart(instance, this.#pair[otherOf(director)].instances)
    const named = peer?.unicastPeers.find(({ address }) => address !== peer.source)?.address
    return named === undefined || this.addresses(otherOf(director)).includes(named) ? undefined : named
  }

  #give(director: DirectorName, address: Address, device: string | undefined, what: string): void {
    if (this.#held.has(address) || isLinkLocal(address) || this.addresses(director).includes(address)) return
    if (this.addresses(otherOf(director)).includes(address)) {
      this.#say(
        `${what} ${address} is in both files: in the lab ${otherOf(director)} alone has this address, so that what ${director} does from it fails.`,
      )
      return
    }
    const own = device === undefined || device === ANY_INTERFACE ? undefined : this.#networks.lanOf(director, device)
    this.#networks.use(address)
    this.#networks.surround(own ?? this.main, address)
    const found = this.#networks.holding(address)
    const lan = own ?? found?.lan ?? this.main
    if (lan.interfaces[director] === undefined) {
      this.#say(
        `${what} ${address}: ${director} has no interface on that network in the lab, so that what it does from this address fails.`,
      )
      return
    }
    this.#put(director, lan, address, found?.subnet)
  }

  #put(director: DirectorName, lan: Lan, address: Address, subnet: Prefix | undefined): void {
    const known = this.#own[director].get(lan.name) ?? []
    known.push({ address, length: subnet?.length ?? (isIpv4(address) ? 32 : 128) })
    this.#own[director].set(lan.name, known)
  }

  /** Gives each director an address in every subnet that it has none in. */
  giveAddresses(): void {
    for (const lan of this.#networks.lans) {
      for (const director of DIRECTORS) {
        if (lan.interfaces[director] === undefined) continue
        for (const subnet of lan.subnets) {
          if (this.onLan(director, lan).some(({ address }) => holds(subnet, address))) continue
          const address = this.#networks.free(subnet)
          if (address !== undefined) this.#put(director, lan, address, subnet)
        }
      }
    }
  }

  /** A virtual address in a subnet, as gateway: it moves with the role. */
  gatewayIn(subnet: Prefix): Address | undefined {
    const inside = [...this.#held].filter(([address]) => holds(subnet, address))
    return (inside.find(([, { by }]) => by.size === DIRECTORS.length) ?? inside[0])?.[0]
  }
}
