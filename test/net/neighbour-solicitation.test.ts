import { expect, test } from 'vitest'
import { type Ipv6, addressBytes } from '../../src/net/address.ts'
import { arpQuestion, decodeArpReply, gratuitousArp, macText } from '../../src/net/arp.ts'
import { checksum } from '../../src/net/checksum.ts'
import type { Ipv4 } from '../../src/net/ipv4.ts'
import { unsolicitedAdvertisement } from '../../src/net/neighbour-advertisement.ts'
import { decodeAdvertisement, neighbourSolicitation } from '../../src/net/neighbour-solicitation.ts'

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 7)
const TARGET = 'fd00::12:3456' as Ipv6

test('a neighbour solicitation goes to the group of its target, with a right checksum', () => {
  const frame = neighbourSolicitation(MAC, 'fe80::1' as Ipv6, TARGET)
  expect(macText(frame.subarray(0, 6))).toBe('33:33:ff:12:34:56')
  expect(frame.subarray(38, 54)).toEqual(addressBytes('ff02::1:ff12:3456' as Ipv6))
  const rest = Uint8Array.of(0, 0, 0, 32, 0, 0, 0, 58)
  expect(checksum(frame.subarray(22, 54), rest, frame.subarray(54))).toBe(0)
})

test('an advertisement tells its target and its sender, and nothing else is one', () => {
  const frame = unsolicitedAdvertisement(MAC, TARGET)
  expect(decodeAdvertisement(frame)).toEqual({ address: TARGET, mac: MAC })
  for (let length = 0; length < 78; length++) expect(decodeAdvertisement(frame.subarray(0, length))).toBeUndefined()
  expect(decodeAdvertisement(neighbourSolicitation(MAC, 'fe80::1' as Ipv6, TARGET))).toBeUndefined()
})

test('an ARP reply tells its sender, and nothing else is one', () => {
  const address = '10.0.0.7' as Ipv4
  const frame = gratuitousArp('reply', MAC, address)
  expect(decodeArpReply(frame)).toEqual({ address, mac: MAC })
  for (let length = 0; length < 42; length++) expect(decodeArpReply(frame.subarray(0, length))).toBeUndefined()
  expect(decodeArpReply(arpQuestion(MAC, address, address))).toBeUndefined()
})
