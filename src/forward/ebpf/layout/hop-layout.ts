import type { Hop } from '../../../model/next-hop.ts'
import { addressIn, encodeAddress } from './address-layout.ts'
import { struct, viewOf } from './struct.ts'

/** Where packets to a server go. An index of 0: not resolved. */
export const HOP = struct('hop', 40, { ifindex: [0, 4], mtu: [4, 4], neighbour: [8, 16], local: [24, 16] })

/** In place of the index: this director itself. */
const HOP_LOCAL = 0xffffffff

export function encodeHop(hop: Hop | undefined): Uint8Array {
  const { at } = HOP
  const bytes = new Uint8Array(HOP.bytes)
  const view = viewOf(bytes)
  if (hop === 'local') view.setUint32(at.ifindex, HOP_LOCAL, true)
  else if (hop !== undefined) {
    view.setUint32(at.ifindex, hop.ifindex, true)
    view.setUint32(at.mtu, hop.mtu, true)
    bytes.set(encodeAddress(hop.neighbour), at.neighbour)
    if (hop.source !== undefined) bytes.set(encodeAddress(hop.source), at.local)
  }
  return bytes
}

/** The hop at an offset; `family` is that of the server's address. */
export function decodeHop(view: DataView, offset: number, family: number): Hop | undefined {
  const { at } = HOP
  const ifindex = view.getUint32(offset + at.ifindex, true)
  if (ifindex === 0) return undefined
  if (ifindex === HOP_LOCAL) return 'local'
  const hasSource = [0, 4, 8, 12].some((word) => view.getUint32(offset + at.local + word) !== 0)
  return {
    ifindex,
    neighbour: addressIn(view, offset + at.neighbour, family),
    mtu: view.getUint32(offset + at.mtu, true),
    source: hasSource ? addressIn(view, offset + at.local, family) : undefined,
  }
}
