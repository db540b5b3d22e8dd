import { anatomyOf } from './anatomy.ts'
import { ETHERNET } from './packet.ts'

const [RECORD_ROUTE, TIMESTAMPS] = [7, 68]

/** An IPv4 packet with zeros in place of what routers write into its options, and of its checksum. */
export function withoutRecords(frame: Buffer, packet = ETHERNET): Buffer | undefined {
  const anatomy = anatomyOf(frame, packet)
  if (anatomy === undefined || anatomy.v6) return undefined
  const copy = Buffer.from(frame)
  let found = false
  for (let at = packet + 20; at + 2 < anatomy.segment;) {
    const [kind, length = 0] = [copy[at], copy[at + 1]]
    if (kind === 1) at++
    else {
      if (length < 4 || at + length > anatomy.segment) return undefined
      if (kind === RECORD_ROUTE || kind === TIMESTAMPS) {
        copy.fill(0, at + 2, at + length)
        found = true
      }
      at += length
    }
  }
  copy.writeUInt16BE(0, packet + 10)
  return found ? copy : undefined
}
