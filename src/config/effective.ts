import { type Address, isIpv4 } from '../net/address.ts'
import type { MailTls } from '../model/telling.ts'
import { type Millis, millis, seconds } from '../time.ts'
import type { InstanceSettings, Settings, VirtualServerSettings } from './keywords/root.ts'

/**
 * What counts of values that stand together and cannot all have their way. keepalived goes on with one of them, and so does
 * Tanist, the same way; the rules say so at the other one.
 */

type Global = Settings['global_defs']

/** Tenths and less that version 3 cannot say: it counts hundredths of a second in 12 bits (RFC 9568 §5.2.7). */
const V3_STEP = 10
const V3_LONGEST = 40_950

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
  return instance.version === '3' || isStrict(instance, global) ? undefined : { type, password }
}

/** Whole seconds in version 2, the half rounded up, at least one; hundredths up to 40.95 s in version 3. */
export function advertIntervalOf({ advert_int: said, version }: InstanceSettings): Millis {
  if (said === undefined) return seconds(1)
  if (version === '2') return seconds(Math.max(1, Math.round(said / 1000)))
  return millis(Math.min(V3_LONGEST, Math.max(V3_STEP, Math.round(said / V3_STEP) * V3_STEP)))
}

/** The addresses of the first one's family are in the adverts; all others only move with the virtual router. */
export function virtualAddressesOf(instance: InstanceSettings) {
  const [first] = instance.virtual_ipaddress
  const ipv4 = first === undefined || isIpv4(first.prefix.address)
  const inAdverts = instance.virtual_ipaddress.filter(({ prefix }) => isIpv4(prefix.address) === ipv4)
  const others = instance.virtual_ipaddress.filter((line) => !inAdverts.includes(line))
  return { inAdverts, besides: [...others, ...instance.virtual_ipaddress_excluded] }
}

/** Whom adverts are sent to: nobody sends them to himself. */
export function peersOf(instance: InstanceSettings): readonly Address[] {
  return instance.unicast_peer.map(({ address }) => address).filter((address) => address !== instance.unicast_src_ip)
}

/** Seconds of a persistence that says no number. */
const PERSISTENCE_SECONDS = 360

/** How long a client stays at its server; undefined: no longer than its connection. A service for every port cannot do without. */
export function persistenceSecondsOf({ id, persistence_timeout: said }: VirtualServerSettings): number | undefined {
  if (said === undefined || said.value === 0) {
    return id.by === 'address' && id.port === undefined ? PERSISTENCE_SECONDS : undefined
  }
  return said.value ?? PERSISTENCE_SECONDS
}

/** Every datagram alone is for UDP. */
export const isOnePacket = ({ ops, protocol, id }: VirtualServerSettings): boolean =>
  ops && (protocol === 'UDP' || id.by === 'fwmark')

/** Each server once: the first one counts. */
export function realServersOf({ real_server: servers }: VirtualServerSettings) {
  const seen = new Set<string>()
  return servers.filter(({ id }) => {
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
