import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AdvertChecksum } from '../../src/model/vrrp.ts'
import { parseAddress } from '../../src/net/address.ts'
import { VRRP_GROUP } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'
import type { Advertisement, Path } from '../../src/vrrp/packet/advertisement.ts'
import { address, decode, encodeMessage } from '../../src/vrrp/packet/codec.ts'
import { anAdvert, hex, internetChecksum, pseudoHeader } from './adverts.ts'
import { ip } from './instances.ts'

const v4 = { source: ip('198.51.100.10'), destination: VRRP_GROUP }
const v6 = { source: ip('fe80::10'), destination: ip('ff02::12') }
const advert = anAdvert({ addresses: [ip('192.0.2.100')] })
const advert6 = anAdvert({ addresses: [ip('fe80::100')] })
const bytesOf = (
  advert: Advertisement,
  path: Path,
  form: AdvertChecksum = 'pseudo-header',
  trailer: Uint8Array = new Uint8Array(),
) => address(advert, encodeMessage(advert, path), trailer, path, form)

/** A version 3 advertisement with the checksum of RFC 9568, without pseudo-header. */
function plainV3(body: string): Uint8Array {
  const bytes = hex(body)
  new DataView(bytes.buffer).setUint16(6, internetChecksum(bytes))
  return bytes
}

describe('checksums', () => {
  test.each<[AdvertChecksum, string]>([
    ['pseudo-header', '10.0.0.1'],
    ['plain', ''],
    ['old-unicast', VRRP_GROUP],
  ])('version 3 over IPv4, %s', (form, destination) => {
    const path = { source: ip('10.0.0.2'), destination: ip('10.0.0.1') }
    const bytes = bytesOf(advert, path, form)
    const before = destination === '' ? [] : [pseudoHeader('10.0.0.2', destination, bytes.length)]
    expect(internetChecksum(...before, bytes)).toBe(0)
    expect(decode(bytes, path)).toMatchObject({ advert, checksum: form })
  })

  test("the message of keepalived's own test vector, without pseudo-header (RFC 9568 §5.2.8)", () => {
    expect(bytesOf(advert, v4, 'plain')).toEqual(hex('3133c80100644402c0000264'))
    expect(decode(hex('3133c80100644402c0000264'), v4)).toMatchObject({ advert, checksum: 'plain' })
  })

  test('IPv6 has the pseudo-header of RFC 8200 §8.1, whatever form is wanted, and covers what is behind the message', () => {
    for (const form of ['pseudo-header', 'plain', 'old-unicast'] as const) {
      const bytes = bytesOf(advert6, v6, form, hex('0102 0304'))
      expect(bytes).toHaveLength(8 + 16 + 4)
      expect(internetChecksum(pseudoHeader('fe80::10', 'ff02::12', bytes.length), bytes)).toBe(0)
      expect(decode(bytes, v6)).toMatchObject({ advert: advert6, checksum: 'pseudo-header' })
    }
    const plain = hex('3133c80100640000 fe800000000000000000000000000100')
    new DataView(plain.buffer).setUint16(6, internetChecksum(plain))
    expect(decode(plain, v6)).toBe('checksum')
  })

  test('version 2 has none over a pseudo-header', () => {
    const bytes = bytesOf({ ...advert, version: 2 }, v4)
    expect(internetChecksum(bytes)).toBe(0)
    const view = new DataView(bytes.buffer)
    view.setUint16(6, 0)
    view.setUint16(6, internetChecksum(pseudoHeader(v4.source, v4.destination, bytes.length), bytes))
    expect(decode(bytes, v4)).toBe('checksum')
  })
})

describe('bytes of an advertisement', () => {
  test('version 2 has the interval in seconds and authentication data (RFC 3768 §5.3)', () => {
    const authentication = { type: 1, data: Buffer.from('secret\0\0') }
    const of = { ...advert, version: 2, interval: millis(3000) } as const
    const bytes = address(of, encodeMessage(of, v4, authentication), new Uint8Array(), v4, 'pseudo-header')
    expect(bytes).toHaveLength(8 + 4 + 8)
    expect([...bytes.subarray(0, 6)]).toEqual([0x21, 51, 200, 1, 1, 3])
    expect(Buffer.from(bytes.subarray(12)).toString()).toBe('secret\0\0')
    const decoded = decode(bytes, v4)
    expect(decoded).toMatchObject({ advert: of, authentication: { type: 1 } })
  })

  const address4 = fc.ipV4().map(ip)
  const address6 = fc.ipV6().map((text) => parseAddress(text) ?? ip('::1'))
  const any = fc.oneof(
    ...[address4, address6].map((addresses, i) =>
      fc.record({
        path: fc.constant<Path>(i === 0 ? v4 : v6),
        advert: fc.oneof(
          ...([2, 3] as const).map((version) =>
            fc.record({
              version: fc.constant(version),
              vrid: fc.integer({ min: 1, max: 255 }),
              priority: fc.integer({ min: 0, max: 255 }),
              interval: fc
                .integer({ min: 1, max: version === 2 ? 255 : 4095 })
                .map((n) => millis(n * (version === 2 ? 1000 : 10))),
              addresses: fc.array(addresses, { minLength: 1, maxLength: 255 }),
            }),
          ),
        ),
        form: fc.constantFrom<AdvertChecksum>('pseudo-header', 'plain', 'old-unicast'),
        trailer: fc.uint8Array({ maxLength: 40 }),
      }),
    ),
  )

  test('whatever is encoded is decoded again', () => {
    fc.assert(
      fc.property(any, ({ advert, path, form, trailer }) => {
        const decoded = decode(bytesOf(advert, path, form, trailer), path)
        expect(decoded).toMatchObject({ advert, trailer })
      }),
    )
  })

  test('any changed byte is noticed, but for the reserved bits of version 3, which the checksum covers', () => {
    for (const [bytes, path] of [
      [bytesOf(advert, v4), v4],
      [bytesOf({ ...advert, version: 2 }, v4), v4],
      [bytesOf(advert6, v6), v6],
    ] as const) {
      for (let i = 0; i < bytes.length; i++) {
        for (let flip = 1; flip < 256; flip++) {
          const changed = Uint8Array.from(bytes)
          changed[i] = (changed[i] ?? 0) ^ flip
          expect(typeof decode(changed, path)).toBe('string')
        }
      }
    }
  })

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(v4, v6), (bytes, path) => {
        decode(bytes, path)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['type 2 is dropped (§5.2.2)', hex('32 33 c8 01 0064 0000 c0000264'), 'type'],
    ['version 4 is dropped (§7.1)', hex('41 33 c8 01 0064 0000 c0000264'), 'version'],
    ['a wrong checksum is dropped (§7.1)', hex('31 33 c8 01 0064 0000 c0000264'), 'checksum'],
    ['interval 0 is dropped (erratum 8301)', plainV3('31 33 c8 01 0000 0000 c0000264'), 'interval-zero'],
    [
      'interval 0 is dropped in version 2, too',
      plainV3('21 33 c8 01 0000 0000 c0000264 0000000000000000'),
      'interval-zero',
    ],
  ])('%s', (_name, bytes, reason) => {
    expect(decode(bytes, v4)).toBe(reason)
  })

  test('every shorter length is truncated', () => {
    for (const [bytes, path] of [
      [bytesOf({ ...advert, version: 2 }, v4), v4],
      [bytesOf(advert, v4), v4],
      [bytesOf(advert6, v6), v6],
    ] as const) {
      for (let length = 0; length < bytes.length; length++) {
        expect(decode(bytes.subarray(0, length), path)).toBe('truncated')
      }
    }
  })

  test('reserved bits are ignored (§5.2.6)', () => {
    expect(decode(plainV3('31 33 c8 01 f064 0000 c0000264'), v4)).toMatchObject({ advert: { interval: 1000 } })
  })
})
