import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BfdPacket, decodeBfd, encodeBfd } from '../../src/bfd/packet.ts'
import { millis } from '../../src/time.ts'
import { aPacket } from './sessions.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
/** As keepalived 2.2.7 sends it, read by tcpdump: Down, 1 s and 50 ms, multiplier 3. */
const DOWN = '20400318 1dedd0f2 00000000 000f4240 0000c350 00000000'

/** The bytes of a good packet, but for one. */
function withByte(offset: number, value: number): Uint8Array {
  const bytes = encodeBfd(aPacket())
  bytes[offset] = value
  return bytes
}

test("a packet of keepalived's is read, and written again byte by byte", () => {
  const packet = decodeBfd(hex(DOWN))
  expect(packet).toEqual({
    diagnostic: 0,
    state: 'down',
    poll: false,
    final: false,
    demand: false,
    detectMultiplier: 3,
    myDiscriminator: 0x1dedd0f2,
    yourDiscriminator: 0,
    desiredMinTx: 1000,
    requiredMinRx: 50,
  })
  expect(encodeBfd(packet as BfdPacket)).toEqual(hex(DOWN))
})

test('flags, state and diagnostic have the bits of RFC 5880 §4.1', () => {
  const bytes = encodeBfd(aPacket({ state: 'up', diagnostic: 3, poll: true, demand: true }))
  expect([bytes[0], bytes[1]]).toEqual([0b001_00011, 0b11_100010])
  expect(encodeBfd(aPacket({ state: 'admin-down', final: true }))[1]).toBe(0b00_010000)
  expect(encodeBfd(aPacket({ state: 'init' }))[1]).toBe(0b10_000000)
})

describe('is dropped', () => {
  test.each([
    ['truncated', hex(DOWN).subarray(0, 23)],
    ['truncated', new Uint8Array(0)],
    ['version', withByte(0, 0b010_00000)],
    ['version', withByte(0, 0)],
    ['length', withByte(3, 23)],
    ['length', withByte(3, 25)],
    ['multiplier-zero', withByte(2, 0)],
    ['multipoint', withByte(1, 0b01_000001)],
    ['discriminator-zero', encodeBfd(aPacket({ myDiscriminator: 0 }))],
    ['no-discriminator', encodeBfd(aPacket({ yourDiscriminator: 0, state: 'init' }))],
    ['no-discriminator', encodeBfd(aPacket({ yourDiscriminator: 0, state: 'up' }))],
    ['authentication', withByte(1, 0b01_000100)],
  ])('%s (%#)', (drop, bytes) => expect(decodeBfd(bytes)).toEqual({ drop }))
})

test('what stands behind the length is no part of it', () => {
  expect(decodeBfd(Uint8Array.of(...hex(DOWN), 1, 2, 3))).toEqual(decodeBfd(hex(DOWN)))
})

const anyPacket = fc.record({
  diagnostic: fc.integer({ min: 0, max: 31 }),
  state: fc.constantFrom('admin-down', 'down', 'init', 'up'),
  poll: fc.boolean(),
  final: fc.boolean(),
  demand: fc.boolean(),
  detectMultiplier: fc.integer({ min: 1, max: 255 }),
  myDiscriminator: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  yourDiscriminator: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  desiredMinTx: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((us) => millis(us / 1000)),
  requiredMinRx: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((us) => millis(us / 1000)),
})

test('any packet is read as it was written', () => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      expect(decodeBfd(encodeBfd(packet))).toEqual(packet)
    }),
  )
})

test('any bytes are a packet or a reason', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const packet = decodeBfd(bytes)
      expect('drop' in packet || packet.myDiscriminator > 0).toBe(true)
    }),
  )
})
