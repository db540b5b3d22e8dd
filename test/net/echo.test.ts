import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checksum } from '../../src/net/checksum.ts'
import { behindIpv4Header, decodeEcho, encodeEcho } from '../../src/net/echo.ts'

test('an echo is as RFC 792 draws it, with a right checksum', () => {
  const bytes = encodeEcho({ type: 8, identifier: 0x1234, sequence: 0x5678, data: Uint8Array.of(0xab) })
  expect(Buffer.from(bytes).toString('hex')).toMatch(/^0800....12345678ab$/)
  expect(checksum(bytes)).toBe(0)
})

test('what is written is read', () => {
  const echo = { type: fc.nat(255), identifier: fc.nat(0xffff), sequence: fc.nat(0xffff), data: fc.uint8Array() }
  fc.assert(
    fc.property(fc.record(echo, { noNullPrototype: true }), (said) => {
      expect(decodeEcho(encodeEcho(said))).toEqual(said)
    }),
  )
})

test('what is too short is none, and nothing throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(decodeEcho(bytes) === undefined).toBe(bytes.length < 8)
      const inside = behindIpv4Header(bytes)
      const length = ((bytes[0] ?? 0) & 0xf) * 4
      expect(inside?.length).toBe(length >= 20 && length <= bytes.length ? bytes.length - length : undefined)
    }),
  )
})
