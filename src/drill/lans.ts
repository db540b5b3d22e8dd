import type { Config } from '../model/config.ts'
import { ANY_INTERFACE, type VirtualAddress, type VrrpInstance } from '../model/vrrp.ts'
import { type Address, addressBits, isIpv4, isLinkLocal, parseAddress } from '../net/address.ts'
import { addressAt, holds, networkOf, type Prefix } from '../net/address-range.ts'
import { DIRECTORS, type DirectorName } from './recording.ts'

export type Pair = Readonly<Record<DirectorName, Config>>

/** A network that machines are plugged into, and the interfaces that the directors have there: one each at most. */
export interface Lan {
  readonly name: string
  readonly interfaces: Readonly<Record<DirectorName, string | undefined>>
  /** Those of addresses that are on it; both directors have an address in each. */
  readonly subnets: readonly Prefix[]
}

/** An interface of a configuration that names none. */
const DEFAULT_INTERFACE = 'eth0'
/** Room that machines of the lab need beside the addresses of a configuration. */
const LONGEST = { 4: 27, 6: 120 } as const
/** The subnet that an address is taken to be in when nothing says it. */
const USUAL = { 4: 24, 6: 64 } as const

const familyOf = (address: Address): 4 | 6 => (isIpv4(address) ? 4 : 6)

/** Of a VRRP instance's MAC device the interface below it; others themselves. */
function physical({ instances }: Config): (device: string) => string {
  const bases = new Map(instances.flatMap(({ virtualLinks }) => virtualLinks.map(({ name, base }) => [name, base])))
  return (device) => bases.get(device) ?? device
}

export const allAddresses = (instance: VrrpInstance): readonly VirtualAddress[] => [
  ...instance.addresses,
  ...instance.excludedAddresses,
]

/** Every interface that a configuration names anywhere, in its order, without those that the daemon makes itself. */
function interfacesOf(config: Config): readonly string[] {
  const routing = [config.staticObjects, ...config.instances]
  const groups = [...config.instances, ...config.syncGroups]
  const named = [
    ...config.instances.flatMap((each) => [each.interface, ...each.virtualLinks.map(({ base }) => base)]),
    ...config.instances.flatMap((each) => allAddresses(each).map(({ device }) => device)),
    ...config.staticObjects.addresses.map(({ device }) => device),
    ...routing.flatMap(({ routes }) => routes.flatMap(({ hops }) => hops.map(({ device }) => device))),
    ...routing.flatMap(({ rules }) => rules.flatMap(({ incoming, outgoing }) => [incoming, outgoing])),
    ...groups.flatMap(({ tracks }) => tracks.filter(({ kind }) => kind === 'interface').map(({ name }) => name)),
    ...config.linkDelays.map((each) => each.interface),
    ...config.pacing.groups.flatMap(({ interfaces }) => interfaces),
    ...config.attachment.only,
    ...config.attachment.xdp,
    ...config.virtualServers.flatMap(({ realServers }) =>
      realServers.flatMap(({ checks }) =>
        checks.map((check) => ('source' in check ? check.source?.interface : undefined)),
      ),
    ),
  ]
  const real = physical(config)
  const made = new Set(config.instances.flatMap(({ virtualLinks }) => virtualLinks.map(({ name }) => name)))
  const found = new Set(
    named.flatMap((name) => (name === undefined || name === ANY_INTERFACE || name === 'lo' ? [] : [real(name)])),
  )
  for (const name of made) found.delete(name)
  return found.size === 0 ? [DEFAULT_INTERFACE] : [...found]
}

/** The instance of the other director that is the same virtual router; the one with an address in common when there are more. */
export function counterpart(instance: VrrpInstance, others: readonly VrrpInstance[]): VrrpInstance | undefined {
  const same = others.filter(({ vrid, family }) => vrid === instance.vrid && family === instance.family)
  const own = new Set(allAddresses(instance).map(({ address }) => address))
  return (
    same.find((other) => allAddresses(other).some(({ address }) => own.has(address))) ??
    same.find((other) => other.interface === instance.interface) ??
    same[0]
  )
}

/** Interfaces of the second director by those of the first one on the same network. */
function partners({ director1, director2 }: Pair): ReadonlyMap<string, string> {
  const [real1, real2] = [physical(director1), physical(director2)]
  const found = new Map<string, string>()
  const taken = new Set<string>()
  const join = (one: string, other: string) => {
    if (found.has(one) || taken.has(other)) return
    found.set(one, other)
    taken.add(other)
  }
  for (const instance of director1.instances) {
    const other = counterpart(instance, director2.instances)
    if (other === undefined || [instance.interface, other.interface].includes(ANY_INTERFACE)) continue
    join(real1(instance.interface), real2(other.interface))
  }
  const second = new Set(interfacesOf(director2))
  for (const name of interfacesOf(director1)) if (second.has(name)) join(name, name)
  return found
}

/** The networks of two directors, and which addresses of them are free. */
export class Networks {
  readonly #lans: (Lan & { readonly subnets: Prefix[] })[] = []
  readonly #used = new Set<Address>()
  readonly #nextHops = new Set<Address>()
  readonly #real: Readonly<Record<DirectorName, (device: string) => string>>

  constructor(pair: Pair) {
    this.#real = { director1: physical(pair.director1), director2: physical(pair.director2) }
    const others = partners(pair)
    const first = interfacesOf(pair.director1)
    const taken = new Set(first.map((name) => others.get(name)))
    for (const name of first) this.#addLan(name, others.get(name))
    for (const name of interfacesOf(pair.director2)) if (!taken.has(name)) this.#addLan(undefined, name)
    for (const director of DIRECTORS) this.#addWritten(director, pair[director])
    for (const director of DIRECTORS) this.#addDerived(director, pair[director])
    for (const director of DIRECTORS) {
      for (const { interface: device, family } of pair[director].instances) {
        const lan = this.#find(director, device)
        // Adverts have a source of their family; in IPv6 each interface has one.
        if (lan !== undefined && family === 4 && !lan.subnets.some(({ address }) => isIpv4(address)))
          lan.subnets.push({ address: parsed(`198.18.${this.#lans.indexOf(lan)}.0`), length: 24 })
      }
    }
  }

  #addLan(director1: string | undefined, director2: string | undefined): void {
    this.#lans.push({ name: `lan${this.#lans.length + 1}`, interfaces: { director1, director2 }, subnets: [] })
  }

  /** Those of addresses with the length of their prefix. */
  #addWritten(director: DirectorName, { instances, staticObjects }: Config): void {
    for (const { address, prefix, device } of [...instances.flatMap(allAddresses), ...staticObjects.addresses]) {
      this.use(address)
      if (prefix < addressBits(address)) this.#addSubnet(this.#find(director, device), { address, length: prefix })
    }
  }

  /** Those around other addresses, where no subnet holds them. */
  #addDerived(director: DirectorName, config: Config): void {
    const routing = [config.staticObjects, ...config.instances]
    const on = (device: string | undefined, addresses: readonly (Address | undefined)[]) => {
      for (const address of addresses) {
        if (address === undefined) continue
        this.use(address)
        if (device !== undefined) this.surround(this.#find(director, device), address)
      }
    }
    for (const { interface: device, source, unicastPeers } of config.instances)
      on(device, [source, ...unicastPeers.map(({ address }) => address)])
    for (const { address, device } of config.instances.flatMap(allAddresses)) on(device, [address])
    for (const { via, device } of routing.flatMap(({ routes }) => routes.flatMap(({ hops }) => hops))) {
      on(device, [via])
      if (via !== undefined) this.#nextHops.add(via)
    }
    for (const { neighbour, source, multihop } of config.bfdSessions)
      on(multihop ? undefined : (this.#lans[0]?.interfaces[director] ?? undefined), [source, neighbour])
  }

  #addSubnet(lan: (Lan & { readonly subnets: Prefix[] }) | undefined, { address, length }: Prefix): void {
    if (lan === undefined || isLinkLocal(address)) return
    const family = familyOf(address)
    const subnet = networkOf({ address, length: length > LONGEST[family] ? USUAL[family] : length })
    const known = lan.subnets.findIndex((each) => holds(each, address) && each.length <= subnet.length)
    if (known >= 0) return
    // A wider one takes the place of those within it.
    const kept = lan.subnets.filter((each) => !(holds(subnet, each.address) && subnet.length <= each.length))
    lan.subnets.splice(0, lan.subnets.length, ...kept, subnet)
  }

  /** Makes a network hold an address: by the usual subnet around it, unless one of any network has it. */
  surround(lan: Lan | undefined, address: Address): void {
    const own = this.#lans.find((each) => each === lan)
    if (this.holding(address) !== undefined) return
    this.#addSubnet(own, { address, length: addressBits(address) })
  }

  /** Of the routes of both configurations. */
  get nextHops(): readonly Address[] {
    return [...this.#nextHops]
  }

  get lans(): readonly Lan[] {
    return this.#lans
  }

  #find(director: DirectorName, device: string) {
    const real = this.#real[director](device)
    return this.#lans.find(({ interfaces }) => interfaces[director] === real)
  }

  /** Where an interface of a director is. */
  lanOf(director: DirectorName, device: string): Lan | undefined {
    return this.#find(director, device)
  }

  /** The network with the smallest subnet that holds an address. */
  holding(address: Address): { readonly lan: Lan; readonly subnet: Prefix } | undefined {
    const found = this.#lans.flatMap((lan) =>
      lan.subnets.filter((subnet) => holds(subnet, address)).map((subnet) => ({ lan, subnet })),
    )
    return found.toSorted((a, b) => b.subnet.length - a.subnet.length)[0]
  }

  /** Nobody gets this address by chance. */
  use(address: Address): void {
    this.#used.add(address)
  }

  /** An address of a subnet that nobody has: from its end on, where machines of people are rarely. */
  free(subnet: Prefix): Address | undefined {
    // The last one of an IPv4 subnet is its broadcast address.
    for (let index = -2; index >= -SEARCH; index--) {
      const address = addressAt(subnet, index)
      if (!holds(subnet, address) || this.#used.has(address)) continue
      this.#used.add(address)
      return address
    }
    return undefined
  }
}

/** Addresses that are looked at for a free one. */
const SEARCH = 4096

/** `10.0.0.0/24` around an address of IPv4, `/64` around one of IPv6. */
export const usualSubnet = (address: Address): Prefix =>
  networkOf({ address, length: isIpv4(address) ? USUAL[4] : USUAL[6] })

function parsed(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is no address`)
  return address
}
