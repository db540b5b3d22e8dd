import type { AdvertChecksum } from '../../src/model/vrrp.ts'
import { addressBytes, isIpv4 } from '../../src/net/address.ts'
import { VRRP_GROUP } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'
import type { Arrival } from '../../src/vrrp/arrival.ts'
import { type Advertisement, VRRP_PROTOCOL } from '../../src/vrrp/packet/advertisement.ts'
import { address, encodeMessage } from '../../src/vrrp/packet/codec.ts'
import type { V2Authentication } from '../../src/vrrp/packet/v2.ts'
import { ip } from './instances.ts'

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** What the instance of the tests expects from its peer. */
export const anAdvert = (change: Partial<Advertisement> = {}): Advertisement => ({
  version: 3,
  vrid: 51,
  priority: 200,
  interval: millis(1000),
  addresses: [ip('10.0.0.100')],
  ...change,
})

export interface Way {
  readonly source?: string
  readonly destination?: string
  readonly ttl?: number
  readonly checksum?: AdvertChecksum
  readonly authentication?: V2Authentication
  readonly trailer?: Uint8Array
}

/** An advert as it comes in by eth0, from 10.0.0.2 to the group unless something else is said. */
export function anArrival(advert: Advertisement, way: Way = {}): Arrival {
  const path = { source: ip(way.source ?? '10.0.0.2'), destination: ip(way.destination ?? VRRP_GROUP) }
  const message = encodeMessage(advert, path, way.authentication)
  return {
    ...path,
    interface: 'eth0',
    ttl: way.ttl ?? 255,
    protocol: VRRP_PROTOCOL,
    ipHeader: isIpv4(path.source) ? new Uint8Array(20) : undefined,
    payload: address(advert, message, way.trailer ?? new Uint8Array(), path, way.checksum ?? 'pseudo-header'),
  }
}

/** RFC 1071 by hand: the sum of 16-bit words with end-around carry, complemented. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  const bytes = Buffer.concat(parts)
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return ~sum & 0xffff
}

/** The pseudo-header of either family, written out. */
export function pseudoHeader(source: string, destination: string, length: number): Uint8Array {
  const ends = Buffer.concat([addressBytes(ip(source)), addressBytes(ip(destination))])
  const rest = ends.length === 8 ? [0, 112, length >> 8, length & 255] : [0, 0, length >> 8, length & 255, 0, 0, 0, 112]
  return Buffer.concat([ends, Buffer.from(rest)])
}
