import { addressBytes } from '../net/address.ts'
import type { Encap } from '../net/route.ts'
import { type Attribute, encodeAttributes } from './netlink-message.ts'

const TYPES = { mpls: 1, ip: 2, ila: 3, ip6: 4 } as const
const RTA = { encapType: 21, encap: 22 } as const
/** The same numbers for IPv4 and IPv6. */
const IP = { id: 1, to: 2, from: 3, ttl: 4, tos: 5, flags: 6 } as const
const MPLS_DESTINATION = 1
const ILA_LOCATOR = 1
/** Set in the last label of a stack (RFC 3032 §2.1). */
const BOTTOM_OF_STACK = 0x100

/** The attributes of a route, or of one of its next hops (lwtunnel.h, mpls_iptunnel.h and ila.h of the kernel). */
export function tunnelAttributes(tunnel: Encap): readonly Attribute[] {
  return [
    [RTA.encapType, new Uint8Array(Uint16Array.of(TYPES[tunnel.type]).buffer)],
    [RTA.encap, encodeAttributes(inner(tunnel))],
  ]
}

function inner(tunnel: Encap): readonly Attribute[] {
  switch (tunnel.type) {
    case 'mpls':
      return [[MPLS_DESTINATION, labelStack(tunnel.labels)]]
    case 'ip':
    case 'ip6': {
      const { id, to, from, tos, ttl, flags } = tunnel
      return [
        ...(id === 0 ? [] : [[IP.id, bigEndian64(BigInt(id))] as const]),
        ...(to === undefined ? [] : [[IP.to, addressBytes(to)] as const]),
        ...(from === undefined ? [] : [[IP.from, addressBytes(from)] as const]),
        ...(tos === 0 ? [] : [[IP.tos, Uint8Array.of(tos)] as const]),
        ...(ttl === 0 ? [] : [[IP.ttl, Uint8Array.of(ttl)] as const]),
        ...(flags === 0 ? [] : [[IP.flags, bigEndian16(flags)] as const]),
      ]
    }
    case 'ila':
      return [[ILA_LOCATOR, bigEndian64(BigInt(`0x${tunnel.locator}`))]]
  }
}

/** Each label takes the upper 20 bits of 32 (RFC 3032 §2.1). */
function labelStack(labels: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * labels.length)
  const view = new DataView(bytes.buffer)
  for (const [i, label] of labels.entries()) {
    view.setUint32(4 * i, label * 0x1000 + (i === labels.length - 1 ? BOTTOM_OF_STACK : 0))
  }
  return bytes
}

function bigEndian64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}

function bigEndian16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  new DataView(bytes.buffer).setUint16(0, value)
  return bytes
}
