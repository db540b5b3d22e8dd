import { expect, test } from 'vitest'
import { decodeInertAt, decodeMarkIfindex, decodeTimeouts, encodeSettings } from '../../src/forward/layout.ts'

test('what a later daemon reads of the settings is what was written', () => {
  const timeouts = { tcp: 901, tcpFin: 121, udp: 301 }
  const settings = encodeSettings({
    timeouts,
    defendFrom: 1234,
    markIfindex: 77,
    switches: { expireNodestConn: true, expireQuiescentTemplate: true },
    inertAtNs: 987_654_321_000n,
    clockOffsetNs: 5n,
  })
  expect(decodeTimeouts(settings)).toEqual(timeouts)
  expect(decodeMarkIfindex(settings)).toBe(77)
  expect(decodeInertAt(settings)).toBe(987_654_321_000n)
})
