import { describe, expect, test } from 'vitest'
import type { VrrpInstance } from '../../src/model/vrrp.ts'
import { encodeIpHeader } from '../../src/net/ip-header.ts'
import { ipv4Packet } from '../../src/net/ip-packet.ts'
import { type Ipv4, VRRP_GROUP } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'
import type { Arrival } from '../../src/vrrp/arrival.ts'
import { Sequences } from '../../src/vrrp/auth/sequences.ts'
import type { Advertisement } from '../../src/vrrp/packet/advertisement.ts'
import { receive, type Received } from '../../src/vrrp/receive.ts'
import { routersOf } from '../../src/vrrp/routers.ts'
import { anAdvert, anArrival, hex, type Way } from './adverts.ts'
import { anInstance, ip } from './instances.ts'

const at = (arrival: Arrival, ...instances: readonly VrrpInstance[]): Received =>
  receive(arrival, routersOf(instances), new Sequences(), 0)

const reasonOf = (advert: Partial<Advertisement>, way: Way = {}, instance: Partial<VrrpInstance> = {}): string => {
  const received = at(anArrival(anAdvert(advert), way), anInstance(instance))
  return 'drop' in received ? received.drop : 'taken'
}

const peer = (address: string, minTtl = 0, maxTtl = 255) => ({ address: ip(address), minTtl, maxTtl })
const unicast = { unicastPeers: [peer('10.0.0.2')] }
const here = { destination: '10.0.0.1' }

describe('a packet', () => {
  const packet = (payload: Uint8Array, behind = new Uint8Array()) => {
    const header = encodeIpHeader({
      source: '10.0.0.2' as Ipv4,
      destination: VRRP_GROUP,
      ttl: 255,
      protocol: 112,
      tos: 0xc0,
      payloadLength: payload.length,
    })
    return Uint8Array.from([...header, ...payload, ...behind])
  }
  const { payload } = anArrival(anAdvert())
  const arrived = (bytes: Uint8Array): Arrival | undefined => {
    const found = ipv4Packet(bytes)
    return found && { interface: 'eth0', protocol: 112, ...found.header, ...found }
  }

  test('is taken, also with Ethernet padding behind it', () => {
    for (const padding of [0, 14]) {
      const arrival = arrived(packet(payload, new Uint8Array(padding)))
      expect(arrival && at(arrival, anInstance())).toMatchObject({ advert: anAdvert(), difference: undefined })
    }
  })

  test('with bytes behind the message is dropped', () => {
    const arrival = arrived(packet(Uint8Array.from([...payload, 0])))
    expect(arrival && at(arrival, anInstance())).toMatchObject({ drop: 'trailing', detail: '1' })
  })

  test.each(['0.0.0.0', '::', '224.0.0.9', 'ff02::1', '255.255.255.255'])('from %s is dropped', (source) => {
    const destination = source.includes(':') ? 'ff02::12' : VRRP_GROUP
    const family = source.includes(':') ? 6 : 4
    const addresses = [ip(family === 6 ? 'fe80::100' : '10.0.0.100')]
    expect(reasonOf({ addresses }, { source, destination }, { family, multicastGroup: ip(destination) })).toBe('source')
  })

  test('too short to have a VRID is truncated', () => {
    expect(at({ ...anArrival(anAdvert()), payload: hex('31') }, anInstance())).toMatchObject({ drop: 'truncated' })
  })
})

describe('whose a packet is', () => {
  test('the router that has its sender as a peer, where two have one VRID', () => {
    const routers = [3, 2].map((last) => anInstance({ name: `of ${last}`, unicastPeers: [peer(`10.0.0.${last}`)] }))
    expect(at(anArrival(anAdvert(), here), ...routers)).toMatchObject({ instance: { name: 'of 2' } })
  })

  test('the router of its multicast group, where two have one VRID', () => {
    const routers = ['224.0.0.18', '224.0.0.19'].map((group) => anInstance({ name: group, multicastGroup: ip(group) }))
    const arrival = anArrival(anAdvert(), { destination: '224.0.0.19' })
    expect(at(arrival, ...routers)).toMatchObject({ instance: { name: '224.0.0.19' }, advert: {} })
  })

  test('the one of its family: two families with one VRID are two routers', () => {
    const six = anInstance({
      name: 'six',
      family: 6,
      multicastGroup: ip('ff02::12'),
      addresses: [{ address: ip('fe80::100'), prefix: 64, device: 'eth0' }],
    })
    const arrival = anArrival(anAdvert({ addresses: [ip('fe80::100')] }), {
      source: 'fe80::2',
      destination: 'ff02::12',
    })
    expect(at(arrival, anInstance(), six)).toMatchObject({ instance: { name: 'six' }, difference: undefined })
    expect(at(anArrival(anAdvert()), anInstance(), six)).toMatchObject({ instance: { name: 'a' }, advert: {} })
  })

  test('none on another interface (erratum 8298), or with another VRID', () => {
    expect(at({ ...anArrival(anAdvert()), interface: 'eth1' }, anInstance())).toMatchObject({ drop: 'virtual-router' })
    expect(at(anArrival(anAdvert({ vrid: 7 })), anInstance())).toMatchObject({ drop: 'virtual-router', vrid: 7 })
  })

  test('is found as fast among a thousand', () => {
    const many = Array.from({ length: 1020 }, (_, i) =>
      anInstance({ name: `i${i}`, interface: `eth${i % 4}`, vrid: Math.floor(i / 4) + 1 }),
    )
    const arrival = anArrival(anAdvert())
    const msOf = (instances: readonly VrrpInstance[]) => {
      const [routers, sequences] = [routersOf(instances), new Sequences()]
      const times = Array.from({ length: 20 }, () => {
        const start = performance.now()
        for (let i = 0; i < 500; i++) receive(arrival, routers, sequences, 0)
        return performance.now() - start
      })
      return Math.min(...times)
    }
    const one = msOf([anInstance()])
    expect(at(arrival, ...many)).toMatchObject({ instance: { vrid: 51, interface: 'eth0' } })
    expect(msOf(many) / one).toBeLessThan(5)
  })
})

describe('checks against the configuration (RFC 9568 §7.1)', () => {
  test.each<[string, Partial<Advertisement>, Way, Partial<VrrpInstance>, string]>([
    ['TTL 254', {}, { ttl: 254 }, {}, 'ttl'],
    ['version 2 at version 3', { version: 2 }, {}, {}, 'version'],
    ['version 3 at version 2', {}, {}, { version: 2 }, 'version'],
    ['a unicast packet at a multicast instance', {}, here, {}, 'cast'],
    ['a multicast packet at a unicast instance', {}, {}, unicast, 'cast'],
    ['another group', {}, { destination: '224.0.0.20' }, {}, 'group'],
    ['unicast from a peer, with any TTL', {}, { ...here, ttl: 60 }, unicast, 'taken'],
    ['unicast from a stranger', {}, { ...here, source: '10.0.0.3' }, unicast, 'peer'],
    ['unicast below min_ttl', {}, { ...here, ttl: 253 }, { unicastPeers: [peer('10.0.0.2', 254)] }, 'ttl'],
    ['unicast at min_ttl', {}, { ...here, ttl: 254 }, { unicastPeers: [peer('10.0.0.2', 254)] }, 'taken'],
    ['unicast above max_ttl', {}, { ...here, ttl: 65 }, { unicastPeers: [peer('10.0.0.2', 0, 64)] }, 'ttl'],
    ['another interval in version 3', { interval: millis(3000) }, {}, {}, 'taken'],
    ['another interval in version 2', { version: 2, interval: millis(3000) }, {}, { version: 2 }, 'interval'],
  ])('%s', (_name, advert, way, instance, reason) => {
    expect(reasonOf(advert, way, instance)).toBe(reason)
  })

  test('authentication of version 2: type and password (RFC 3768 §7.1); data without a type is ignored', () => {
    const of = (type: number, data = '') => ({ authentication: { type, data: Buffer.from(data.padEnd(8, '\0')) } })
    const none = { version: 2 } as const
    const pass = { ...none, authentication: { type: 'pass', password: 'longer-than-eight' } } as const
    expect(reasonOf({ version: 2 }, of(1, 'longer-t'), pass)).toBe('taken')
    expect(reasonOf({ version: 2 }, of(1, 'other'), pass)).toBe('authentication')
    expect(reasonOf({ version: 2 }, of(0), pass)).toBe('authentication-type')
    expect(reasonOf({ version: 2 }, of(1, 'other'), none)).toBe('authentication-type')
    expect(reasonOf({ version: 2 }, of(7), pass)).toBe('authentication-unknown')
    expect(reasonOf({ version: 2 }, of(0, 'ignored'), none)).toBe('taken')
  })

  test.each<[Way['checksum'] & string]>([['pseudo-header'], ['plain'], ['old-unicast']])(
    'a peer with the checksum %s is taken, and told from the others',
    (checksum) => {
      const received = at(anArrival(anAdvert(), { ...here, checksum }), anInstance(unicast))
      expect(received).toMatchObject({ advert: {}, checksum })
    },
  )

  describe('another list of addresses', () => {
    const addresses = ['10.0.0.100', '10.0.0.101', '10.0.0.102'].map(ip)
    const own = { addresses: addresses.slice(0, 2).map((address) => ({ address, prefix: 24, device: 'eth0' })) }
    const other = addresses.slice(1)
    const difference = { onlyHere: ['10.0.0.100'], onlyThere: ['10.0.0.102'], isForeign: false }

    test('counts in version 3, and what differs is said', () => {
      expect(at(anArrival(anAdvert({ addresses: other })), anInstance(own))).toMatchObject({ advert: {}, difference })
    })

    test('does not in version 2, unless its sender owns the addresses (RFC 3768 §7.1), or nobody looks', () => {
      const two = { ...own, version: 2 } as const
      expect(at(anArrival(anAdvert({ version: 2, addresses: other })), anInstance(two))).toMatchObject({
        drop: 'addresses',
        detail: 'only here 10.0.0.100; only there 10.0.0.102',
      })
      expect(reasonOf({ version: 2, addresses: other, priority: 255 }, {}, two)).toBe('taken')
      expect(reasonOf({ version: 2, addresses: other }, {}, { ...two, checkAddresses: false })).toBe('taken')
    })

    test('is none in another order', () => {
      const received = at(anArrival(anAdvert({ addresses: addresses.slice(0, 2).toReversed() })), anInstance(own))
      expect(received).toMatchObject({ advert: {}, difference: undefined })
    })

    test('is refused when it is empty (erratum 8299), unless the instance has none in its adverts, either', () => {
      const excluded = [{ address: ip('10.0.0.100'), prefix: 24, device: 'eth0' }]
      for (const version of [2, 3] as const) {
        const none = { version, addresses: [] } as const
        expect(reasonOf(none, {}, { ...own, version })).toBe('count-zero')
        expect(reasonOf(none, {}, none)).toBe('taken')
        expect(reasonOf(none, {}, { ...none, excludedAddresses: excluded })).toBe('taken')
      }
      expect(at(anArrival(anAdvert({ addresses: [] })), anInstance({ addresses: [] }))).toMatchObject({
        difference: undefined,
      })
    })

    test('that has nothing in common is rather another cluster', () => {
      const received = at(anArrival(anAdvert({ addresses: [ip('10.9.9.9')] })), anInstance(own))
      expect(received).toMatchObject({ difference: { isForeign: true } })
    })
  })
})
