import type { VrrpInstance } from '../model/vrrp.ts'
import { decodeIpHeader, type IpHeader } from '../net/ip-header.ts'
import { VRRP_GROUP } from '../net/ipv4.ts'
import { type Advertisement, decodeAdvertisement, type DropReason, passwordError, VRRP_PROTOCOL } from './packet.ts'

/** An advertisement that an instance has to act on, or why a packet was dropped. */
export type Received =
  | { readonly instance: VrrpInstance; readonly header: IpHeader; readonly advert: Advertisement }
  | { readonly drop: DropReason; readonly instance: VrrpInstance | undefined; readonly header: IpHeader | undefined }

/**
 * Finds the instance that a raw IPv4 packet is for and checks it as RFC 9568 §7.1 and RFC 3768 §7.1 demand. `instances`
 * are those on the interface that the packet came in by (erratum 8298).
 */
export function receive(packet: Uint8Array, instances: readonly VrrpInstance[]): Received {
  const header = decodeIpHeader(packet)
  if (header === undefined || header.protocol !== VRRP_PROTOCOL) {
    return { drop: 'truncated', instance: undefined, header }
  }
  const bytes = packet.subarray(header.payloadStart, header.payloadEnd)
  const vrid = bytes[1]
  const candidates = instances.filter((candidate) => candidate.vrid === vrid)
  // Routers of one VRID are told apart by their peers.
  const [first] = candidates
  const instance = candidates.find(({ unicastPeers }) => unicastPeers.includes(header.source)) ?? first
  if (instance === undefined) return { drop: 'virtual-router', instance: undefined, header }
  const advert = decodeAdvertisement(bytes, header)
  if (typeof advert === 'string') return { drop: advert, instance, header }
  const drop = mismatch(instance, header, advert)
  return drop === undefined ? { instance, header, advert } : { drop, instance, header }
}

function mismatch(instance: VrrpInstance, header: IpHeader, advert: Advertisement): DropReason | undefined {
  const unicast = instance.unicastPeers.length > 0
  if ((header.destination === VRRP_GROUP) === unicast) return 'cast'
  // RFC 9568 §5.1.1.3: only a neighbour can send with TTL 255. Unicast peers may be routed (keepalived checks none).
  if (!unicast && header.ttl !== 255) return 'ttl'
  if (unicast && !instance.unicastPeers.includes(header.source)) return 'peer'
  if (advert.version !== instance.version) return 'version'
  const wrong = passwordError(advert.password, instance.password)
  if (wrong !== undefined) return wrong
  // RFC 3768 §7.1; version 3 accepts another interval and adopts it.
  if (advert.version === 2 && advert.interval !== instance.advertInt) return 'interval'
  return undefined
}
