import type { Family, VirtualLink } from '../../model/vrrp.ts'
import { isIpv4 } from '../../net/address.ts'
import { isStrict } from '../effective.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'

type AddressLine = InstanceSettings['virtual_ipaddress'][number]

/** keepalived's, too. */
const DEFAULT_PREFIX = 'vrrp'

/** What an instance has of interfaces with the MAC address of its virtual router. */
export interface VirtualLinks {
  readonly links: readonly VirtualLink[]
  /** Where adverts leave, when that is not the instance's own interface. */
  readonly transmitBy: string | undefined
  /** The one that an address is on, if it is on one. */
  deviceOf(line: AddressLine): string | undefined
}

/**
 * The virtual interfaces of all instances. Their names must not meet, so that who is first has the shorter one: `vrrp.51`,
 * `vrrp1.51`, as keepalived calls them.
 */
export function virtualLinks(settings: Settings): ReadonlyMap<InstanceSettings, VirtualLinks> {
  const { global_defs: global, vrrp_instance: instances } = settings
  const prefix = global?.vmac_prefix ?? DEFAULT_PREFIX
  const addressPrefix = global?.vmac_addr_prefix ?? prefix
  const taken = new Set(instances.flatMap(({ use_vmac: own }) => own?.name ?? []))
  const free = (start: string, vrid: number): string => {
    for (let i = 0; ; i++) {
      const name = `${start}${i === 0 ? '' : i}.${vrid}`
      if (taken.has(name)) continue
      taken.add(name)
      return name
    }
  }
  return new Map(
    instances.map((instance) => {
      const { interface: base, use_vmac: own } = instance
      const vrid = instance.virtual_router_id ?? 0
      const strict = isStrict(instance, global)
      const links = new Map<string, VirtualLink>()
      const linkAt = (device: string, family: Family, start: string): VirtualLink => {
        const key = `${device} ${family}`
        const known = links.get(key)
        if (known !== undefined) return known
        const isOwn = start === prefix && own?.name !== undefined && device === base && links.size === 0
        const name = isOwn ? (own.name ?? '') : free(start, vrid)
        const link = { name, base: device, mac: macOf(strict ? undefined : own?.mac, family, vrid), group: own?.group }
        links.set(key, link)
        return link
      }
      const family = familyOf(instance)
      const main = own === undefined || base === undefined ? undefined : linkAt(base, family, prefix)
      const deviceOf = (line: AddressLine): string | undefined => {
        const device = line.dev ?? base
        if (device === undefined) return undefined
        const lineFamily: Family = isIpv4(line.prefix.address) ? 4 : 6
        if (main !== undefined && device === base && lineFamily === family) return main.name
        const hasOwn = line.use_vmac === true || (instance.use_vmac_addr && own !== undefined)
        return hasOwn ? linkAt(device, lineFamily, addressPrefix).name : undefined
      }
      // Every address once, so that the list is whole.
      for (const line of [...instance.virtual_ipaddress, ...instance.virtual_ipaddress_excluded]) deviceOf(line)
      // Unicast adverts are to come from the address of the interface, and its MAC.
      const sendsByBase = (instance.vmac_xmit_base && !strict) || instance.unicast_peer.length > 0
      const virtual = { links: [...links.values()], transmitBy: sendsByBase ? undefined : main?.name, deviceOf }
      return [instance, virtual]
    }),
  )
}

const familyOf = ({ virtual_ipaddress: [first] }: InstanceSettings): Family =>
  first === undefined || isIpv4(first.prefix.address) ? 4 : 6

/** RFC 9568 §7.3. Of one that is said with five bytes the VRID is the sixth. */
function macOf(said: string | undefined, family: Family, vrid: number): string {
  const bytes = (said ?? (family === 4 ? '00:00:5e:00:01' : '00:00:5e:00:02')).split(':')
  const all = bytes.length === 5 ? [...bytes, vrid.toString(16)] : bytes
  return all.map((byte) => byte.padStart(2, '0')).join(':')
}
