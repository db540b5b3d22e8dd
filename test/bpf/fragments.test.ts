import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bench, DROP, type Family, NETWORK, PASS, REDIRECT } from './bench.ts'
import { type Ends, FLAG, fragmentsOf, parse, parseIp, reverse, sctp, tcp, udp, withIpOptions } from './packets.ts'

const FAMILIES = ['ipv4', 'ipv6'] as const
const CLIENT = { ipv4: '10.0.9.1', ipv6: '2001:db8:9::1' } as const
const ETHERNET = 14

const toService = (family: Family): Ends => ({
  source: [CLIENT[family], 40000],
  destination: [NETWORK[family].vip, 80],
})
const toServer = (family: Family): Ends => ({
  source: [CLIENT[family], 40000],
  destination: [`${NETWORK[family].servers}11`, 8080],
})

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

/**
 * What leaves when frames come in one after the other. One that is put aside is dropped; when the first fragment comes, it comes in
 * again, and behind it what was put aside: here as there, through the queue of what has come in.
 */
function arrive(frames: readonly Uint8Array[]): Uint8Array[] {
  const left: Uint8Array[] = []
  const queue = [...frames]
  for (let rounds = 0; queue.length > 0; rounds++) {
    if (rounds > 200) throw new Error('fragments come in again without end')
    const frame = queue.shift()
    if (frame === undefined) break
    const { verdict, frame: out } = bench.pass(frame)
    if (verdict === DROP) continue
    // Another fragment than the one that came in: that one was cloned, and is before it.
    const isReleased = verdict === REDIRECT && frames.some((one) => Buffer.from(one).equals(out))
    if (isReleased) queue.unshift(frame, out)
    else left.push(out)
  }
  return left
}

const addresses = (frame: Uint8Array) => {
  const { source, destination } = parseIp(frame.subarray(ETHERNET))
  return { source, destination }
}
/** Where its data belongs. */
const place = (frame: Uint8Array) =>
  frame[ETHERNET] === 0x45
    ? (Buffer.from(frame).readUInt16BE(ETHERNET + 6) & 0x1fff) * 8
    : frame[ETHERNET + 6] === 44
      ? Buffer.from(frame).readUInt16BE(ETHERNET + 42) & 0xfff8
      : 0
/** What a host puts together. */
const joined = (frames: readonly Uint8Array[]) =>
  Buffer.concat(
    frames
      .toSorted((a, b) => place(a) - place(b))
      .map((frame) => Buffer.from(parseIp(frame.subarray(ETHERNET)).payload)),
  ).toString('hex')

describe.each(FAMILIES)('fragments that come in reverse, %s', (family) => {
  const payload = Array.from({ length: 400 }, (_, i) => String(i).padStart(4)).join('')

  test.each([
    ['to a server', toService(family), toServer(family)],
    ['from a server', reverse(toServer(family)), reverse(toService(family))],
  ] as const)('%s: the later ones wait for the first, and leave translated behind it', (_name, from, to) => {
    bench.serve([1], { family, protocol: 'UDP' }).send(udp(toService(family)))
    for (const starts of [
      [0, 800],
      [0, 504, 1008],
      [0, 400, 800, 1200],
    ]) {
      const frames = fragmentsOf(udp(from, payload), starts)
      const left = arrive(frames.toReversed())
      const [first] = left
      expect(first === undefined ? undefined : parse(first).ends).toEqual(to)
      const ends = { source: to.source[0], destination: to.destination[0] }
      expect(left.map(addresses)).toEqual(starts.map(() => ends))
      expect(joined(left) === joined([udp(to, payload)])).toBe(true)
      bench.wait(31)
    }
    expect(bench.core.drops()['fragment-without-first']).toBe(0n)
  })

  test('of nobody that is known: they wait, too, and pass as they came', () => {
    const stranger: Ends = { source: [CLIENT[family], 7], destination: [`${NETWORK[family].servers}99`, 7] }
    const frames = fragmentsOf(udp(stranger, payload), [0, 504, 1008])
    expect(arrive(frames.toReversed()).map((frame) => Buffer.from(frame))).toEqual(
      frames.map((one) => Buffer.from(one)),
    )
    expect(bench.serve([1], { family }).pass(frames[1] ?? new Uint8Array()).verdict).toBe(PASS)
  })

  test('one whose first does not come in 30 seconds is forgotten', () => {
    bench.serve([1], { family, protocol: 'UDP' }).send(udp(toService(family)))
    const [first = new Uint8Array(), later = new Uint8Array()] = fragmentsOf(udp(toService(family), payload), [0, 800])
    expect(bench.pass(later).verdict).toBe(DROP)
    bench.wait(31)
    const { verdict, frame } = bench.pass(first)
    expect([verdict, parse(frame).ends]).toEqual([REDIRECT, toServer(family)])
    // An old one with the same number must not give its ports to a new one.
    bench.wait(31)
    expect(bench.pass(later).verdict).toBe(DROP)
  })

  test('more of one datagram than an Ethernet makes of 64 KiB are dropped and counted', () => {
    bench.serve([1], { family, protocol: 'UDP' }).send(udp(toService(family)))
    const starts = Array.from({ length: 51 }, (_, i) => 8 * i)
    const [, ...later] = fragmentsOf(udp(toService(family), payload), starts)
    expect(later.map((frame) => bench.pass(frame).verdict)).toEqual(later.map(() => DROP))
    expect(bench.core.drops()['fragment-without-first']).toBe(2n)
  })
})

describe('a first fragment that ends within its transport header (RFC 1858)', () => {
  const segment = (protocol: 'TCP' | 'SCTP', ends: Ends) =>
    protocol === 'TCP' ? tcp(ends, FLAG.syn, 'some data') : sctp(ends, 1, 'x'.repeat(16))

  test.each([
    ['TCP', 8, 'in order'],
    ['TCP', 16, 'in order'],
    ['SCTP', 8, 'in order'],
    ['TCP', 8, 'in reverse'],
    ['TCP', 16, 'in reverse'],
  ] as const)('%s, %i bytes, %s: is joined to the next one, and goes to the server', (protocol, bytes, order) => {
    bench.serve([1], { protocol, ...(protocol === 'SCTP' ? { port: 80 } : {}) })
    const whole = segment(protocol, toService('ipv4'))
    const fragments = fragmentsOf(whole, [0, bytes])
    const [one, two] = order === 'in order' ? fragments : fragments.toReversed()
    expect(bench.pass(one ?? whole).verdict).toBe(DROP)
    let { verdict, frame } = bench.pass(two ?? whole)
    if (order === 'in reverse') {
      // The one that was put aside comes in again.
      expect(Buffer.from(frame).equals(Buffer.from(one ?? whole))).toBe(true)
      ;({ verdict, frame } = bench.pass(frame))
    }
    expect(verdict).toBe(REDIRECT)
    const { ends, payload } = parse(whole)
    expect(parse(frame)).toMatchObject({ ends, payload })
    const { packet } = bench.send(frame)
    expect(packet).toMatchObject({ ends: protocol === 'TCP' ? toServer('ipv4') : { source: ends.source }, payload })
    expect(bench.load()).toEqual(protocol === 'TCP' ? [1, 0] : [0, 1])
    expect(bench.core.drops()['fragment-without-first']).toBe(0n)
  })

  test('what follows the joined ones finds its ports', () => {
    bench.serve([1])
    const [one, two, three] = fragmentsOf(tcp(toService('ipv4'), FLAG.syn, 'x'.repeat(100)), [0, 16, 64])
    const at = (frame: Uint8Array | undefined) => bench.pass(frame ?? new Uint8Array())
    expect(at(one).verdict).toBe(DROP)
    expect(at(at(two).frame).verdict).toBe(REDIRECT)
    const { verdict, frame } = at(three)
    expect([verdict, addresses(frame).destination]).toEqual([REDIRECT, '192.168.1.11'])
  })

  test('with IP options nothing is joined, nor with a gap: both wait in vain', () => {
    bench.serve([1])
    const [one = new Uint8Array(), two = new Uint8Array(), three] = fragmentsOf(
      tcp(toService('ipv4'), FLAG.syn, 'x'.repeat(100)),
      [0, 8, 64],
    )
    for (const frame of [one, three ?? one, withIpOptions(two, [1, 1, 1, 0])]) {
      expect(bench.pass(frame).verdict).toBe(DROP)
    }
    expect(bench.load()).toEqual([0, 0])
  })

  test('IPv6: is the stack’s, which drops it (RFC 7112)', () => {
    bench.serve([1], { family: 'ipv6' })
    const [one = new Uint8Array()] = fragmentsOf(tcp(toService('ipv6'), FLAG.syn, 'x'), [0, 8])
    expect(bench.pass(one)).toEqual({ verdict: PASS, frame: one })
  })
})
