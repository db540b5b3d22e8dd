import { expect, test } from 'vitest'
import type { Ipv6 } from '../../src/net/address.ts'
import { unsolicitedAdvertisement } from '../../src/net/neighbour-advertisement.ts'

test('an unsolicited neighbour advertisement, byte by byte', () => {
  const frame = unsolicitedAdvertisement(Uint8Array.of(2, 0, 0, 0, 0, 1), '2001:db8::6' as Ipv6)
  const parts = [
    '333300000001 020000000001 86dd', // to all nodes
    '60000000 0020 3a ff', // 32 bytes of ICMPv6, hop limit 255
    '20010db8000000000000000000000006 ff020000000000000000000000000001',
    '88 00 7920 a0000000', // router and override
    '20010db8000000000000000000000006',
    '02 01 020000000001',
  ]
  expect(Buffer.from(frame).toString('hex')).toBe(parts.join('').replaceAll(' ', ''))
})
