import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bench, PASS, REDIRECT } from './bench.ts'
import { address, type Ends, FLAG, reverse, sctp, tcp, udp } from './packets.ts'

/** Two virtual servers with one real server and port, and a client that uses one port of its own for both. */
const SIDES = {
  ipv4: { client: '10.0.9.1', vips: ['10.9.0.1', '10.9.0.2'], server: '192.168.1.11' },
  ipv6: { client: '2001:db8:9::1', vips: ['2001:db8::1', '2001:db8::2'], server: '2001:db8:1::11' },
} as const
const [COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE, INIT] = [10, 11, 14, 1]
const PORT = 40_000

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  const { client, vips, server } = SIDES[family]
  const to = (which: 0 | 1): Ends => ({ source: [client, PORT], destination: [vips[which], 80] })
  const answers = (port = PORT): Ends => ({ source: [server, 8080], destination: [client, port] })
  const send = (frame: Uint8Array) => bench.send(frame, 1)
  beforeEach(() => {
    const endpoint = { address: address(server), port: 8080 }
    const thresholds = { upper: 0, lower: 0 }
    const id = { by: 'fwmark', mark: 1, family: family === 'ipv4' ? 'inet' : 'inet6' } as const
    bench.lay([{ endpoint, forwarding: { method: 'NAT' }, weight: 1, fullWeight: 1, thresholds }], {
      scheduler: 'rr',
      id,
      family,
    })
  })

  test.each([
    ['TIME_WAIT', () => [tcp(answers(), FLAG.fin | FLAG.ack), tcp(to(0), FLAG.fin | FLAG.ack)]],
    ['CLOSE', () => [tcp(answers(), FLAG.rst)]],
  ] as const)('a connection in %s gives its port up, and does nothing to the new one any more', (state, end) => {
    for (const frame of [tcp(to(0), FLAG.syn), tcp(answers(), FLAG.syn | FLAG.ack), tcp(to(0), FLAG.ack), ...end()])
      send(frame)
    expect([...bench.core.connections()].map((each) => each.state)).toEqual([state])

    const opened = send(tcp(to(1), FLAG.syn))
    expect(opened).toMatchObject({ verdict: REDIRECT, packet: { ends: reverse(answers()) } })
    expect(send(tcp(answers(), FLAG.syn | FLAG.ack)).packet.ends).toEqual(reverse(to(1)))
    send(tcp(to(1), FLAG.ack))
    expect(bench.load()).toEqual([1, 0])

    // What comes late, a sweep, and the end of the old one's time.
    expect(send(tcp(to(0), FLAG.fin | FLAG.ack)).verdict).toBe(PASS)
    bench.core.sweep()
    bench.wait(130).core.sweep()
    expect(send(tcp(answers(), FLAG.ack, 'data'))).toMatchObject({
      verdict: REDIRECT,
      packet: { ends: reverse(to(1)) },
    })
    expect([...bench.core.connections()]).toMatchObject([{ state: 'ESTABLISHED', virtual: { address: vips[1] } }])
    expect(bench.load()).toEqual([1, 0])
    bench.wait(901).core.sweep()
    expect(bench.load()).toEqual([0, 0])
    // What the server sends now is no connection's: it ends with a reset.
    expect(send(tcp(answers(), FLAG.ack))).toMatchObject({
      verdict: REDIRECT,
      packet: { ends: reverse(to(1)), flags: FLAG.rst | FLAG.ack },
    })
    expect(bench.core.drops()).toMatchObject({ 'client-port-changed': 0n, 'table-full': 0n })
  })

  test('SCTP: a closed association gives its port up', () => {
    for (const frame of [sctp(to(0), INIT), sctp(to(0), SHUTDOWN_COMPLETE)]) send(frame)
    expect([...bench.core.connections()]).toMatchObject([{ state: 'CLOSED' }])
    expect(send(sctp(to(1), INIT))).toMatchObject({ verdict: REDIRECT, packet: { ends: reverse(answers()) } })
    expect(send(sctp(answers(), COOKIE_ACK)).packet.ends).toEqual(reverse(to(1)))
  })

  test.each([
    [
      'TCP',
      (ends: Ends) => tcp(ends, FLAG.syn),
      (ends: Ends) => tcp(ends, FLAG.ack, 'data'),
      { packet: { flags: FLAG.rst | FLAG.ack } },
    ],
    [
      'UDP',
      (ends: Ends) => udp(ends),
      (ends: Ends) => udp(ends, 'data'),
      { packet: { icmp: family === 'ipv4' ? [3, 3, 0] : [1, 4, 0] } },
    ],
    ['SCTP', (ends: Ends) => sctp(ends, INIT), (ends: Ends) => sctp(ends, COOKIE_ECHO, 'data'), { verdict: PASS }],
  ] as const)('%s: with a live one the new one gets another port, and both work', (protocol, open, go, afterEnd) => {
    expect(send(open(to(0))).packet.ends).toEqual(reverse(answers()))
    const second = send(open(to(1)))
    const port = second.packet.ends.source[1]
    expect(second).toMatchObject({ verdict: REDIRECT, packet: { ends: reverse(answers(port)) } })
    expect(port).not.toBe(PORT)
    expect(port).toBeGreaterThanOrEqual(1024)
    for (const [which, its] of [
      [0, PORT],
      [1, port],
    ] as const) {
      expect(send(go(to(which))).packet.ends).toEqual(reverse(answers(its)))
      expect(send(go(answers(its))).packet.ends).toEqual(reverse(to(which)))
    }
    expect(bench.core.drops()).toMatchObject({ 'client-port-changed': 1n, 'table-full': 0n, 'no-destination': 0n })
    const listed = [...bench.core.connections()].find(({ virtual }) => virtual.address === vips[1])
    expect(listed).toMatchObject({
      protocol,
      client: { address: client, port: PORT },
      local: { address: client, port },
    })

    // Each takes only its own key with it.
    const [first] = [...bench.core.connections()].filter(({ virtual }) => virtual.address === vips[0])
    expect(first !== undefined && bench.core.forget(first)).toBe(true)
    expect(bench.send(go(answers()))).toMatchObject(afterEnd)
    expect(send(go(answers(port))).packet.ends).toEqual(reverse(to(1)))
    expect(send(open(to(0))).packet.ends).toEqual(reverse(answers()))
    expect(listed !== undefined && bench.core.forget(listed)).toBe(true)
    expect(send(go(answers())).packet.ends).toEqual(reverse(to(0)))
    // The client is told by its own port.
    const told = { TCP: [client, PORT], UDP: [server, 0], SCTP: [client, port] } as const
    const late = bench.send(go(answers(port)))
    expect(late).toMatchObject(afterEnd)
    expect(late.packet.ends.destination).toEqual(told[protocol])
  })
})
