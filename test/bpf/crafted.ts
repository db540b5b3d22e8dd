import { checksum } from '../../src/net/checksum.ts'

/** Where the IP header begins in a frame. */
export const IP = 14

/** A frame with other bytes; the checksum of its IPv4 header is right for them unless they are its own. */
export function changed(frame: Uint8Array, edit: (bytes: Buffer) => void): Uint8Array {
  const bytes = Buffer.from(frame)
  const before = bytes.readUInt16BE(IP + 10)
  edit(bytes)
  if ((bytes[IP] ?? 0) >> 4 === 4 && bytes.readUInt16BE(IP + 10) === before) {
    bytes.writeUInt16BE(0, IP + 10)
    bytes.writeUInt16BE(checksum(bytes.subarray(IP, IP + ((bytes[IP] ?? 0) & 15) * 4)), IP + 10)
  }
  return Uint8Array.from(bytes)
}

export const longer = (frame: Uint8Array, by: number) => Uint8Array.from(Buffer.concat([frame, Buffer.alloc(by)]))

/** With IPv4 options, padded to words. */
export function withOptions(frame: Uint8Array, options: readonly number[]): Uint8Array {
  const padded = Buffer.alloc(Math.ceil(options.length / 4) * 4)
  padded.set(options)
  return changed(Buffer.concat([frame.subarray(0, IP + 20), padded, frame.subarray(IP + 20)]), (bytes) => {
    bytes[IP] = 0x45 + padded.length / 4
    bytes.writeUInt16BE(bytes.length - IP, IP + 2)
  })
}

/** With IPv6 extension headers: their types, and what they say of their lengths (in 8 bytes, without the first 8). */
export function withExtensions(
  frame: Uint8Array,
  headers: readonly (readonly [type: number, length: number])[],
): Uint8Array {
  const last = frame[IP + 6] ?? 0
  const extensions = headers.map(([, length], i) => {
    const header = Buffer.alloc(8 + 8 * length)
    header[0] = headers[i + 1]?.[0] ?? last
    header[1] = length
    return header
  })
  const bytes = Buffer.concat([frame.subarray(0, IP + 40), ...extensions, frame.subarray(IP + 40)])
  bytes[IP + 6] = headers[0]?.[0] ?? last
  bytes.writeUInt16BE(bytes.length - IP - 40, IP + 4)
  return Uint8Array.from(bytes)
}
