import type { Checker } from '../model/checker.ts'
import type { VirtualServer } from '../model/service.ts'
import type { Address } from '../net/address.ts'

/**
 * Names of the virtual servers that are not checked at the moment (`ha_suspend`): none of their addresses is on this host. One of firewall
 * marks alone has no address that could be missing. keepalived never checks groups with `ha_suspend`; here they count like all others.
 */
export function suspendedServers(servers: readonly VirtualServer[], own: ReadonlySet<Address>): ReadonlySet<string> {
  const suspended = servers.filter(({ haSuspend, services, marked }) => {
    if (haSuspend !== true) return false
    const addresses = [...services, ...marked].flatMap((each) => (each.by === 'address' ? [each.vip.address] : []))
    return addresses.length > 0 && !addresses.some((address) => own.has(address))
  })
  return new Set(suspended.map(({ name }) => name))
}

/** Files and BFD sessions are followed in any case: nobody is asked by that. */
export const canRest = ({ type }: Checker): boolean => type !== 'FILE_CHECK' && type !== 'BFD_CHECK'
