import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planService } from '../../src/balance/plan.ts'
import type { ForwardingMethod, Scheduler } from '../../src/config/model.ts'
import { Core, PINNED_MAPS } from '../../src/forward/core.ts'
import { encodeSettings } from '../../src/forward/layout.ts'
import { BpfMap, BpfObject, openPinned, testRun, u32 } from '../../src/linux/libbpf.ts'
import { ip } from '../vrrp/instances.ts'
import { type Ends, FLAG, icmpError, parse, reverse, tcp, udp } from './packets.ts'

const PASS = -1
const DROP = 2
const REDIRECT = 7
const NAME = `test-${process.pid}`
const PINS = `/sys/fs/bpf/tanist/${NAME}/v1`
const VIP = '10.0.0.100'

/** The loaded program on hand-made packets. The core is set up through its own code; only the packets are made up. */
class Bench {
  readonly core = new Core(NAME)
  readonly #maps = new Map<string, number>(PINNED_MAPS.map((name) => [name, openPinned(`${PINS}/${name}`) ?? -1]))
  readonly #object = new BpfObject(join(import.meta.dirname, '../../src/forward/bpf/tanist.bpf.o'), this.#maps)
  #offset = 0n

  serve(
    weights: readonly number[],
    options: {
      scheduler?: Scheduler
      method?: ForwardingMethod
      protocol?: 'TCP' | 'UDP'
      port?: number
      mtu?: number
    } = {},
  ): this {
    const { scheduler = 'rr', method = 'NAT', protocol = 'TCP', port = 8080, mtu = 1500 } = options
    const servers = weights.map((weight, i) => ({
      endpoint: { address: ip(`192.168.1.${11 + i}`), port },
      method,
      weight,
    }))
    const service = planService({ vip: { address: ip(VIP), port: 80 }, protocol, scheduler }, servers)
    this.core.apply({ services: [service] }, (neighbour) => ({ ifindex: 1, neighbour, mtu }))
    return this
  }

  /** What becomes of a frame that comes in. */
  send(frame: Uint8Array): { verdict: number; packet: ReturnType<typeof parse> } {
    const { result, packet } = testRun(this.#object.program('tanist_ingress'), { packet: frame })
    return { verdict: result, packet: parse(packet) }
  }

  /** Opens a connection; says which server gets it, as a letter. */
  pick(port: number): string {
    const { verdict, packet } = this.send(tcp(client(port), FLAG.syn))
    const host = Number(packet.ends.destination[0].split('.').at(-1))
    return verdict === REDIRECT && packet.icmp === undefined ? String.fromCodePoint(65 + host - 11) : '-'
  }

  /** Lets the program's clock run ahead. */
  wait(seconds: number): this {
    this.#offset += BigInt(seconds) * 1_000_000_000n
    new BpfMap(this.#maps.get('settings') ?? -1, 'settings').update(u32(0), encodeSettings(this.#offset))
    return this
  }

  /** Active and inactive connections of a server by letter. */
  load(letter = 'A'): readonly [number, number] {
    const address = `192.168.1.${11 + (letter.codePointAt(0) ?? 0) - 65}`
    const found = [...this.core.destinations().values()].find(({ dest }) => dest.endpoint.address === address)
    return [found?.load.active ?? -1, found?.load.inactive ?? -1]
  }

  close(): void {
    this.#object.close()
    this.core.remove()
  }
}

const client = (port = 40000): Ends => ({ source: ['10.0.9.1', port], destination: [VIP, 80] })
const server = (port = 40000): Ends => ({ source: ['192.168.1.11', 8080], destination: ['10.0.9.1', port] })

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

describe('what is not ours passes untouched', () => {
  test.each([
    ['another port', tcp({ ...client(), destination: [VIP, 81] }, FLAG.syn)],
    ['another protocol', udp(client())],
    ['an ACK without connection', tcp(client(), FLAG.ack)],
    ['a SYN with RST', tcp(client(), FLAG.syn | FLAG.rst)],
    ['a fragment', tcp(client(), FLAG.syn, '', { fragmentOffset: 0x2000 })],
  ])('%s', (_name, frame) => {
    const { verdict, packet } = bench.serve([1]).send(frame)
    expect(verdict).toBe(PASS)
    expect(packet).toEqual(parse(frame))
  })
})

describe('NAT', () => {
  test('translates both ways, keeps the payload and takes one hop off', () => {
    bench.serve([1])
    const there = bench.send(tcp(client(), FLAG.syn))
    expect(there.verdict).toBe(REDIRECT)
    expect(there.packet.ends).toEqual({ source: ['10.0.9.1', 40000], destination: ['192.168.1.11', 8080] })
    expect(there.packet.ttl).toBe(63)
    const back = bench.send(tcp(server(), FLAG.syn | FLAG.ack, 'odd'))
    expect(back.verdict).toBe(REDIRECT)
    expect(back.packet.ends).toEqual(reverse(client()))
    expect(Buffer.from(back.packet.payload).toString()).toBe('odd')
  })

  test('UDP without a checksum stays without one', () => {
    bench.serve([1], { protocol: 'UDP' })
    const frame = udp(client(), 'abc', { noChecksum: true })
    const { packet } = bench.send(frame)
    expect(packet.ends.destination).toEqual(['192.168.1.11', 8080])
    expect(bench.send(udp(client(), 'abcd')).packet.ends.destination).toEqual(['192.168.1.11', 8080])
  })

  test('life of a connection: states, counts and time-outs', () => {
    bench.serve([1])
    bench.send(tcp(client(), FLAG.syn))
    expect(bench.load()).toEqual([1, 0]) // SYN_RECV
    bench.send(tcp(server(), FLAG.syn | FLAG.ack))
    bench.send(tcp(client(), FLAG.ack))
    bench.wait(890).send(tcp(client(), FLAG.ack)) // ESTABLISHED lasts 900 s, and starts again
    expect(bench.wait(890).send(tcp(client(), FLAG.ack)).verdict).toBe(REDIRECT)
    bench.send(tcp(server(), FLAG.fin | FLAG.ack))
    expect(bench.load()).toEqual([0, 1]) // FIN_WAIT
    bench.send(tcp(client(), FLAG.fin | FLAG.ack))
    expect(bench.wait(119).send(tcp(client(), FLAG.ack)).verdict).toBe(REDIRECT) // TIME_WAIT, 120 s
    expect(bench.wait(121).send(tcp(client(), FLAG.ack)).verdict).toBe(PASS)
    expect(bench.load()).toEqual([0, 0])
  })

  test('a port that is used again in TIME_WAIT is a new connection', () => {
    bench.serve([1, 1])
    expect(bench.pick(40000)).toBe('B')
    bench.send(tcp(client(), FLAG.ack))
    const fromB: Ends = { source: ['192.168.1.12', 8080], destination: ['10.0.9.1', 40000] }
    bench.send(tcp(fromB, FLAG.fin | FLAG.ack))
    bench.send(tcp(client(), FLAG.fin | FLAG.ack))
    expect(bench.pick(40000)).toBe('A')
    expect([bench.load('A'), bench.load('B')]).toEqual([
      [1, 0],
      [0, 0],
    ])
  })

  test('the sweep frees what nobody touches', () => {
    bench.serve([1])
    for (let port = 40000; port < 40100; port++) bench.send(tcp(client(port), FLAG.syn))
    expect(bench.load()).toEqual([100, 0])
    bench.wait(59).core.sweep()
    expect(bench.load()).toEqual([100, 0])
    bench.wait(2).core.sweep()
    expect(bench.load()).toEqual([0, 0])
    expect(bench.pick(40000)).toBe('A')
  })
})

describe('ICMP errors of NAT connections', () => {
  test.each([
    ['TCP', 8],
    ['TCP', 20],
    ['UDP', 8],
  ] as const)('%s, %i bytes quoted: from a server they come from the virtual IP and quote it', (protocol, quote) => {
    bench.serve([1], { protocol })
    const there = { source: ['10.0.9.1', 40000], destination: ['192.168.1.11', 8080] } as const
    bench.send(protocol === 'TCP' ? tcp(client(), FLAG.syn) : udp(client()))
    const forwarded = protocol === 'TCP' ? tcp(there, FLAG.syn) : udp(there)
    const { verdict, packet } = bench.send(icmpError(3, 4, '192.168.1.11', '10.0.9.1', forwarded, quote))
    expect(verdict).toBe(REDIRECT)
    expect(packet.ends).toMatchObject({ source: [VIP, 0], destination: ['10.0.9.1', 0] })
    expect(packet.icmp).toEqual([3, 4, 1400])
    const quoted = Buffer.from(packet.payload)
    expect([...quoted.subarray(16, 20)].join('.')).toBe(VIP)
    expect([quoted.readUInt16BE(20), quoted.readUInt16BE(22)]).toEqual([40000, 80])
    // The quoted header is right in itself, and so is a quoted UDP checksum.
    const original = protocol === 'TCP' ? tcp(client(), FLAG.syn) : udp(client())
    expect(quoted.subarray(0, 24)).toEqual(Buffer.from(original.subarray(14, 38)))
    if (protocol === 'UDP') expect(quoted.subarray(26, 28)).toEqual(Buffer.from(original.subarray(40, 42)))
  })

  test('from a client they go to the server and quote it', () => {
    bench.serve([1])
    bench.send(tcp(client(), FLAG.syn))
    const answer = tcp(reverse(client()), FLAG.syn | FLAG.ack)
    const { verdict, packet } = bench.send(icmpError(11, 0, '10.0.5.1', VIP, answer))
    expect(verdict).toBe(REDIRECT)
    expect(packet.ends).toMatchObject({ source: ['10.0.5.1', 0], destination: ['192.168.1.11', 0] })
    expect([...Buffer.from(packet.payload).subarray(12, 16)].join('.')).toBe('192.168.1.11')
    expect(Buffer.from(packet.payload).readUInt16BE(20)).toBe(8080)
  })

  test('others pass', () => {
    bench.serve([1])
    expect(bench.send(icmpError(3, 1, '10.0.5.1', VIP, tcp(reverse(client()), FLAG.ack))).verdict).toBe(PASS)
  })
})

describe('ICMP errors of our own', () => {
  test('no server: port unreachable from the virtual IP', () => {
    const { verdict, packet } = bench.serve([]).send(tcp(client(), FLAG.syn))
    expect(verdict).toBe(REDIRECT)
    expect(packet).toMatchObject({ ends: { source: [VIP, 0], destination: ['10.0.9.1', 0] }, icmp: [3, 3, 0] })
    expect(bench.core.drops()['no-destination']).toBe(1n)
  })

  test('the last hop: time exceeded', () => {
    bench.serve([1])
    expect(bench.send(tcp(client(), FLAG.syn, '', { ttl: 1 })).packet.icmp).toEqual([11, 0, 0])
  })

  test('longer than the link to the server: fragmentation needed, with its MTU', () => {
    bench.serve([1], { mtu: 600 })
    bench.send(tcp(client(), FLAG.syn))
    const { packet } = bench.send(tcp(client(), FLAG.ack, 'x'.repeat(600), { dontFragment: true }))
    expect(packet.icmp).toEqual([3, 4, 600])
  })
})

describe('direct routing', () => {
  test('changes nothing but the hop count, and follows the client’s half', () => {
    bench.serve([1], { method: 'DR', port: 80 })
    const { verdict, packet } = bench.send(tcp(client(), FLAG.syn))
    expect(verdict).toBe(REDIRECT)
    expect(packet).toMatchObject({ ends: client(), ttl: 63 })
    bench.send(tcp(client(), FLAG.ack))
    expect(bench.load()).toEqual([1, 0])
    bench.send(tcp(client(), FLAG.fin | FLAG.ack))
    expect(bench.load()).toEqual([0, 1])
    expect(bench.wait(121).send(tcp(client(), FLAG.ack)).verdict).toBe(PASS)
  })
})

describe('schedulers, as a real LVS kernel has picked', () => {
  test.each([
    ['rr', [1, 1, 1], 'CBACBACBACBACBAC'],
    ['rr', [10, 0, 5, 20], 'DCADCADCADCADCADCADC'],
    ['wrr', [1, 2, 3], 'CBACCBCBACCBCBAC'],
    ['wrr', [4, 3, 2], 'CBAABACBACBAABAC'],
    ['wlc', [1, 1, 1], 'CBACBACBACBACBAC'],
    ['wlc', [1, 2, 3], 'CBACBCCBACBCCBAC'],
    ['wlc', [4, 3, 2], 'CBAABCABACBAABCA'],
    ['wlc', [10, 0, 5, 20], 'DCADDADDCADDADDCADDA'],
  ] as const)('%s with weights %j: %s', (scheduler, weights, expected) => {
    bench.serve(weights, { scheduler })
    expect(Array.from(expected, (_, i) => bench.pick(20000 + i)).join('')).toBe(expected)
  })
})

describe('change', () => {
  test('weight 0 keeps connections and takes no new ones', () => {
    bench.serve([1, 1])
    expect(bench.pick(1)).toBe('B')
    bench.serve([1, 0])
    expect([bench.pick(2), bench.pick(3)].join('')).toBe('AA')
    expect(bench.send(tcp(client(1), FLAG.ack)).packet.ends.destination[0]).toBe('192.168.1.12')
  })

  test('packets of a removed server’s connections are dropped until it is back', () => {
    bench.serve([1, 1])
    expect(bench.pick(1)).toBe('B')
    bench.serve([1])
    expect(bench.send(tcp(client(1), FLAG.ack)).verdict).toBe(DROP)
    expect(bench.core.drops()['destination-removed']).toBe(1n)
    bench.serve([1, 1])
    expect(bench.send(tcp(client(1), FLAG.ack)).packet.ends.destination[0]).toBe('192.168.1.12')
    expect(bench.load('B')).toEqual([1, 0])
  })

  test('a new connection from a port that a removed server’s connection has goes to another server', () => {
    bench.serve([1, 1])
    expect(bench.pick(1)).toBe('B')
    bench.serve([1])
    expect(bench.pick(1)).toBe('A')
  })

  test('a new daemon takes over connections, counts and counters', () => {
    bench.serve([1])
    bench.send(tcp(client(), FLAG.syn))
    const next = new Core(NAME)
    expect(next.adopted).toBe(true)
    expect([...next.destinations().values()].map(({ load }) => load)).toEqual([{ active: 1, inactive: 0 }])
    expect(next.counters('service', 0)).toMatchObject({ connections: 1n, inPackets: 1n, inBytes: 40n })
    next.close()
  })
})
