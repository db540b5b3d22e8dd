import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatTrace } from '../../src/cli/trace.ts'
import { type AccessEntry, sortedAccess } from '../../src/model/service.ts'
import { Core } from '../../src/forward/ebpf/core.ts'
import { traceFrame } from '../../src/forward/ebpf/trace.ts'
import { accessHits } from '../../src/model/access-hits.ts'
import { type Address, addressBits, addressBytes, isIpv4 } from '../../src/net/address.ts'
import { dice } from '../../src/simulate/dice.ts'
import { Bench, DROP, type Family, NAME, NETWORK, PASS, REDIRECT } from './bench.ts'
import { address, FLAG, ipsec, sctp, tcp, udp, udpFragments } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const entry = (verdict: AccessEntry['verdict'], text: string): AccessEntry => {
  const [host = '', length] = text.split('/')
  return { verdict, address: address(host), length: length === undefined ? addressBits(address(host)) : Number(length) }
}
const allow = (...prefixes: string[]) => prefixes.map((text) => entry('allow', text))
const deny = (...prefixes: string[]) => prefixes.map((text) => entry('deny', text))

type Options = Partial<Parameters<Bench['lay']>[1]> & { method?: 'NAT' | 'FNAT' }
function serve(access: readonly AccessEntry[], { method = 'NAT', ...options }: Options = {}): void {
  const servers = [11, 12].map((host) => ({
    endpoint: { address: address(`${NETWORK[options.family ?? 'ipv4'].servers}${host}`), port: 8080 },
    forwarding: { method },
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  bench.lay(servers, { scheduler: 'rr', access, ...options })
}

let ports = 10_000
const ends = (client: string, to = 80) =>
  ({
    source: [client, ports++],
    destination: [NETWORK[client.includes(':') ? 'ipv6' : 'ipv4'].vip, to],
  }) as const
const open = (client: string) => bench.send(tcp(ends(client), FLAG.syn)).verdict
const hits = () =>
  Object.fromEntries(
    [...bench.core.access.readings([0]).values()]
      .flatMap(accessHits)
      .map(({ prefix = 'others', hits: count }) => [prefix, Number(count)]),
  )

describe('a list', () => {
  test('of those that are denied allows all others', () => {
    serve(deny('192.0.2.0/24', '198.51.100.7'))
    expect(['192.0.2.1', '192.0.2.255', '198.51.100.7'].map(open)).toEqual([DROP, DROP, DROP])
    expect(['192.0.3.1', '198.51.100.8', '10.0.9.1'].map(open)).toEqual([REDIRECT, REDIRECT, REDIRECT])
    expect(hits()).toEqual({ '192.0.2.0/24': 2, '198.51.100.7': 1, others: 3 })
    expect(bench.core.drops().denied).toBe(3n)
  })

  test('of those that are allowed denies all others; the longest prefix of both decides', () => {
    serve([...allow('10.0.0.0/8', '10.1.2.0/24'), ...deny('10.1.0.0/16', '10.1.2.3')])
    expect(['10.0.9.1', '10.1.2.4'].map(open)).toEqual([REDIRECT, REDIRECT])
    expect(['10.1.9.1', '10.1.2.3', '11.0.0.1'].map(open)).toEqual([DROP, DROP, DROP])
  })

  test('of both families keeps them apart', () => {
    // 0a00::/8 has the bits of 10.0.0.0/8, and 0.0.0.0/0 those of nobody in IPv6.
    const access = [...allow('10.0.0.0/8', '::/0'), ...deny('a00::/8', '0.0.0.0/0')]
    serve(access)
    expect(['10.0.9.1', '11.0.0.1'].map(open)).toEqual([REDIRECT, DROP])
    serve(access, { family: 'ipv6' })
    expect(['2001:db8:9::1', 'a00::1'].map(open)).toEqual([REDIRECT, DROP])
  })

  test.each(['ipv4', 'ipv6'] as const)('decides as a search of all prefixes would, %s', (family) => {
    const roll = dice(family === 'ipv4' ? 4 : 6)
    const bits = family === 'ipv4' ? 32 : 128
    /** Few values in each place, so that prefixes hold each other and clients are met. */
    const some = (): Address => {
      const parts = Array.from({ length: bits === 32 ? 4 : 8 }, () => [2, 1, 128, 254][roll(4)] ?? 0)
      return address(bits === 32 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':'))
    }
    for (let round = 0; round < 20; round++) {
      const entries = new Map<string, AccessEntry>()
      for (let i = roll(60); i >= 0; i--) {
        const length = roll(bits + 1)
        const network = cut(some(), length)
        entries.set(`${network}/${length}`, { verdict: roll(2) === 0 ? 'allow' : 'deny', address: network, length })
      }
      const access = sortedAccess([...entries.values()])
      serve(access, { family })
      for (let i = 0; i < 50; i++) {
        const client = some()
        const expected = reference(access, client) === 'allow' ? REDIRECT : DROP
        expect(open(client), `${client} with ${JSON.stringify(access)}`).toBe(expected)
      }
    }
  })
})

/** With the bits behind the prefix at 0. */
function cut(of: Address, length: number): Address {
  const bytes = addressBytes(of).map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))))
  if (isIpv4(of)) return address(bytes.join('.'))
  const words = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16))
  return address(words.join(':'))
}

function reference(access: readonly AccessEntry[], client: Address): AccessEntry['verdict'] {
  const holding = access.filter((e) => isIpv4(e.address) === isIpv4(client) && cut(client, e.length) === e.address)
  const [longest] = holding.toSorted((a, b) => b.length - a.length)
  return longest?.verdict ?? (access.some(({ verdict }) => verdict === 'allow') ? 'deny' : 'allow')
}

describe('what opens a connection is asked', () => {
  const ME = '10.0.9.1'
  const none = deny('0.0.0.0/0')
  const persistence = { timeoutSeconds: 300, clientPrefix: 32 }
  const mark = { by: 'fwmark', mark: 10, family: 'inet' } as const
  const marked = { by: 'address', vip: { address: address(NETWORK.ipv4.vip), port: 80 }, protocol: 'TCP' } as const

  test.each<[string, Options, () => Uint8Array, number?]>([
    ['TCP', {}, () => tcp(ends(ME), FLAG.syn)],
    ['UDP', { protocol: 'UDP' }, () => udp(ends(ME))],
    ['SCTP', { protocol: 'SCTP' }, () => sctp(ends(ME), 1)],
    ['each datagram of one-packet scheduling', { protocol: 'UDP', onePacket: true }, () => udp(ends(ME))],
    ['through a template', { persistence }, () => tcp(ends(ME), FLAG.syn)],
    ['by full NAT', { method: 'FNAT', localAddresses: ['192.168.1.201'] }, () => tcp(ends(ME), FLAG.syn)],
    ['by a mark', { id: mark }, () => tcp(ends(ME), FLAG.syn), 10],
    ['by what counts as marked', { id: mark, marked: [marked] }, () => tcp(ends(ME), FLAG.syn)],
    [
      'a SIP call',
      { protocol: 'UDP', persistence: { ...persistence, engine: 'sip' } },
      () => udp(ends(ME), 'OPTIONS sip:a SIP/2.0\r\ni: a\r\n'),
    ],
    [
      'the key exchange of IPsec',
      { protocol: 'UDP', port: 0, persistence },
      () => udp({ ...ends(ME, 500), source: [ME, 500] }),
    ],
  ])('%s', (_name, options, frame, withMark = 0) => {
    serve([], options)
    expect(bench.send(frame(), withMark).verdict).toBe(REDIRECT)
    serve(none, options)
    const before = bench.counters('service').connections
    // What is known from before is not asked any more; only IPsec's exchange has but one port.
    if (options.port === 0)
      bench.core.forget({
        protocol: 'UDP',
        client: { address: address(ME), port: 500 },
        virtual: { address: address(NETWORK.ipv4.vip), port: 500 },
      })
    expect(bench.send(frame(), withMark).verdict).toBe(DROP)
    expect(bench.core.drops().denied).toBe(1n)
    expect(bench.counters('service').connections).toBe(before)
  })

  test('a SIP call of a denied client is denied, whatever is in it', () => {
    serve(none, { protocol: 'UDP', persistence: { ...persistence, engine: 'sip' } })
    bench.send(udp(ends(ME), 'no call'))
    expect(bench.core.drops()).toMatchObject({ denied: 1n, 'no-call-id': 0n })
  })

  test('IPsec without its key exchange is nobody’s', () => {
    serve(none, { protocol: 'UDP', port: 0, persistence })
    expect(bench.core.drops().denied).toBe(0n)
    bench.run(ipsec('ESP', ME, NETWORK.ipv4.vip, 'secret'))
    expect([...bench.core.connections()]).toEqual([])
  })

  test('a datagram in fragments: the first is denied, and those behind it find nothing to follow', () => {
    serve(none, { protocol: 'UDP' })
    const fragments = udpFragments({ source: [ME, 5000], destination: [NETWORK.ipv4.vip, 80] }, 'x'.repeat(64), 32)
    expect(fragments.map((frame) => bench.send(frame).verdict)).toEqual([DROP, PASS])
  })

  test('what is established is not asked again', () => {
    serve([])
    const flow = ends(ME)
    bench.send(tcp(flow, FLAG.syn))
    bench.send(tcp(flow, FLAG.ack))
    serve(none)
    expect(bench.send(tcp(flow, FLAG.ack)).verdict).toBe(REDIRECT)
    const [connection] = [...bench.core.connections()]
    expect(connection !== undefined && bench.core.forget(connection)).toBe(true)
    expect(bench.send(tcp(flow, FLAG.syn)).verdict).toBe(DROP)
  })
})

describe('a list that changes', () => {
  test('keeps the counts of the entries that stay', () => {
    serve(deny('192.0.2.0/24', '198.51.100.0/24'))
    open('192.0.2.1')
    open('198.51.100.1')
    open('10.0.9.1')
    serve([...deny('192.0.2.0/24', '203.0.113.0/24'), ...allow('198.51.100.0/24')])
    expect(hits()).toEqual({ '192.0.2.0/24': 1, '203.0.113.0/24': 0, '198.51.100.0/24': 0, others: 0 })
    expect(['192.0.2.1', '198.51.100.1', '10.0.9.1'].map(open)).toEqual([DROP, REDIRECT, DROP])
    expect(hits()).toMatchObject({ '192.0.2.0/24': 2, '198.51.100.0/24': 1, others: 1 })
  })

  test('to nothing leaves everybody in, and comes back', () => {
    serve(deny('10.0.9.1'))
    expect(open('10.0.9.1')).toBe(DROP)
    serve([])
    expect(open('10.0.9.1')).toBe(REDIRECT)
    serve(allow('10.0.9.2'))
    expect([open('10.0.9.1'), open('10.0.9.2')]).toEqual([DROP, REDIRECT])
  })

  test('leaves with its service', () => {
    serve(deny('0.0.0.0/0'))
    expect(open('10.0.9.1')).toBe(DROP)
    bench.core.apply({ services: [] }, new Map())
    expect(bench.core.access.readings([0]).size).toBe(0)
    serve([])
    expect(open('10.0.9.1')).toBe(REDIRECT)
  })

  test('is found again by a new daemon, with its counts', () => {
    const access = sortedAccess([...allow('10.0.0.0/8', '2001:db8::/32'), ...deny('10.1.0.0/16', '10.1.2.3')])
    serve(access)
    open('10.1.0.1')
    const next = new Core(NAME)
    expect(next.adopted).toBe(true)
    expect(next.services().map((service) => service.access)).toEqual([access])
    expect(next.access.readings([0])).toEqual(bench.core.access.readings([0]))
    next.close()
    expect(hits()).toMatchObject({ '10.1.0.0/16': 1 })
  })

  test('as big as lists may be takes the place of another as big', { timeout: 120_000 }, () => {
    const many = (second: number) =>
      sortedAccess(Array.from({ length: 65_536 }, (_, i) => entry('deny', `10.${second}.${i >> 8}.${i & 255}`)))
    for (const second of [1, 2, 3]) {
      serve(many(second))
      expect([open(`10.${second}.255.255`), open('10.9.0.1')]).toEqual([DROP, REDIRECT])
    }
    expect(open('10.1.255.255')).toBe(REDIRECT)
  })
})

test('a trace says by which prefix, and counts nothing', () => {
  serve([...allow('10.0.0.0/8'), ...deny('10.0.9.0/24')])
  const shown = (client: string) => {
    const packet = {
      protocol: 'TCP',
      client: { address: address(client), port: 40_000 },
      virtual: { address: address(NETWORK.ipv4.vip), port: 80 },
    } as const
    return formatTrace(packet, bench.core.trace(traceFrame(packet), 0))
  }
  expect(shown('10.0.9.1')).toBe(`packet     TCP [10.0.9.1]:40000 to [10.0.0.100]:80
outcome    dropped
access     denied: by deny { 10.0.9.0/24 }
chosen by  access list
`)
  expect(shown('11.0.0.1')).toContain('access     denied: the client is in no prefix of its lists\n')
  expect(shown('10.0.8.1')).toContain('access     allowed: by allow { 10.0.0.0/8 }\n')
  expect(hits()).toEqual({ '10.0.0.0/8': 0, '10.0.9.0/24': 0, others: 0 })
  expect(bench.core.drops().denied).toBe(0n)
})

test.each<Family>(['ipv4', 'ipv6'])(
  'a service behind the firewall sends there what opens a connection, %s',
  (family) => {
    serve(deny('10.0.9.2', '2001:db8:9::2'), { family, throughFirewall: true })
    const client = family === 'ipv4' ? '10.0.9.' : '2001:db8:9::'
    expect([open(`${client}1`), open(`${client}2`)]).toEqual([PASS, DROP])
    expect(bench.counters('service').connections).toBe(0n)
  },
)
