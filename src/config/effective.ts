import { type Address, isIpv4, VRRP_GROUP6 } from '../net/address.ts'
import { VRRP_GROUP } from '../net/ipv4.ts'
import type { MailTls } from '../model/telling.ts'
import type { AdvertChecksum, Family, ReceiveBuffer, VrrpVersion } from '../model/vrrp.ts'
import { type Millis, millis, seconds } from '../time.ts'
import type { InstanceSettings, RealServerSettings, Settings, VirtualServerSettings } from './keywords/root.ts'

/**
 * What counts of values that stand together and cannot all have their way. keepalived goes on with one of them, and so does
 * Tanist, the same way; the rules say so at the other one.
 */

type Global = Settings['global_defs']

/** Tenths and less that version 3 cannot say: it counts hundredths of a second in 12 bits (RFC 9568 §5.2.7). */
const V3_STEP = 10
const V3_LONGEST = 40_950

/** Long enough to replace a vrrp process, and as long as the peers of a slow master wait. */
const USUAL_LEASE = seconds(5)
const LEASE_INTERVALS = 4

export const isStrict = (instance: InstanceSettings, global: Global): boolean =>
  instance.strict_mode ?? global?.vrrp_strict ?? false

/** Whether it takes over from a master of lower priority: `nopreempt` is for backups (and not for owners). */
export const preempts = ({ nopreempt, state, priority }: InstanceSettings): boolean =>
  !nopreempt || state === 'MASTER' || priority === 255

export function preemptDelayOf(instance: InstanceSettings, global: Global): Millis {
  const counts = instance.state !== 'MASTER' && preempts(instance) && !isStrict(instance, global)
  return counts ? (instance.preempt_delay ?? millis(0)) : millis(0)
}

/** What its adverts carry: version 3 and strict mode have no authentication, and half of one is none. */
export function authenticationOf(instance: InstanceSettings, global: Global) {
  const { auth_type: type, auth_pass: password } = instance.authentication ?? {}
  if (type === undefined || password === undefined) return undefined
  return versionOf(instance) === 3 || isStrict(instance, global) ? undefined : { type, password }
}

/** The keys of `auth_hmac` in their order; of several with one number the first. */
export const hmacKeysOf = ({ key }: NonNullable<InstanceSettings['auth_hmac']>) =>
  key.filter(({ id }, i) => key.findIndex((other) => other.id === id) === i)

/** Milliseconds that a signed advert may be old; undefined: only the order counts. */
export function hmacWindowOf(
  { anti_replay: how, time_window: said }: NonNullable<InstanceSettings['auth_hmac']>,
  instance: InstanceSettings,
): Millis | undefined {
  if (how === 'monotonic') return undefined
  return said === undefined ? millis(Math.max(3 * advertIntervalOf(instance), 5000)) : seconds(said)
}

/** The checksum of adverts of version 3 over IPv4: without a word keepalived's. */
export function checksumOf(instance: InstanceSettings, global: Global): AdvertChecksum {
  const { old_unicast_checksum: old, unicast_peer: peers } = instance
  if (instance.v3_checksum_as_v2 ?? global?.v3_checksum_as_v2 ?? false) return 'plain'
  return old !== undefined && old.value !== 'never' && peers.length > 0 ? 'old-unicast' : 'pseudo-header'
}

/** Whole seconds in version 2, the half rounded up, at least one; hundredths up to 40.95 s in version 3. */
export function advertIntervalOf(instance: InstanceSettings): Millis {
  const { advert_int: said } = instance
  if (said === undefined) return seconds(1)
  if (versionOf(instance) === 2) return seconds(Math.max(1, Math.round(said / 1000)))
  return millis(Math.min(V3_LONGEST, Math.max(V3_STEP, Math.round(said / V3_STEP) * V3_STEP)))
}

/** That of its first virtual address; without any that of its peers or its source, and `native_ipv6` says it of one that has nothing. */
export function familyOf(instance: InstanceSettings): Family {
  const { unicast_src_ip: unicast, mcast_src_ip: multicast } = instance
  const first =
    instance.virtual_ipaddress[0]?.prefix.address ?? instance.unicast_peer[0]?.address ?? unicast ?? multicast
  if (first === undefined) return instance.native_ipv6 ? 6 : 4
  return isIpv4(first) ? 4 : 6
}

/** VRRPv2 has no IPv6. */
export const versionOf = (instance: InstanceSettings): VrrpVersion =>
  instance.version === '3' || familyOf(instance) === 6 ? 3 : 2

/** Where its adverts go without unicast peers. A group of the other family is none. */
export function groupOf(instance: InstanceSettings, global: Global): Address {
  const isIpv6 = familyOf(instance) === 6
  const said = [instance.mcast_dst_ip, isIpv6 ? global?.vrrp_mcast_group6 : global?.vrrp_mcast_group4]
  return said.find((group) => group !== undefined && isIpv4(group) !== isIpv6) ?? (isIpv6 ? VRRP_GROUP6 : VRRP_GROUP)
}

/** Packets of a size that a buffer has room for, when nothing says it (keepalived's figure). */
const PACKETS_IN_A_BUFFER = 3

/** What the socket has for this instance; undefined: what it has in any case. */
export function receiveBufferOf(instance: InstanceSettings, global: Global): ReceiveBuffer | undefined {
  if (instance.kernel_rx_buf_size !== undefined) return { of: 'bytes', bytes: instance.kernel_rx_buf_size }
  const { vrrp_rx_bufs_policy: policy, vrrp_rx_bufs_multiplier: packets = PACKETS_IN_A_BUFFER } = global ?? {}
  if (policy === undefined) return undefined
  if (policy === 'MTU') return { of: 'packets', packets }
  return { of: 'bytes', bytes: policy === 'ADVERT' ? packets * advertSizeOf(instance) : Number(policy) }
}

/** With the IP header. */
function advertSizeOf(instance: InstanceSettings): number {
  const count = virtualAddressesOf(instance).inAdverts.length
  if (familyOf(instance) === 6) return 40 + 8 + 16 * count
  return 20 + 8 + 4 * count + (versionOf(instance) === 2 ? 8 : 0)
}

/** How long the kernel keeps its addresses by themselves; 0: for good. The owner of the addresses has them whoever is master. */
export function leaseOf(instance: InstanceSettings, global: Global): Millis {
  if (instance.priority === 255) return millis(0)
  const usual = millis(Math.max(USUAL_LEASE, LEASE_INTERVALS * advertIntervalOf(instance)))
  return instance.vip_lease ?? global?.vip_lease ?? usual
}

/** The addresses of the first one's family are in the adverts; all others only move with the virtual router. */
export function virtualAddressesOf(instance: InstanceSettings) {
  const ipv4 = familyOf(instance) === 4
  const inAdverts = instance.virtual_ipaddress.filter(({ prefix }) => isIpv4(prefix.address) === ipv4)
  const others = instance.virtual_ipaddress.filter((line) => !inAdverts.includes(line))
  return { inAdverts, besides: [...others, ...instance.virtual_ipaddress_excluded] }
}

/** Whom adverts are sent to, each once: nobody sends them to himself. */
export function peersOf(instance: InstanceSettings): readonly InstanceSettings['unicast_peer'][number][] {
  const others = instance.unicast_peer.filter(({ address }) => address !== instance.unicast_src_ip)
  return others.filter(({ address }, i) => others.findIndex((other) => other.address === address) === i)
}

/** Seconds of a persistence that says no number. */
const PERSISTENCE_SECONDS = 360

/** How long a client stays at its server; undefined: no longer than its connection. A service for every port cannot do without. */
export function persistenceSecondsOf(server: VirtualServerSettings, settings: Settings): number | undefined {
  const { persistence_timeout: said } = server
  if (said === undefined || said.value === 0) return isForEveryPort(server, settings) ? PERSISTENCE_SECONDS : undefined
  return said.value ?? PERSISTENCE_SECONDS
}

/** Whether it, or a line of its group, names an address and no port. */
export function isForEveryPort({ id }: VirtualServerSettings, settings: Settings): boolean {
  if (id.by !== 'group') return id.by === 'address' && id.port === undefined
  const group = settings.virtual_server_group.find((each) => each.id === id.group)
  return group?.lines.some((line) => line.by !== 'fwmark' && line.port === undefined) ?? false
}

/** Every datagram alone is for UDP. */
export const isOnePacket = ({ ops, protocol, id }: VirtualServerSettings): boolean =>
  ops && (protocol === 'UDP' || id.by === 'fwmark')

type RealServerAt = RealServerSettings & { readonly id: Extract<RealServerSettings['id'], { address: Address }> }

/** Each server that has an address once: the first one counts. */
export function realServersOf({ real_server: servers }: VirtualServerSettings): readonly RealServerAt[] {
  const seen = new Set<string>()
  return servers.filter((real): real is RealServerAt => {
    const { id } = real
    if (id.address === undefined) return false
    const key = `[${id.address}]:${id.port ?? 0}`
    const first = !seen.has(key)
    seen.add(key)
    return first
  })
}

/** How mail goes: a password is not sent to who has not proved a name, unless the file says so. */
export const mailTlsOf = ({ smtp_tls: said, smtp_login: login }: NonNullable<Global>): MailTls =>
  said ?? (login === undefined ? 'auto' : 'starttls')

/** Names of the instances, or groups, that mails are about. */
export function mailingOf(
  blocks: readonly { readonly id: string; readonly smtp_alert: boolean | undefined }[],
  global: Global,
): readonly string[] {
  const usual = global?.smtp_alert_vrrp ?? global?.smtp_alert ?? false
  return blocks.filter(({ smtp_alert: own }) => own ?? usual).map(({ id }) => id)
}

export const mailPortOf = (global: NonNullable<Global>): number =>
  global.smtp_server?.port ?? (mailTlsOf(global) === 'implicit' ? 465 : 25)
