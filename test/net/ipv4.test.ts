import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { expect, test } from 'vitest'
import { type Ipv4, ipv4At, ipv4Bytes, isIpv4Multicast, isUnicast } from '../../src/net/ipv4.ts'

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))

test('addresses are the bytes that they say, and what ipaddr.js takes them for', () => {
  fc.assert(
    fc.property(octets, (bytes) => {
      const address = bytes.join('.') as Ipv4
      expect([...ipv4Bytes(address)]).toEqual(bytes)
      expect(ipv4At(new DataView(Uint8Array.from([9, ...bytes]).buffer), 1)).toBe(address)
      const range = ipaddr.IPv4.parse(address).range()
      expect(isIpv4Multicast(address)).toBe(range === 'multicast')
      expect(isUnicast(address)).toBe(range !== 'multicast' && range !== 'broadcast' && range !== 'unspecified')
    }),
    {
      numRuns: 2000,
      examples: [
        [[0, 0, 0, 0]],
        [[0, 1, 2, 3]],
        [[223, 255, 255, 255]],
        [[224, 0, 0, 0]],
        [[239, 255, 255, 255]],
        [[240, 0, 0, 0]],
        [[255, 255, 255, 255]],
        [[255, 255, 255, 254]],
      ],
    },
  )
})
