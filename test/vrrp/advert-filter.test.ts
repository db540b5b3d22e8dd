import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assemble, OP } from '../../src/net/packet-filter.ts'
import { advertFilter, type Listeners } from '../../src/vrrp/advert-filter.ts'
import { runFilter } from './filter-machine.ts'

interface Packet {
  readonly ttl: number
  readonly toGroup: boolean
  /** Words of IP options. */
  readonly options: number
  readonly payload: readonly number[]
}

const advert: Packet = { ttl: 255, toGroup: true, options: 0, payload: [0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 1] }
const listeners: Listeners = { family: 4, lead: 0, vrids: new Set([51]), multicast: true, unicast: false }

/** From the IP header on, with where a raw socket's data begin. */
function bytesOf(family: 4 | 6, { ttl, toGroup, options, payload }: Packet): [Uint8Array, number] {
  if (family === 6) {
    const header = new Uint8Array(40)
    header[7] = ttl
    header[24] = toGroup ? 0xff : 0xfe
    return [Uint8Array.from([...header, ...payload]), 40]
  }
  const header = new Uint8Array(20 + 4 * options)
  header[0] = 0x45 + options
  header[8] = ttl
  header[16] = toGroup ? 224 : 10
  return [Uint8Array.from([...header, ...payload]), 0]
}

const keeps = (kept: 'adverts' | 'strays', who: Listeners, packet: Packet) =>
  runFilter(advertFilter(kept, who), ...bytesOf(who.family, packet)) > 0

describe('what wakes the process', () => {
  test.each<[string, Partial<Packet>, Partial<Listeners>, boolean]>([
    ['an advert', {}, {}, true],
    ['one of version 2', { payload: [0x21, ...advert.payload.slice(1)] }, {}, true],
    ['one behind IP options', { options: 2 }, {}, true],
    ['one over IPv6', {}, { family: 6 }, true],
    ['another version', { payload: [0x41, ...advert.payload.slice(1)] }, {}, false],
    ['another type', { payload: [0x32, ...advert.payload.slice(1)] }, {}, false],
    ['another VRID', { payload: [0x31, 52, ...advert.payload.slice(2)] }, {}, false],
    ['what is too short', { payload: advert.payload.slice(0, 7) }, {}, false],
    ['a group by a router (§5.1.1.3)', { ttl: 254 }, {}, false],
    ['a group by a router, over IPv6', { ttl: 254 }, { family: 6 }, false],
    ['unicast where nobody has it', { toGroup: false }, {}, false],
    ['unicast, whatever its TTL, where somebody has it', { toGroup: false, ttl: 60 }, { unicast: true }, true],
    ['a group where nobody has one', {}, { unicast: true, multicast: false }, false],
  ])('%s', (_name, packet, who, expected) => {
    const [it, all] = [
      { ...advert, ...packet },
      { ...listeners, ...who },
    ]
    expect(keeps('adverts', all, it)).toBe(expected)
    expect(keeps('strays', all, it)).toBe(!expected)
  })

  test('whatever comes, is for one of the two sockets, and what the words say', () => {
    const packet = fc.record({
      ttl: fc.constantFrom(0, 1, 254, 255),
      toGroup: fc.boolean(),
      options: fc.integer({ min: 0, max: 10 }),
      payload: fc
        .tuple(
          fc.constantFrom(0x21, 0x31, 0x11, 0x3f),
          fc.integer({ min: 0, max: 255 }),
          fc.uint8Array({ maxLength: 9 }),
        )
        .map(([type, vrid, rest]) => [type, vrid, ...rest]),
    })
    const who = fc.record({
      family: fc.constantFrom(4 as const, 6 as const),
      lead: fc.constantFrom(0, 24),
      vrids: fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { maxLength: 256 }).map((all) => new Set(all)),
      multicast: fc.boolean(),
      unicast: fc.boolean(),
    })
    fc.assert(
      fc.property(packet, who, (it, all) => {
        const [type = 0, vrid = 0] = it.payload
        const isSent = it.toGroup ? all.multicast && it.ttl === 255 : all.unicast
        const expected = isSent && it.payload.length >= 8 && (type === 0x21 || type === 0x31) && all.vrids.has(vrid)
        const sent = { ...it, payload: [...new Uint8Array(all.lead), ...it.payload] }
        expect([keeps('adverts', all, sent), keeps('strays', all, sent)]).toEqual([expected, !expected])
      }),
      { numRuns: 2000 },
    )
  })

  test('costs the same for one VRID and for all', () => {
    const lengthFor = (count: number) =>
      advertFilter('adverts', { ...listeners, vrids: new Set(Array.from({ length: count }, (_, i) => i)) }).length
    expect(lengthFor(256)).toBe(lengthFor(1))
    expect(lengthFor(256)).toBeLessThan(64)
  })
})

test('a jump that leads nowhere, or back, is a mistake', () => {
  expect(() => assemble([{ op: OP.ifEqual, k: 0, yes: 'nowhere' }])).toThrow('no way to nowhere')
  expect(() => assemble([{ label: 'back' }, { op: OP.ifEqual, k: 0, yes: 'back' }])).toThrow('no way to back')
})
