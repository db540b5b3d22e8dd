import { ANY_INTERFACE, type VirtualAddress, type VrrpInstance } from '../../model/vrrp.ts'
import {
  advertIntervalOf,
  checksumOf,
  familyOf,
  groupOf,
  leaseOf,
  peersOf,
  preemptDelayOf,
  preempts,
  receiveBufferOf,
  versionOf,
  virtualAddressesOf,
} from '../effective.ts'
import { electionOf } from './election.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import { addressOf } from './address.ts'
import { runningAuthentication } from './authentication.ts'
import { garpOf } from './garp.ts'
import type { MadeRouting } from './routing.ts'
import { staticTracks } from './static-objects.ts'
import { instanceTracks } from './tracking.ts'
import type { VirtualLinks } from './virtual-links.ts'

/** Where addresses are whose line, and instance, have no interface (keepalived's). */
const DEFAULT_INTERFACE = 'eth0'

/** An instance runs only where its adverts would be understood as they were meant. */
export function runningInstance(
  instance: InstanceSettings,
  settings: Settings,
  virtual: VirtualLinks | undefined,
  made: MadeRouting,
): VrrpInstance | undefined {
  const { global_defs: global } = settings
  // Rules have seen that it is unicast, from a source of its own.
  const device = instance.interface ?? ANY_INTERFACE
  const addressDevice = instance.interface ?? global?.default_interface ?? DEFAULT_INTERFACE
  const { inAdverts, besides } = virtualAddressesOf(instance)
  const peers = peersOf(instance)
  const address = (line: (typeof besides)[number]): VirtualAddress => {
    const on = virtual?.deviceOf(line)
    return addressOf(on === undefined ? line : { ...line, dev: on }, addressDevice)
  }
  return {
    name: instance.id,
    interface: device,
    vrf: instance.interface === undefined ? instance.vrf : undefined,
    family: familyOf(instance),
    vrid: instance.virtual_router_id ?? 0,
    version: versionOf(instance),
    priority: instance.priority,
    advertInt: advertIntervalOf(instance),
    preempt: preempts(instance),
    preemptDelay: preemptDelayOf(instance, global),
    preemptAfterChecks: instance.preempt_after_checks,
    election: electionOf(instance, global),
    addresses: inAdverts.map(address),
    excludedAddresses: besides.map(address),
    virtualLinks: virtual?.links ?? [],
    transmitBy: virtual?.transmitBy,
    routes: instance.virtual_routes.flatMap((line) => made.routes.get(line) ?? []),
    rules: instance.virtual_rules.flatMap((line) => made.rules.get(line) ?? []),
    source: instance.unicast_src_ip ?? instance.mcast_src_ip,
    unicastPeers: peers.map(({ address, min_ttl: minTtl = 0, max_ttl: maxTtl = 255 }) => ({ address, minTtl, maxTtl })),
    unicastTtl: instance.unicast_ttl ?? 255,
    receiveBuffer: receiveBufferOf(instance, global),
    lacksPeers: instance.unicast_fault_no_peer && peers.length === 0,
    multicastGroup: groupOf(instance, global),
    authentication: runningAuthentication(instance, settings),
    checksum: checksumOf(instance, global),
    checkAddresses: !(instance.skip_check_adv_addr ?? global?.vrrp_skip_check_adv_addr ?? false),
    tracks: [...instanceTracks(instance, settings), ...staticTracks(instance, settings)],
    trackPrimary: !instance.dont_track_primary,
    trackSource: instance.track_src_ip,
    lease: leaseOf(instance, global),
    promotesSecondaries: instance.promote_secondaries,
    garp: garpOf(instance, global),
  }
}
