import { ANY_INTERFACE, type Family, type VirtualAddress, type VrrpInstance } from '../model/vrrp.ts'
import { type Address, isIpv4, isLinkLocal } from '../net/address.ts'
import type { Fault, Interface, LinkState } from './state.ts'

/**
 * Finds an instance's way to its peers: whether its interface can be used, and the source of its adverts. That is the
 * configured one, which any interface of the host may have (unicast peers may be routed, and keepalived asks no more)
 * unless it is tracked, else the first address of the interface, in IPv6 its link-local one, that is not one of the
 * `virtual` ones (RFC 9568 §7.2). The owner of the addresses has no other. One look at the interfaces serves all instances.
 */
export function linkFinder(
  interfaces: readonly Interface[],
  virtual: readonly VirtualAddress[],
): (config: VrrpInstance, previous: LinkState | undefined) => LinkState {
  const host = hostOf(interfaces, virtual)
  return (config, previous) => {
    const link = interfaceOf(config, host)
    const source = sourceOf(config, host)
    const fault = faultOf(config, link, source)
    const identity = link === undefined ? '' : `${link.index} ${link.mac} ${source ?? ''}`
    return { fault, source: source ?? previous?.source, identity }
  }
}

interface HostView {
  readonly interfaces: ReadonlyMap<string, Interface>
  /** The interfaces that have an address, once it can be used. */
  readonly owners: ReadonlyMap<Address, ReadonlySet<string>>
  /** By interface and family: the first address that is no virtual one, and the first of all. */
  readonly sources: ReadonlyMap<string, { readonly primary: Address | undefined; readonly first: Address | undefined }>
}

function hostOf(interfaces: readonly Interface[], virtual: readonly VirtualAddress[]): HostView {
  const isVirtual = new Set(virtual.map(({ address }) => address))
  const owners = new Map<Address, Set<string>>()
  for (const { name, addresses } of interfaces) {
    for (const { address, tentative } of addresses) {
      if (tentative) continue
      const known = owners.get(address)
      if (known === undefined) owners.set(address, new Set([name]))
      else known.add(name)
    }
  }
  const sources = interfaces.flatMap(({ name, addresses }) =>
    ([4, 6] as const).map((family) => {
      const own = addresses.filter(({ address, tentative }) => !tentative && isSourceOf(family, address))
      const primary = own.find((each) => each.primary && !isVirtual.has(each.address))
      return [sourceKey(name, family), { primary: primary?.address, first: own[0]?.address }] as const
    }),
  )
  return { interfaces: new Map(interfaces.map((each) => [each.name, each])), owners, sources: new Map(sources) }
}

/** Its own interface; of an instance without one that which has its source. */
function interfaceOf(
  { interface: device, source }: VrrpInstance,
  { interfaces, owners }: HostView,
): Interface | undefined {
  if (device !== ANY_INTERFACE) return interfaces.get(device)
  const [owner] = (source === undefined ? undefined : owners.get(source)) ?? []
  return owner === undefined ? undefined : interfaces.get(owner)
}

function faultOf(config: VrrpInstance, link: Interface | undefined, source: Address | undefined): Fault | undefined {
  if (config.lacksPeers) return 'no-peer'
  if (link === undefined) return config.interface === ANY_INTERFACE ? 'no-source' : 'no-interface'
  if (!link.up && config.trackPrimary) return 'down'
  if (source !== undefined) return undefined
  return config.source === undefined ? 'no-address' : 'no-source'
}

function sourceOf(config: VrrpInstance, { owners, sources }: HostView): Address | undefined {
  const { source } = config
  if (source !== undefined) {
    const on = owners.get(source)
    const isThere =
      config.trackSource && config.interface !== ANY_INTERFACE ? on?.has(config.interface) : on !== undefined
    return isThere === true ? source : undefined
  }
  const found = sources.get(sourceKey(config.interface, config.family))
  return found?.primary ?? (config.priority === 255 ? found?.first : undefined)
}

/** Adverts of IPv6 come from the link-local address (RFC 9568 §5.1.2.1). */
const isSourceOf = (family: Family, address: Address) => (family === 4 ? isIpv4(address) : isLinkLocal(address))

const sourceKey = (device: string, family: Family) => `${device} ${family}`
