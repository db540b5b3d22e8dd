import type { InstanceSnapshot } from '../snapshot.ts'

/** What keepalived counts of an instance, by the names of its JSON. */
export interface KeepalivedStats {
  readonly advert_rcvd: number
  readonly advert_sent: number
  readonly become_master: number
  readonly release_master: number
  readonly packet_len_err: number
  readonly advert_interval_err: number
  readonly ip_ttl_err: number
  readonly invalid_type_rcvd: number
  readonly addr_list_err: number
  readonly invalid_authtype: number
  readonly authtype_mismatch: number
  readonly auth_failure: number
  readonly pri_zero_rcvd: number
  readonly pri_zero_sent: number
}

/** Why an advert is not proven to be from a peer. */
const PROOFS = ['authentication', 'unsigned', 'signature-form', 'signature-key', 'signature', 'stale', 'replayed']

const sumOf = (counts: Readonly<Record<string, number>>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (counts[name] ?? 0), 0)

/** Our counters in keepalived's terms. It counts wrong versions and checksums, too, and tells them by SNMP alone. */
export function keepalivedStats(instance: InstanceSnapshot): KeepalivedStats {
  const { dropped } = instance
  return {
    advert_rcvd: instance.advertsReceived,
    advert_sent: instance.advertsSent,
    become_master: instance.becameMaster,
    release_master: instance.releasedMaster,
    packet_len_err: (dropped['truncated'] ?? 0) + (dropped['trailing'] ?? 0),
    advert_interval_err: (dropped['interval'] ?? 0) + (dropped['interval-zero'] ?? 0),
    ip_ttl_err: dropped['ttl'] ?? 0,
    invalid_type_rcvd: dropped['type'] ?? 0,
    addr_list_err: (dropped['count-zero'] ?? 0) + (dropped['addresses'] ?? 0),
    invalid_authtype: dropped['authentication-unknown'] ?? 0,
    authtype_mismatch: dropped['authentication-type'] ?? 0,
    auth_failure: sumOf(dropped, PROOFS),
    pri_zero_rcvd: instance.priorityZeroReceived,
    pri_zero_sent: instance.priorityZeroSent,
  }
}

/** keepalived.stats, which SIGUSR2 asks for: the layout of keepalived 2.2.7. */
export function statsText(instances: readonly InstanceSnapshot[]): string {
  return instances.map(instanceStats).join('')
}

function instanceStats(instance: InstanceSnapshot): string {
  const stats = keepalivedStats(instance)
  return `VRRP Instance: ${instance.name}
  Advertisements:
    Received: ${stats.advert_rcvd}
    Sent: ${stats.advert_sent}
  Became master: ${stats.become_master}
  Released master: ${stats.release_master}
  Packet Errors:
    Length: ${stats.packet_len_err}
    TTL: ${stats.ip_ttl_err}
    Invalid Type: ${stats.invalid_type_rcvd}
    Advertisement Interval: ${stats.advert_interval_err}
    Address List: ${stats.addr_list_err}
  Authentication Errors:
    Invalid Type: ${stats.invalid_authtype}
    Type Mismatch: ${stats.authtype_mismatch}
    Failure: ${stats.auth_failure}
  Priority Zero:
    Received: ${stats.pri_zero_rcvd}
    Sent: ${stats.pri_zero_sent}
`
}
