import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeIpHeader } from '../../src/net/ip-header.ts'
import { VRRP_GROUP } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'
import { type Advertisement, decodeAdvertisement, encodeAdvertisement } from '../../src/vrrp/packet.ts'
import { receive } from '../../src/vrrp/receive.ts'
import { anInstance, ip } from './instances.ts'

const path = { source: ip('198.51.100.10'), destination: VRRP_GROUP }
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const advert: Advertisement = {
  version: 3,
  vrid: 51,
  priority: 200,
  interval: millis(1000),
  addresses: [ip('192.0.2.100')],
  password: undefined,
}

/** RFC 1071 by hand: the sum of 16-bit words with end-around carry, complemented. */
function internetChecksum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return ~sum & 0xffff
}

/** A version 3 advertisement with the checksum of RFC 9568, without pseudo-header. */
function plainV3(body: string): Uint8Array {
  const bytes = hex(body)
  new DataView(bytes.buffer).setUint16(6, internetChecksum(bytes))
  return bytes
}

describe('bytes of an advertisement', () => {
  test('version 3 is read with and without the pseudo-header in its checksum (RFC 9568 §5.2.8)', () => {
    // The message of keepalived's own test vector, whose IPv4 checksum covers the message only.
    const published = hex('3133c80100644402c0000264')
    expect(internetChecksum(published)).toBe(0)
    expect(decodeAdvertisement(published, path)).toEqual({ ...advert, addresses: [ip('192.0.2.100')] })
    const ours = encodeAdvertisement(advert, path)
    const pseudo = hex('c633640a e0000012 00 70 000c')
    expect(internetChecksum(Buffer.concat([pseudo, ours]))).toBe(0)
    expect(decodeAdvertisement(ours, path)).toEqual(advert)
  })

  test('version 2 has the interval in seconds, authentication data, and no pseudo-header (RFC 3768 §5.3)', () => {
    const bytes = encodeAdvertisement({ ...advert, version: 2, password: 'secret' }, path)
    expect(bytes).toHaveLength(8 + 4 + 8)
    expect([...bytes.subarray(0, 6)]).toEqual([0x21, 51, 200, 1, 1, 1])
    expect(Buffer.from(bytes.subarray(12)).toString()).toBe('secret\0\0')
    expect(internetChecksum(bytes)).toBe(0)
    expect(decodeAdvertisement(bytes, path)).toEqual({ ...advert, version: 2, password: 'secret' })
  })

  test('whatever is encoded is decoded again', () => {
    const address = fc.ipV4().map(ip)
    const any = fc.record({
      version: fc.constant(3 as const),
      vrid: fc.integer({ min: 1, max: 255 }),
      priority: fc.integer({ min: 0, max: 255 }),
      interval: fc.integer({ min: 1, max: 4095 }).map((centis) => millis(centis * 10)),
      addresses: fc.array(address, { minLength: 1, maxLength: 255 }),
      password: fc.constant(undefined),
    })
    fc.assert(
      fc.property(any, (value) => {
        expect(decodeAdvertisement(encodeAdvertisement(value, path), path)).toEqual(value)
      }),
    )
  })

  test('any changed bit is noticed', () => {
    const bytes = encodeAdvertisement(advert, path)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(typeof decodeAdvertisement(changed, path)).toBe('string')
    }
  })

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        decodeAdvertisement(bytes, path)
        receive(bytes, [anInstance()])
      }),
    )
  })

  test.each([
    ['every shorter length is truncated', encodeAdvertisement(advert, path).subarray(0, 11), 'truncated'],
    ['type 2 is dropped (§5.2.2)', hex('32 33 c8 01 0064 0000 c0000264'), 'type'],
    ['version 4 is dropped (§7.1)', hex('41 33 c8 01 0064 0000 c0000264'), 'version'],
    ['a wrong checksum is dropped (§7.1)', hex('31 33 c8 01 0064 0000 c0000264'), 'checksum'],
    ['no addresses are dropped (erratum 8299)', plainV3('31 33 c8 00 0064 0000'), 'count-zero'],
    ['interval 0 is dropped (erratum 8301)', plainV3('31 33 c8 01 0000 0000 c0000264'), 'interval-zero'],
  ])('%s', (_name, bytes, reason) => {
    expect(decodeAdvertisement(bytes, path)).toBe(reason)
  })

  test('reserved bits are ignored (§5.2.6)', () => {
    expect(decodeAdvertisement(plainV3('31 33 c8 01 f064 0000 c0000264'), path)).toMatchObject({ interval: 1000 })
  })
})

describe('checks against the configuration (§7.1)', () => {
  const packet = (
    change: Partial<Advertisement> = {},
    header: { ttl?: number; destination?: string; source?: string } = {},
  ) => {
    const own = { source: ip(header.source ?? '10.0.0.2'), destination: ip(header.destination ?? VRRP_GROUP) }
    const payload = encodeAdvertisement({ ...advert, ...change }, own)
    const bytes = Buffer.concat([encodeIpHeader({ ...own, ttl: header.ttl ?? 255, protocol: 112, tos: 0xc0 }), payload])
    bytes.writeUInt16BE(bytes.length, 2)
    return Uint8Array.from(bytes)
  }
  const reasonOf = (bytes: Uint8Array, instance = anInstance()) => {
    const received = receive(bytes, [instance])
    return 'drop' in received ? received.drop : 'taken'
  }

  test('a good advertisement is taken, also with Ethernet padding behind it', () => {
    expect(reasonOf(packet())).toBe('taken')
    expect(reasonOf(Uint8Array.from([...packet(), ...new Uint8Array(14)]))).toBe('taken')
  })

  test('is for the router that has its sender as a peer, where two have one VRID', () => {
    const routers = [3, 2].map((last) => anInstance({ name: `of ${last}`, unicastPeers: [ip(`10.0.0.${last}`)] }))
    expect(receive(packet({}, { destination: '10.0.0.1' }), routers)).toMatchObject({ instance: { name: 'of 2' } })
  })

  test('another address list is taken (a drop would make two masters)', () => {
    expect(reasonOf(packet({ addresses: [ip('10.9.9.9'), ip('10.9.9.8')] }))).toBe('taken')
  })

  test.each([
    ['TTL 254', packet({}, { ttl: 254 }), 'ttl'],
    ['an unknown virtual router', packet({ vrid: 7 }), 'virtual-router'],
    ['version 2 at version 3', packet({ version: 2 }), 'version'],
    ['a unicast packet at a multicast instance', packet({}, { destination: '10.0.0.1' }), 'cast'],
  ])('%s is dropped', (_name, bytes, reason) => {
    expect(reasonOf(bytes)).toBe(reason)
  })

  test('version 2: another interval or password is dropped (RFC 3768 §7.1)', () => {
    const instance = anInstance({ version: 2, password: 'longer-than-eight' })
    expect(reasonOf(packet({ version: 2, password: 'longer-t' }), instance)).toBe('taken')
    expect(reasonOf(packet({ version: 2, password: 'other' }), instance)).toBe('authentication')
    expect(reasonOf(packet({ version: 2 }), instance)).toBe('authentication-type')
    expect(reasonOf(packet({ version: 2, password: 'other' }), anInstance({ version: 2 }))).toBe('authentication-type')
    expect(reasonOf(packet({ version: 2, password: 'longer-t', interval: millis(2000) }), instance)).toBe('interval')
  })

  test('unicast: only configured peers are heard, with any TTL', () => {
    const instance = anInstance({ unicastPeers: [ip('10.0.0.2')] })
    expect(reasonOf(packet({}, { destination: '10.0.0.1', ttl: 60 }), instance)).toBe('taken')
    expect(reasonOf(packet({}, { destination: '10.0.0.1', source: '10.0.0.3' }), instance)).toBe('peer')
  })
})
