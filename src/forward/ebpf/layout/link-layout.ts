import { struct } from './struct.ts'

/** An interface, by its index. */
export const LINK = struct('link', 8, { mac: [0, 6], xdp: [6, 1], replies: [7, 1] })

export function encodeLink(mac: Uint8Array, xdp: boolean): Uint8Array {
  const bytes = new Uint8Array(LINK.bytes)
  bytes.set(mac.subarray(0, 6), LINK.at.mac)
  bytes[LINK.at.xdp] = xdp ? 1 : 0
  return bytes
}
