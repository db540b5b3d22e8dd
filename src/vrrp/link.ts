import type { VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Fault, HostAddress, Interface, LinkState } from './state.ts'

/**
 * An instance's way to its peers: whether its interface can be used, and the source of its adverts. That is the
 * configured one, which any interface of the host may have (unicast peers may be routed, and keepalived asks no more)
 * unless it is tracked, else the first address of the interface that is not one of the `virtual` ones (RFC 9568 §7.2).
 * The owner of the addresses has no other.
 */
export function linkOf(
  config: VrrpInstance,
  interfaces: readonly Interface[],
  virtual: readonly VirtualAddress[],
  previous: LinkState | undefined,
): LinkState {
  const link = interfaces.find(({ name }) => name === config.interface)
  const source = sourceOf(config, interfaces, virtual)
  const fault = faultOf(config, link, source)
  const identity = link === undefined ? '' : `${link.index} ${link.mac} ${source ?? ''}`
  return { fault, source: source ?? previous?.source, identity }
}

function faultOf(config: VrrpInstance, link: Interface | undefined, source: Ipv4 | undefined): Fault | undefined {
  if (link === undefined) return 'no-interface'
  if (!link.up && config.trackPrimary) return 'down'
  if (source !== undefined) return undefined
  return config.source === undefined ? 'no-address' : 'no-source'
}

function sourceOf(
  config: VrrpInstance,
  interfaces: readonly Interface[],
  virtual: readonly VirtualAddress[],
): Ipv4 | undefined {
  const { source } = config
  if (source !== undefined) {
    const from = config.trackSource ? interfaces.filter(({ name }) => name === config.interface) : interfaces
    return from.some(({ addresses }) => addresses.some(({ address }) => address === source)) ? source : undefined
  }
  const own: readonly HostAddress[] = interfaces.find(({ name }) => name === config.interface)?.addresses ?? []
  const isVirtual = ({ address }: HostAddress) => virtual.some((other) => other.address === address)
  const primary = own.find((each) => each.primary && !isVirtual(each))
  return (primary ?? (config.priority === 255 ? own[0] : undefined))?.address
}
