import { expect, test } from 'vitest'
import { drawing, synPacket, turnToNextPort } from '../../src/lab/attacks.ts'
import { checksum } from '../../src/net/checksum.ts'
import { parseAddress } from '../../src/net/address.ts'

const HEADERS = { ipv4: { bytes: 20, addressesAt: 12 }, ipv6: { bytes: 40, addressesAt: 8 } } as const
const TCP = 6

test.each([
  ['ipv4', '172.18.100.7'],
  ['ipv6', '2001:db8::7'],
] as const)('a packet of a SYN flood by %s stays right, and is of another connection each time', (family, text) => {
  const to = parseAddress(text)
  if (to === undefined) throw new Error(text)
  const packet = synPacket(to, 80, drawing(7))
  const { bytes, addressesAt } = HEADERS[family]
  const segment = packet.subarray(bytes)
  const addresses = packet.subarray(addressesAt, bytes)
  const ports = new Set<number>()
  // Over the end of the ports, too.
  for (let i = 0; i < 64_512; i++) {
    ports.add(new DataView(segment.buffer, segment.byteOffset).getUint16(0))
    if (i % 97 === 0 || i > 64_500)
      expect(checksum(addresses, Uint8Array.of(0, 0, 0, TCP, 0, 0, 0, segment.length), segment)).toBe(0)
    turnToNextPort(packet)
  }
  expect(ports.size).toBe(64_512)
  expect(Math.min(...ports)).toBe(1024)
})
