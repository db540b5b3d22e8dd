import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Authentication, HmacAuthentication, VrrpInstance } from '../../src/model/vrrp.ts'
import { VRRP_GROUP } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'
import type { Arrival } from '../../src/vrrp/arrival.ts'
import { verifyAuthenticationHeader } from '../../src/vrrp/auth/ah.ts'
import { isAfter, judgeSequence, millisBetween, nextSequence, sequenceAt } from '../../src/vrrp/auth/sequence.ts'
import { Sequences } from '../../src/vrrp/auth/sequences.ts'
import { sign, verify } from '../../src/vrrp/auth/signature.ts'
import { address, encodeMessage } from '../../src/vrrp/packet/codec.ts'
import { receive } from '../../src/vrrp/receive.ts'
import { routersOf } from '../../src/vrrp/routers.ts'
import { outgoing } from '../../src/vrrp/send.ts'
import { anAdvert, hex } from './adverts.ts'
import { anInstance, ip } from './instances.ts'

const NOW = Date.UTC(2026, 5, 1)
const keyOf = (id: number) => ({
  id,
  hex: Buffer.from(Array.from({ length: 32 }, (_, i) => i ^ (id - 1))).toString('hex'),
})

const hmac = (change: Partial<HmacAuthentication> = {}): HmacAuthentication => ({
  type: 'hmac',
  keys: [keyOf(1)],
  activeKey: 1,
  window: millis(5000),
  mode: 'enforce',
  ...change,
})

const withAuth = (authentication: Authentication, change: Partial<VrrpInstance> = {}) =>
  anInstance({ authentication, ...change })

/** What one director sends, as it arrives at the others. */
function sent(instance: VrrpInstance, sequences: Sequences, epochMs: number, source = '10.0.0.2'): Arrival[] {
  return outgoing(instance, ip(source), 200, sequences, epochMs).map(
    ({ destination, protocol, payload, ttl, tos, identification }) => {
      const ipHeader = hex('45000000 00000000 00000000 00000000 00000000')
      const view = new DataView(ipHeader.buffer)
      ipHeader[1] = tos
      view.setUint16(2, 20 + payload.length)
      view.setUint16(4, identification)
      ipHeader[8] = ttl
      ipHeader[9] = protocol
      ipHeader.set(source.split('.').map(Number), 12)
      ipHeader.set(destination.split('.').map(Number), 16)
      return { interface: 'eth0', source: ip(source), destination, ttl, protocol, ipHeader, payload }
    },
  )
}

/** What becomes of it at a director: `taken`, `tolerated: reason`, or why it is dropped. */
function result(arrival: Arrival | undefined, instance: VrrpInstance, sequences: Sequences, epochMs: number): string {
  if (arrival === undefined) return 'not sent'
  const received = receive(arrival, routersOf([instance]), sequences, epochMs)
  if ('drop' in received) return received.drop
  return received.tolerated === undefined ? 'taken' : `tolerated: ${received.tolerated}`
}

describe('auth_hmac', () => {
  test.each([
    [
      'IPv4',
      '198.51.100.10',
      VRRP_GROUP,
      '192.0.2.100',
      'plain',
      '3133c80100644402c0000264 010100006800000080000000 1b84bc4e8e43892dc6d98448f8ee2265',
    ],
    [
      'IPv6',
      'fe80::10',
      'fe80::20',
      'fe80::100',
      'pseudo-header',
      '3133c8010064a2e9 fe800000000000000000000000000100 010100006800000080000000 c8c56146ebfd66ee10ec4d8186461b78',
    ],
  ] as const)('known answers of keepalived 2.4.2: %s', (_family, from, to, vip, form, wanted) => {
    const path = { source: ip(from), destination: ip(to) }
    const advert = anAdvert({ addresses: [ip(vip)] })
    const message = encodeMessage(advert, path)
    const trailer = sign(message, path.source, keyOf(1), 0x6800_0000_8000_0000n)
    expect(Buffer.from(address(advert, message, trailer, path, form)).toString('hex')).toBe(wanted.replaceAll(' ', ''))
    expect(verify(message, trailer, path.source, [keyOf(1)])).toBe(0x6800_0000_8000_0000n)
  })

  test('any changed bit of message, source or trailer is noticed', () => {
    const source = ip('10.0.0.2')
    const message = encodeMessage(anAdvert(), { source })
    const trailer = sign(message, source, keyOf(1), 7n)
    const all = [...message, ...trailer]
    for (let bit = 0; bit < all.length * 8; bit++) {
      // The checksum is read as zero: it is written after the signature.
      if (bit >> 3 === 6 || bit >> 3 === 7) continue
      const changed = Uint8Array.from(all)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const [front, back] = [changed.subarray(0, message.length), changed.subarray(message.length)]
      expect(typeof verify(front, back, source, [keyOf(1)])).toBe('string')
    }
    expect(verify(message, trailer, ip('10.0.0.3'), [keyOf(1)])).toBe('signature')
    expect(verify(message, trailer, source, [keyOf(2)])).toBe('signature-key')
    expect(verify(message, trailer, source, [{ ...keyOf(2), id: 1 }])).toBe('signature')
    expect(verify(message, trailer.subarray(1), source, [keyOf(1)])).toBe('signature-form')
    expect(verify(message, new Uint8Array(), source, [keyOf(1)])).toBe('unsigned')
  })

  test('one advert is signed once for all peers', () => {
    const unicastPeers = [1, 3].map((last) => ({ address: ip(`10.0.0.${last}`), minTtl: 0, maxTtl: 255 }))
    const adverts = sent(withAuth(hmac(), { unicastPeers }), new Sequences(), NOW)
    expect(adverts).toHaveLength(2)
    expect(new Set(adverts.map(({ payload }) => Buffer.from(payload.subarray(-28)).toString('hex'))).size).toBe(1)
  })

  test('an advert counts once, and an older one not at all', () => {
    const [a, b] = [new Sequences(), new Sequences()]
    const instance = withAuth(hmac())
    const [first] = sent(instance, a, NOW)
    const [second] = sent(instance, a, NOW)
    expect(result(first, instance, b, NOW)).toBe('taken')
    expect(result(first, instance, b, NOW)).toBe('replayed')
    expect(result(second, instance, b, NOW)).toBe('taken')
    expect(result(first, instance, b, NOW)).toBe('replayed')
    expect(result(sent(instance, a, NOW)[0], instance, b, NOW + 5001)).toBe('stale')
    expect(result(sent(instance, a, NOW + 5100)[0], instance, b, NOW)).toBe('stale')
  })

  test('each sender has numbers of its own, and its successor process goes on with them', () => {
    const heard = new Sequences()
    const instance = withAuth(hmac())
    expect(result(sent(instance, new Sequences(), NOW + 900, '10.0.0.2')[0], instance, heard, NOW)).toBe('taken')
    expect(result(sent(instance, new Sequences(), NOW, '10.0.0.3')[0], instance, heard, NOW)).toBe('taken')
    expect(result(sent(instance, new Sequences(), NOW + 1000, '10.0.0.2')[0], instance, heard, NOW + 1000)).toBe(
      'taken',
    )
  })

  test('from unsigned to enforced, in four steps of two directors, no advert is lost; nor while a key is replaced', () => {
    const steps: [Authentication, Authentication][] = [
      [{ type: 'none' }, { type: 'none' }],
      [hmac({ mode: 'receive-only' }), { type: 'none' }],
      [hmac({ mode: 'receive-only' }), hmac({ mode: 'receive-only' })],
      [hmac({ mode: 'permissive' }), hmac({ mode: 'receive-only' })],
      [hmac({ mode: 'permissive' }), hmac({ mode: 'permissive' })],
      [hmac(), hmac({ mode: 'permissive' })],
      [hmac(), hmac()],
      [hmac({ keys: [keyOf(1), keyOf(2)] }), hmac()],
      [hmac({ keys: [keyOf(1), keyOf(2)] }), hmac({ keys: [keyOf(1), keyOf(2)] })],
      [hmac({ keys: [keyOf(1), keyOf(2)], activeKey: 2 }), hmac({ keys: [keyOf(1), keyOf(2)] })],
      [hmac({ keys: [keyOf(2)], activeKey: 2 }), hmac({ keys: [keyOf(1), keyOf(2)], activeKey: 2 })],
    ]
    const [a, b] = [new Sequences(), new Sequences()]
    steps.forEach(([here, there], i) => {
      const now = NOW + i * 1000
      const [left, right] = [withAuth(here), withAuth(there)]
      expect(result(sent(left, a, now, '10.0.0.2')[0], right, b, now)).toMatch(/^taken|^tolerated: unsigned/)
      expect(result(sent(right, b, now, '10.0.0.3')[0], left, a, now)).toMatch(/^taken|^tolerated: unsigned/)
    })
    expect(result(sent(anInstance(), a, NOW)[0], withAuth(hmac()), b, NOW)).toBe('unsigned')
    // As keepalived before 2.4 does with bytes that it does not know.
    expect(result(sent(withAuth(hmac()), a, NOW)[0], anInstance(), b, NOW)).toBe('trailing')
  })

  test('a wrong signature counts as none where none is needed, and is told', () => {
    const from = withAuth(hmac({ keys: [keyOf(2)], activeKey: 2 }))
    const to = withAuth(hmac({ mode: 'permissive' }))
    expect(result(sent(from, new Sequences(), NOW)[0], to, new Sequences(), NOW)).toBe('tolerated: signature-key')
  })

  test.each([3_600_000, -3_600_000, 30_000, -30_000, 3000, -3000, 500])(
    'a clock that is stepped by %i ms and back later: adverts count again at once when the clocks agree, in every mode of the step',
    (step) => {
      for (const who of ['sender', 'receiver', 'both']) {
        const [a, b] = [new Sequences(), new Sequences()]
        const instance = withAuth(hmac())
        const results: string[] = []
        for (let second = 0; second < 60; second++) {
          const isStepped = second >= 20 && second < 40
          const off = (name: string) => (isStepped && (who === name || who === 'both') ? step : 0)
          const now = NOW + second * 1000
          const [advert] = sent(instance, a, now + off('sender'))
          results.push(result(advert, instance, b, now + off('receiver')))
        }
        expect(new Set(results.slice(0, 20))).toEqual(new Set(['taken']))
        expect(new Set(results.slice(40))).toEqual(new Set(['taken']))
        if (who === 'both' || Math.abs(step) < 5000) expect(new Set(results)).toEqual(new Set(['taken']))
        else expect(new Set(results.slice(20, 40))).toEqual(new Set(['stale']))
      }
    },
  )

  test('monotonic: only the order counts, whatever the clocks are', () => {
    const instance = withAuth(hmac({ window: undefined }))
    const [a, b] = [new Sequences(), new Sequences()]
    const times = [0, 3_600_000, 3_601_000, 0, 1000, -5_000_000]
    const adverts = times.map((ms) => sent(instance, a, NOW + ms)[0])
    expect(adverts.map((advert) => result(advert, instance, b, NOW))).toEqual(times.map(() => 'taken'))
    expect(result(adverts[4], instance, b, NOW)).toBe('replayed')
  })
})

describe('sequence numbers', () => {
  test('are in the order of their moments, across the end of 32 bits of seconds (RFC 1982)', () => {
    const end = 2 ** 32 * 1000
    expect(isAfter(sequenceAt(end + 1000), sequenceAt(end - 1000))).toBe(true)
    expect(isAfter(sequenceAt(end - 1000), sequenceAt(end + 1000))).toBe(false)
    expect(millisBetween(sequenceAt(end + 1000), sequenceAt(end - 1000))).toBe(2000)
    expect(judgeSequence(sequenceAt(end + 1000), sequenceAt(end - 1000), end + 900, millis(5000))).toBe('new')
  })

  test('never go back by less than the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 50 }), (offsets) => {
        let last: bigint | undefined
        for (const offset of offsets) {
          const next = nextSequence(last, NOW + offset, millis(5000))
          expect(last === undefined || isAfter(next, last)).toBe(true)
          last = next
        }
      }),
    )
  })
})

describe('AH', () => {
  const ah = withAuth({ type: 'ah', password: 's3cret' }, { version: 2 })

  test('a packet of keepalived 2.2.7 is understood, and the same one made', () => {
    const packet = hex(
      '45c00040 00010000 ff33d0ad 0a090001 e0000012 70040000 0a090001 00000001 cd982ed27ee262ce50023a2d 21336401 02016e5d 0a090064 0000000000000000',
    )
    const [header, payload] = [packet.subarray(0, 20), packet.subarray(20)]
    expect(verifyAuthenticationHeader(header, payload, 's3cret')).toBe(1)
    expect(verifyAuthenticationHeader(header, payload, 'other')).toBe('signature')
    for (let i = 0; i < packet.length; i++) {
      // Type of service, fragmentation and checksum may change on the way.
      if ([1, 6, 7, 10, 11].includes(i) || (i >= 22 && i < 24)) continue
      const changed = Uint8Array.from(packet)
      changed[i] = (changed[i] ?? 0) ^ 0x40
      const verdict = verifyAuthenticationHeader(changed.subarray(0, 20), changed.subarray(20), 's3cret')
      expect([i, typeof verdict]).toEqual([i, 'string'])
    }
  })

  test('of one that keepalived 2.2.7 has sent to a unicast peer the TTL is not covered', () => {
    const packet = hex(
      '45c00040 00010000 ff33a6b5 0a090001 0a090002 70040000 0a090001 00000001 0d65ad8ac1db3c9e96f01ce4 21336401 02016e5d 0a090064 0000000000000000',
    )
    expect(verifyAuthenticationHeader(packet.subarray(0, 20), packet.subarray(20), 's3cret')).toBe(1)
    packet[8] = 253
    expect(verifyAuthenticationHeader(packet.subarray(0, 20), packet.subarray(20), 's3cret')).toBe(1)
  })

  test('what is sent is taken once, with a number that grows from process to process', () => {
    const [a, b] = [new Sequences(), new Sequences()]
    const [first] = sent(ah, a, NOW)
    const [second] = sent(ah, a, NOW)
    expect(result(first, ah, b, NOW)).toBe('taken')
    expect(result(first, ah, b, NOW)).toBe('replayed')
    expect(result(second, ah, b, NOW)).toBe('taken')
    expect(result(sent(ah, new Sequences(), NOW + 1000)[0], ah, b, NOW)).toBe('taken')
  })

  test('numbers go on after those of the master before, as keepalived wants them', () => {
    const [a, b] = [new Sequences(), new Sequences()]
    for (let i = 0; i < 100; i++) result(sent(ah, a, NOW)[0], ah, b, NOW)
    expect(result(sent(ah, b, NOW, '10.0.0.3')[0], ah, a, NOW)).toBe('taken')
    const numberOf = (arrival: Arrival | undefined) => Buffer.from(arrival?.payload ?? []).readUInt32BE(8)
    expect(numberOf(sent(ah, b, NOW, '10.0.0.3')[0])).toBeGreaterThan(numberOf(sent(ah, new Sequences(), NOW)[0]) + 99)
  })

  test('is a type of its own: neither is taken for the other', () => {
    const none = anInstance({ version: 2 })
    expect(result(sent(ah, new Sequences(), NOW)[0], none, new Sequences(), NOW)).toBe('authentication-type')
    expect(result(sent(none, new Sequences(), NOW)[0], ah, new Sequences(), NOW)).toBe('authentication-type')
  })

  test('bytes of anybody never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(51, 112), (payload, protocol) => {
        const arrival = { ...(sent(ah, new Sequences(), NOW)[0] as Arrival), payload, protocol }
        for (const instance of [ah, withAuth(hmac())]) result(arrival, instance, new Sequences(), NOW)
      }),
      { numRuns: 2000 },
    )
  })
})
