/** The Internet checksum (RFC 1071) over the concatenation of `parts`, each of even length but the last. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength)
    for (let i = 0; i + 1 < part.length; i += 2) sum += view.getUint16(i)
    if (part.length % 2 === 1) sum += view.getUint8(part.length - 1) << 8
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
