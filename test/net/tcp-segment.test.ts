import { expect, test } from 'vitest'
import { type Address, addressBytes } from '../../src/net/address.ts'
import { checksum } from '../../src/net/checksum.ts'
import { decodeSynAck, synSegment } from '../../src/net/tcp-segment.ts'

test('a segment that opens a connection has ports, number and a right checksum in both families', () => {
  for (const [from, to] of [
    ['10.0.0.1', '10.0.0.2'],
    ['fd00::1', 'fd00::2'],
  ] as [Address, Address][]) {
    const bytes = synSegment({ address: from, port: 10_001 }, { address: to, port: 80 }, 0xfffffff0)
    const view = new DataView(bytes.buffer)
    expect([view.getUint16(0), view.getUint16(2), view.getUint32(4), view.getUint8(13)]).toEqual([
      10_001, 80, 0xfffffff0, 2,
    ])
    const rest = Uint8Array.of(0, 0, 0, 6, 0, 0, 0, bytes.length)
    expect(checksum(addressBytes(from), addressBytes(to), rest, bytes)).toBe(0)
  }
})

test('only a segment that accepts a connection is an answer', () => {
  const bytes = synSegment({ address: '10.0.0.1' as Address, port: 80 }, { address: '10.0.0.2' as Address, port: 9 }, 5)
  expect(decodeSynAck(bytes)).toBeUndefined()
  bytes[13] = 0x12
  expect(decodeSynAck(bytes)).toEqual({ fromPort: 80, toPort: 9, sequence: 0xffffffff })
  bytes[13] = 0x14 // a refusal
  expect(decodeSynAck(bytes)).toBeUndefined()
  expect(decodeSynAck(bytes.subarray(0, 19))).toBeUndefined()
})
