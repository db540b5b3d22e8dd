import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../src/net/address.ts'
import { checksum } from '../../src/net/checksum.ts'
import { multicastFrames, multicastMac } from '../../src/net/multicast-frame.ts'

const ip = (text: string) => {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(text)
  return address
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33)
const payload = Uint8Array.of(1, 2, 3, 4)
const rest = { protocol: 112, ttl: 255, tos: 0xc0, identification: 0x1234, payload }
const MTU = 1500
const FOUR = { source: ip('10.0.0.1'), group: ip('224.0.0.18') }
const SIX = { source: ip('fe80::1'), group: ip('ff02::12') }

test.each([
  ['224.0.0.18', '01005e000012'],
  // The first bit of the second byte is not in the MAC (RFC 1112 §6.4).
  ['239.129.2.3', '01005e010203'],
  ['ff02::12', '333300000012'],
  ['ff02::1:ff00:77', '3333ff000077'],
])('the MAC of %s', (group, expected) => {
  expect(hex(multicastMac(ip(group)))).toBe(expected)
})

test('an IPv4 packet is whole: lengths, checksum, and the MAC that it is to have', () => {
  const [frame = new Uint8Array(), ...others] = multicastFrames(mac, { ...rest, ...FOUR }, MTU)
  expect(others).toEqual([])
  expect(hex(frame.subarray(0, 14))).toBe('01005e00001200005e0001330800')
  const header = frame.subarray(14, 34)
  expect([header[0], header[1], header[8], header[9]]).toEqual([0x45, 0xc0, 255, 112])
  expect([(header[2] ?? 0) * 256 + (header[3] ?? 0), checksum(header)]).toEqual([24, 0])
  // AH covers the identification: what is sent must be what was signed.
  expect(hex(header.subarray(4, 8))).toBe('12340000')
  expect(hex(frame.subarray(26))).toBe('0a000001e000001201020304')
})

test('an IPv6 packet', () => {
  const [frame = new Uint8Array(), ...others] = multicastFrames(mac, { ...rest, ...SIX }, MTU)
  expect(others).toEqual([])
  const [source, group] = [`fe80${'0'.repeat(26)}01`, `ff02${'0'.repeat(26)}12`]
  expect(hex(frame)).toBe(`33330000001200005e00013386dd6c000000000470ff${source}${group}01020304`)
})

describe('a packet that is longer than the interface takes', () => {
  const long = Uint8Array.from({ length: 4088 }, (_, i) => i % 251)
  const whole = (parts: readonly Uint8Array[]) => Buffer.compare(Buffer.concat(parts), long) === 0

  test('in IPv4', () => {
    const frames = multicastFrames(mac, { ...rest, ...FOUR, payload: long }, 1500).map((frame) => frame.subarray(14))
    expect(frames.map(({ length }) => length)).toEqual([1500, 1500, 1148])
    // Identification, "more fragments", and the place in units of 8 bytes.
    expect(frames.map((frame) => hex(frame.subarray(4, 8)))).toEqual(['12342000', '123420b9', '12340172'])
    expect(frames.map((frame) => checksum(frame.subarray(0, 20)))).toEqual([0, 0, 0])
    expect(frames.map((frame) => new DataView(frame.buffer, frame.byteOffset).getUint16(2))).toEqual([1500, 1500, 1148])
    expect(whole(frames.map((frame) => frame.subarray(20)))).toBe(true)
  })

  test('in IPv6: the protocol is in the fragment header', () => {
    const frames = multicastFrames(mac, { ...rest, ...SIX, payload: long }, 1500).map((frame) => frame.subarray(14))
    expect(frames.map(({ length }) => length)).toEqual([1496, 1496, 1240])
    expect(frames.map((frame) => frame[6])).toEqual([44, 44, 44])
    const headers = frames.map((frame) => hex(frame.subarray(40, 48)))
    expect(headers).toEqual(['7000000100001234', '700005a900001234', '70000b5000001234'])
    expect(frames.map((frame) => new DataView(frame.buffer, frame.byteOffset).getUint16(4))).toEqual([1456, 1456, 1200])
    expect(whole(frames.map((frame) => frame.subarray(48)))).toBe(true)
  })

  test.each([
    [FOUR, 20],
    [SIX, 40],
  ])('one that just fits is not in pieces: %o', (path, header) => {
    expect(multicastFrames(mac, { ...rest, ...path, payload: long }, header + 4088)).toHaveLength(1)
    expect(multicastFrames(mac, { ...rest, ...path, payload: long }, header + 4087).length).toBeGreaterThan(1)
  })
})
