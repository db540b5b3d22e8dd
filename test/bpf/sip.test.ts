import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bench, DROP, type Family, NETWORK } from './bench.ts'
import { address, udp } from './packets.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const CLIENT = { ipv4: '10.0.6.', ipv6: '2001:db8:6::' } as const

function serve(family: Family = 'ipv4', clientPrefix = family === 'ipv4' ? 32 : 128, onePacket = false): void {
  const servers = [11, 12, 13].map((host) => ({
    endpoint: { address: address(`${NETWORK[family].servers}${host}`), port: 5060 },
    forwarding: { method: 'NAT' as const },
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  const persistence = { timeoutSeconds: 60, clientPrefix, engine: 'sip' as const }
  bench.lay(servers, { scheduler: 'rr', family, protocol: 'UDP', port: 5060, persistence, onePacket })
}

const message = (header: string) =>
  ['INVITE sip:b@example.com SIP/2.0', 'Via: SIP/2.0/UDP a;branch=z9', 'Max-Forwards: 70', header, '', ''].join('\r\n')

/** The server that a datagram from a port of a client gets. */
function ask(text: string, port: number, client = 2, family: Family = 'ipv4'): string {
  const from = [`${CLIENT[family]}${client}`, port] as const
  const { verdict, packet } = bench.send(udp({ source: from, destination: [NETWORK[family].vip, 5060] }, text))
  return verdict === DROP ? 'dropped' : (packet.ends.destination[0].split(/[.:]/).at(-1) ?? '')
}

describe.each(['ipv4', 'ipv6'] as const)('SIP calls, %s', (family) => {
  test('a call of a client stays at its server, and another one is scheduled', () => {
    serve(family)
    const call = message('Call-ID: aaaa@host1')
    const first = ask(call, 1, 2, family)
    expect(ask(call, 2, 2, family)).toBe(first)
    expect(ask(message('Call-ID: bbbb@host1'), 3, 2, family)).not.toBe(first)
    expect(ask(call, 4, 2, family)).toBe(first)
  })
})

describe('the Call-ID', () => {
  test.each([
    ['in its short form', 'i: aaaa@host1'],
    ['in other letters', 'CALL-ID:aaaa@host1'],
    ['with blanks around the colon', 'Call-ID \t: \t aaaa@host1'],
    ['with something behind it', 'Call-ID: aaaa@host1  '],
  ])('%s is the same', (_name, header) => {
    serve()
    const first = ask(message('Call-ID: aaaa@host1'), 1)
    ask(message('Call-ID: bbbb'), 2)
    expect(ask(message(header), 3)).toBe(first)
    expect([...bench.core.connections()].flatMap(({ callId }) => callId ?? []).toSorted()).toEqual([
      'aaaa@host1',
      'bbbb',
    ])
  })

  test.each([
    ['no SIP', 'hello'],
    ['nothing', ''],
    ['another header', message('Call-Info: aaaa@host1')],
    ['one within a line', message('Subject: Call-ID: aaaa@host1')],
    ['an empty one', message('Call-ID: ')],
    ['one of 256 characters', message(`Call-ID: ${'a'.repeat(256)}`)],
  ])('%s: the datagram is dropped and counted', (_name, text) => {
    serve()
    expect(ask(text, 1)).toBe('dropped')
    expect(bench.core.drops()['no-call-id']).toBe(1n)
    expect([...bench.core.connections()]).toEqual([])
  })

  test('of 255 characters is the longest', () => {
    serve()
    const id = 'a'.repeat(255)
    expect(ask(message(`Call-ID: ${id}`), 1)).not.toBe('dropped')
    expect([...bench.core.connections()].find(({ client }) => client.port === 0)?.callId).toBe(id)
  })
})

test('one call of two clients has two templates, unless the mask makes them one', () => {
  const call = message('Call-ID: aaaa@host1')
  serve()
  expect(ask(call, 1, 2)).not.toBe(ask(call, 1, 3))
  bench.wait(1000).core.sweep()
  serve('ipv4', 24)
  expect(ask(call, 1, 4)).toBe(ask(call, 1, 5))
})

test('a template is forgotten when its call is over, text and all', () => {
  serve()
  ask(message('Call-ID: aaaa@host1'), 1)
  bench.wait(301).core.sweep() // the connection
  bench.wait(61).core.sweep() // the template, which had lingered for it
  expect([...bench.core.connections()]).toEqual([])
  expect([...bench.core.destinations().values()].map(({ load }) => load.persistent)).toEqual([0, 0, 0])
})

test('with one-packet scheduling each datagram is looked at', () => {
  serve('ipv4', 32, true)
  const [a, b] = [message('Call-ID: aaaa'), message('Call-ID: bbbb')]
  const answers = [ask(a, 1), ask(b, 1), ask(a, 1), ask(b, 1)]
  expect(answers[0]).toBe(answers[2])
  expect(answers[1]).toBe(answers[3])
  expect(answers[0]).not.toBe(answers[1])
})
