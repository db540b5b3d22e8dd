import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bench, NETWORK, VIP } from './bench.ts'
import { type Ends, FLAG, parse, reverse, sctp, tcp } from './packets.ts'

/** IPVS's state tables: what a packet makes of each state, as a director sees it, by direction. */
const TCP_STATES = 'NO ES SS SR FW TW CL CW LA LI SA'.split(' ')
const TCP = `
INPUT        NO ES SS SR FW TW CL CW LA LI SA
  syn        SR ES ES SR SR SR SR SR SR SR SR
  fin        CL CW SS TW TW TW CL CW LA LI TW
  ack        ES ES SS ES FW TW CL CW CL LI ES
  rst        CL CL CL SR CL CL CL CL LA LI SR
OUTPUT       NO ES SS SR FW TW CL CW LA LI SA
  syn        SS ES SS SR SS SS SS SS SS LI SR
  fin        TW FW SS TW FW TW CL TW LA LI TW
  ack        ES ES SS ES FW TW CL CW LA ES ES
  rst        CL CL SS CL CL TW CL CL CL CL CL
INPUT-ONLY   NO ES SS SR FW TW CL CW LA LI SA
  syn        SR ES ES SR SR SR SR SR SR SR SR
  fin        CL FW SS TW FW TW CL CW LA LI TW
  ack        ES ES SS ES FW TW CL CW CL LI ES
  rst        CL CL CL SR CL CL CL CL LA LI CL
`
const SCTP_STATES = 'NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL'.split(' ')
/** Where SCTP's states begin among the program's. */
const FIRST_SCTP = 12
const SCTP = `
INPUT
 data  ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL
 init  I1 IN IN CS CR CW CO CE ES SS SR SA IN IN
 i_ack CW CW CW CS CR CO CO CE ES SS SR SA RJ CL
 c_ech CR IN IN CR CR CW CO CE ES SS SR SA RJ CL
 c_ack ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL
 shut  SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL
 s_ack CL IN IN CS CR CW CO CE ES CL SR CL RJ CL
 s_cmp CL CL CL CS CR CW CO CE ES SS SR CL RJ CL
 err   CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL
 abort CL CL CL CL CL RJ CL CL CL CL CL CL CL CL
OUTPUT
 data  ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL
 init  CW CW CW CW CW CW CW CW ES CW CW CW CW CW
 i_ack CS CS CS CS CR CW CO CE ES SS SR SA RJ CL
 c_ech CE CE CE CE CE CE CE CE ES SS SR SA RJ CL
 c_ack ES ES ES ES ES ES ES ES ES SS SR SA RJ CL
 shut  SS SS SS SS SS SS SS SS SS SS SR SA RJ CL
 s_ack SA SA SA SA SA CW CO CE ES SA SA SA RJ CL
 s_cmp CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL
 err   CL CL CL CL CL CW CO CE ES SS SR SA RJ CL
 abort CL RJ CL CL CL CL CL CL CL CL CL CL CL CL
INPUT-ONLY
 data  ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL
 init  I1 IN IN IN IN IN CO CE ES SS SR SA IN IN
 i_ack CE CE CE CE CE CE CO CE ES SS SR SA RJ CL
 c_ech ES ES ES ES ES ES CO CE ES SS SR SA RJ CL
 c_ack ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL
 shut  SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL
 s_ack CL IN IN CS CR CW CO CE CL CL SR CL RJ CL
 s_cmp CL CL CL CL CL CW CO CE ES SS CL CL RJ CL
 err   CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL
 abort CL CL CL CL CL RJ CL CL CL CL CL CL CL CL
`

const client: Ends = { source: ['10.0.9.1', 40_000], destination: [VIP, 80] }
const answer: Ends = { source: ['192.168.1.11', 80], destination: ['10.0.9.1', 40_000] }
const TCP_EVENTS = { syn: FLAG.syn, fin: FLAG.fin, ack: FLAG.ack, rst: FLAG.rst } as const
/** Chunk types of RFC 9260. */
const SCTP_EVENTS = {
  data: 0,
  init: 1,
  i_ack: 2,
  c_ech: 10,
  c_ack: 11,
  shut: 7,
  s_ack: 8,
  s_cmp: 14,
  err: 9,
  abort: 6,
} as const

interface Row {
  readonly direction: 'INPUT' | 'OUTPUT' | 'INPUT-ONLY'
  readonly event: string
  readonly next: readonly string[]
}

function rows(text: string): Row[] {
  let direction: Row['direction'] = 'INPUT'
  return text.split('\n').flatMap((line) => {
    const head = /^(INPUT-ONLY|INPUT|OUTPUT)/.exec(line)?.[1]
    if (head !== undefined) direction = head as Row['direction']
    const [event, ...next] = line.startsWith(' ') ? line.trim().split(/\s+/) : []
    return event === undefined ? [] : [{ direction, event, next }]
  })
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

describe.each(['INPUT', 'OUTPUT', 'INPUT-ONLY'] as const)('%s', (direction) => {
  const forwarding = direction === 'INPUT-ONLY' ? ({ method: 'DR' } as const) : ({ method: 'NAT' } as const)
  const ends = direction === 'OUTPUT' ? answer : client

  test.each(rows(TCP).filter((row) => row.direction === direction))('TCP $event', ({ event, next }) => {
    bench.serve([1], { forwarding, port: 80 })
    const after = TCP_STATES.map((_, state) => {
      bench.send(tcp(client, FLAG.syn))
      bench.setState(state)
      bench.send(tcp(ends, TCP_EVENTS[event as keyof typeof TCP_EVENTS]))
      return TCP_STATES[bench.state()]
    })
    expect(after).toEqual(next)
  })

  test.each(rows(SCTP).filter((row) => row.direction === direction))('SCTP $event', ({ event, next }) => {
    bench.serve([1], { forwarding, port: 80, protocol: 'SCTP' })
    const after = SCTP_STATES.map((_, state) => {
      bench.send(sctp(client, SCTP_EVENTS.init))
      bench.setState(FIRST_SCTP + state)
      bench.send(sctp(ends, SCTP_EVENTS[event as keyof typeof SCTP_EVENTS]))
      return SCTP_STATES[bench.state() - FIRST_SCTP]
    })
    // A new association on a closed one is scheduled anew, so it begins at the beginning.
    const anew = event === 'init' && direction !== 'OUTPUT'
    expect(after).toEqual(next.map((state, i) => (anew && SCTP_STATES[i] === 'CL' ? 'I1' : state)))
  })
})

describe('SCTP', () => {
  const six = { source: ['2001:db8:9::1', 40_000], destination: [NETWORK.ipv6.vip, 80] } as const
  test.each([
    ['IPv4', 'ipv4', client, answer],
    ['IPv6', 'ipv6', six, { source: ['2001:db8:1::11', 80], destination: six.source }],
  ] as const)('%s: NAT with another port, both ways, and the checksum is right', (_name, family, there, back) => {
    bench.serve([1], { protocol: 'SCTP', port: 9899, family })
    for (const payload of ['', 'odd', 'x'.repeat(1200)]) {
      const { packet } = bench.send(sctp(there, SCTP_EVENTS.init, payload))
      expect(packet.ends).toEqual({ source: there.source, destination: [back.source[0], 9899] })
      const reply = bench.send(sctp({ ...back, source: [back.source[0], 9899] }, SCTP_EVENTS.i_ack, payload))
      expect(reply.packet.ends).toEqual(reverse(there))
    }
    expect(bench.load()).toEqual([0, 1])
  })

  test('only an INIT opens an association; it is active when it is established', () => {
    bench.serve([1], { protocol: 'SCTP', port: 80 })
    const stray = sctp(client, SCTP_EVENTS.data)
    expect(bench.send(stray)).toEqual({ verdict: -1, packet: parse(stray) })
    for (const [ends, event] of [
      [client, 'init'],
      [answer, 'i_ack'],
      [client, 'c_ech'],
      [answer, 'c_ack'],
    ] as const) {
      expect(bench.load()[0]).toBe(0)
      bench.send(sctp(ends, SCTP_EVENTS[event]))
    }
    expect(bench.load()).toEqual([1, 0])
    expect([...bench.core.connections()]).toMatchObject([{ protocol: 'SCTP', state: 'ESTABLISHED' }])
  })

  test('an ABORT behind a cookie is what counts', () => {
    bench.serve([1], { protocol: 'SCTP', port: 80 })
    bench.send(sctp(client, SCTP_EVENTS.init))
    bench.send(sctp(client, SCTP_EVENTS.c_ech, '', SCTP_EVENTS.abort))
    expect(SCTP_STATES[bench.state() - FIRST_SCTP]).toBe('CL')
  })
})
