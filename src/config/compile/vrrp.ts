import type { VirtualAddress, VrrpInstance } from '../../model/vrrp.ts'
import { isIpv4 } from '../../net/address.ts'
import { VRRP_GROUP } from '../../net/ipv4.ts'
import {
  advertIntervalOf,
  authenticationOf,
  peersOf,
  preemptDelayOf,
  preempts,
  virtualAddressesOf,
} from '../effective.ts'
import { IPV6_INSTANCE, MULTICAST_GROUP, NO_INTERFACE } from '../keywords/features.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import { instanceTracks } from './tracking.ts'
import type { Feature } from '../schema/status.ts'

/** Told which block does not run for want of which feature. */
export type LeftOut = (feature: Feature, block: object) => void

/** An instance runs only where its adverts would be understood as they were meant. */
export function runningInstance(
  instance: InstanceSettings,
  settings: Settings,
  leftOut: LeftOut,
): VrrpInstance | undefined {
  const { global_defs: global } = settings
  const device = instance.interface
  if (device === undefined) {
    leftOut(NO_INTERFACE, instance)
    return undefined
  }
  // The keywords of these are told by themselves.
  if (instance.auth_hmac !== undefined || instance.use_ipvlan !== undefined) return undefined
  const group = instance.mcast_dst_ip ?? global?.vrrp_mcast_group4 ?? VRRP_GROUP
  if (group !== VRRP_GROUP && instance.unicast_peer.length === 0) {
    leftOut(MULTICAST_GROUP, instance)
    return undefined
  }
  const { inAdverts, besides } = virtualAddressesOf(instance)
  const lines = [...inAdverts, ...besides]
  const peers = peersOf(instance)
  const source = instance.unicast_src_ip ?? instance.mcast_src_ip
  const all = [...lines.map(({ prefix }) => prefix.address), ...peers, ...(source === undefined ? [] : [source])]
  if (!all.every(isIpv4)) {
    leftOut(IPV6_INSTANCE, instance)
    return undefined
  }
  const address = ({ prefix, dev }: (typeof lines)[number]): VirtualAddress[] =>
    isIpv4(prefix.address) ? [{ address: prefix.address, prefix: prefix.length, device: dev ?? device }] : []
  return {
    name: instance.id,
    interface: device,
    vrid: instance.virtual_router_id ?? 0,
    version: instance.version === '3' ? 3 : 2,
    priority: instance.priority,
    advertInt: advertIntervalOf(instance),
    preempt: preempts(instance),
    preemptDelay: preemptDelayOf(instance, global),
    addresses: inAdverts.flatMap(address),
    excludedAddresses: besides.flatMap(address),
    source: source !== undefined && isIpv4(source) ? source : undefined,
    unicastPeers: peers.filter(isIpv4),
    password: authenticationOf(instance, global)?.password.reveal(),
    tracks: instanceTracks(instance, settings),
    trackPrimary: !instance.dont_track_primary,
    trackSource: instance.track_src_ip,
    garp: { delay: instance.garp_master_delay, repeat: instance.garp_master_repeat },
  }
}
