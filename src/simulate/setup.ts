import type { Config } from '../model/config.ts'
import type { Family, VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import { type Address, isIpv4 } from '../net/address.ts'
import { addressesOf, type HostAddress } from '../vrrp/state.ts'

/** What the election takes from a configuration. */
export type ElectionConfig = Pick<Config, 'instances' | 'syncGroups' | 'linkDelays'>

/** A director of a simulation. */
export interface DirectorSetup {
  readonly name: string
  /** The one that it starts with, and those that reloads may bring. */
  readonly configs: readonly [ElectionConfig, ...ElectionConfig[]]
}

/** A host's own interface. Those of one segment hear each other. */
export interface InterfaceSetup {
  readonly name: string
  readonly segment: string
  readonly own: readonly HostAddress[]
}

/** A virtual router: the instances of several directors that are one to clients. */
export interface Router {
  /** For people. */
  readonly name: string
  readonly segment: string
  /** Its instance on each director, by the director's place. More than one name: it is renamed, or made twice. */
  readonly instances: ReadonlyMap<number, ReadonlySet<string>>
}

/** Directors with what they are connected by. */
export interface Site {
  readonly directors: readonly DirectorSetup[]
  readonly interfaces: readonly (readonly InterfaceSetup[])[]
  readonly routers: readonly Router[]
}

interface Placed {
  readonly director: number
  readonly instance: VrrpInstance
}

/**
 * Connects directors: interfaces by which two instances of one VRID with a common address are reached lie on one segment. An
 * interface has the address that files say of it (source, or what all others list as peer), else one made up.
 */
export function siteOf(files: readonly DirectorSetup[]): Site {
  const directors = files.map(({ name, configs: [first, ...others] }): DirectorSetup => {
    return { name, configs: [withoutVirtualLinks(first), ...others.map(withoutVirtualLinks)] }
  })
  const placed = directors.flatMap(({ configs }, director) =>
    configs.flatMap(({ instances }) => instances.map((instance): Placed => ({ director, instance }))),
  )
  const segments = new Joined()
  for (const a of placed) {
    for (const b of placed) if (isOneRouter(a.instance, b.instance)) segments.join(portOf(a), portOf(b))
  }
  const interfaces = directors.map((_, director) => {
    const here = placed.filter((each) => each.director === director)
    return [...new Set(here.flatMap(({ instance }) => devicesOf(instance)))].map((name, i): InterfaceSetup => {
      const on = here.filter(({ instance }) => instance.interface === name)
      return { name, segment: segments.of(`${director} ${name}`), own: ownAddresses(placed, director, on, i) }
    })
  })
  return { directors, interfaces, routers: routersOf(placed, segments) }
}

/** A virtual router's own MAC address does not matter here: what is on such an interface is as on the one below. */
function withoutVirtualLinks(config: ElectionConfig): ElectionConfig {
  const instances = config.instances.map((instance): VrrpInstance => {
    const { virtualLinks } = instance
    if (virtualLinks.length === 0) return instance
    const baseOf = (device: string) => virtualLinks.find(({ name }) => name === device)?.base ?? device
    const lay = (each: VirtualAddress) => ({ ...each, device: baseOf(each.device) })
    return {
      ...instance,
      interface: baseOf(instance.interface),
      addresses: instance.addresses.map(lay),
      excludedAddresses: instance.excludedAddresses.map(lay),
      virtualLinks: [],
      transmitBy: undefined,
    }
  })
  return { ...config, instances }
}

const portOf = ({ director, instance }: Placed) => `${director} ${instance.interface}`

/** Interfaces that an instance needs or hangs on. */
const devicesOf = (instance: VrrpInstance): readonly string[] => [
  instance.interface,
  ...addressesOf(instance).map(({ device }) => device),
  ...instance.tracks.flatMap(({ kind, name }) => (kind === 'interface' ? [name] : [])),
]

const isOneRouter = (a: VrrpInstance, b: VrrpInstance) =>
  a.vrid === b.vrid &&
  a.family === b.family &&
  a.addresses.some(({ address }) => b.addresses.some((other) => other.address === address))

function ownAddresses(
  placed: readonly Placed[],
  director: number,
  on: readonly Placed[],
  nth: number,
): readonly HostAddress[] {
  const owned = on.flatMap(({ instance }) => (instance.priority === 255 ? instance.addresses : []))
  const said = on.flatMap(({ instance }) => [instance.source ?? listedOf(placed, director, instance) ?? []].flat())
  // An interface that no instance has for its own, but for addresses or as a tracker, has one of IPv4.
  const families = new Set<Family>(on.length === 0 ? [4] : on.map(({ instance }) => instance.family))
  const number = 1 + director + 16 * nth
  const madeUp = [...families].flatMap((family) => {
    if (said.some((address) => isIpv4(address) === (family === 4))) return []
    return (family === 4 ? `192.0.2.${number}` : `fe80::${number.toString(16)}`) as Address
  })
  const own = (address: Address, prefix: number): HostAddress => ({ address, prefix, primary: true, tentative: false })
  return [
    ...[...new Set([...said, ...madeUp])].map((address) => own(address, isIpv4(address) ? 24 : 64)),
    ...owned.map(({ address, prefix }) => own(address, prefix)),
  ]
}

/** The unicast peer that all other directors have, and this one has not. */
function listedOf(
  placed: readonly Placed[],
  director: number,
  instance: VrrpInstance,
): HostAddress['address'] | undefined {
  const others = placed.filter((each) => each.director !== director && isOneRouter(each.instance, instance))
  const listed = others.map(({ instance }) => instance.unicastPeers.map(({ address }) => address))
  const own = new Set(instance.unicastPeers.map(({ address }) => address))
  return listed[0]?.find((peer) => !own.has(peer) && listed.every((each) => each.includes(peer)))
}

function routersOf(placed: readonly Placed[], segments: Joined): readonly Router[] {
  const same = new Joined()
  const idOf = ({ director, instance }: Placed) =>
    `${director} ${instance.interface} ${instance.family} ${instance.vrid} ${instance.name}`
  for (const a of placed) {
    for (const b of placed) {
      if (isOneRouter(a.instance, b.instance) && segments.of(portOf(a)) === segments.of(portOf(b))) {
        same.join(idOf(a), idOf(b))
      }
    }
  }
  return [...Map.groupBy(placed, (each) => same.of(idOf(each))).values()].map((members): Router => {
    const [first] = members
    const names = Map.groupBy(members, ({ director }) => director)
    return {
      name: first === undefined ? '' : `${first.instance.name} (VRID ${first.instance.vrid})`,
      segment: first === undefined ? '' : segments.of(portOf(first)),
      instances: new Map(
        [...names].map(([director, own]) => [director, new Set(own.map(({ instance }) => instance.name))]),
      ),
    }
  })
}

/** Names that belong together, each lot by the first one of it. */
class Joined {
  readonly #above = new Map<string, string>()

  of(name: string): string {
    const above = this.#above.get(name)
    return above === undefined ? name : this.of(above)
  }

  join(a: string, b: string): void {
    const [first, second] = [this.of(a), this.of(b)]
    if (first !== second) this.#above.set(second, first)
  }
}
