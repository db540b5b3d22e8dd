import { encode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { judgeReply } from '../../src/check/probes/dns.ts'
import type { Check, DnsQuery } from '../../src/model/check.ts'
import { expectDown, expectUp, Loopback, schedule, SHORT } from '../support/checks.ts'
import { mutated } from '../support/mutated.ts'

const servers = new Loopback()
afterEach(() => servers.close())

const dns = (port: number, query: Partial<DnsQuery> = {}): Check => ({
  ...schedule(port),
  type: 'DNS_CHECK',
  query: { name: 'www.example', type: 'A', answer: undefined, ...query },
})

const RESPONSE = 0x8000
const response = (request: Uint8Array, change: Partial<Packet> = {}): Uint8Array =>
  encode({ type: 'response', id: Buffer.from(request).readUInt16BE(0), flags: RESPONSE, ...change })
const records = (...addresses: readonly string[]): Partial<Packet> => ({
  answers: addresses.map((data) => ({ type: 'A', name: 'www.example', ttl: 60, data })),
})

test('the query is one question, with recursion desired, and another id each time', async () => {
  const requests: Buffer[] = []
  const port = await servers.udp((request, reply) => {
    requests.push(request)
    reply(response(request))
  })
  for (let i = 0; i < 4; i++) await expectUp(dns(port, { name: 'www.example.', type: 'MX' }), 'answers 0')
  const [first = Buffer.alloc(0)] = requests
  expect(first.subarray(2).toString('hex')).toBe('0100000100000000000003777777076578616d706c6500000f0001')
  expect(new Set(requests.map((request) => request.readUInt16BE(0))).size).toBeGreaterThan(1)
  const root = await servers.udp((request, reply) => {
    requests.push(request)
    reply(response(request))
  })
  await expectUp(dns(root, { name: '.', type: 'SOA' }), 'answers 0')
  expect(requests.at(-1)?.subarray(12).toString('hex')).toBe('0000060001')
})

describe('without a record that is asked for', () => {
  test.each<[string, (request: Buffer) => Uint8Array, string]>([
    ['an answer', (request) => response(request, records('10.0.0.1')), 'answers 1'],
    ['a response without answers', (request) => response(request), 'answers 0'],
    ['a truncated one', (request) => response(request, { flags: RESPONSE | 0x200 }), 'answers 0, truncated'],
    [
      'one with garbage behind its header',
      (request) => Buffer.concat([response(request).subarray(0, 6), Buffer.alloc(90, 0xff)]),
      'answers 65535',
    ],
  ])('%s is good', async (_name, answer, wanted) => {
    await expectUp(dns(await servers.udp((request, reply) => reply(answer(request)))), wanted)
  })

  test.each([
    [1, 'FORMERR'],
    [2, 'SERVFAIL'],
    [3, 'NXDOMAIN'],
    [5, 'REFUSED'],
    [15, 'with error 15'],
  ])('error %i is bad at once', async (rcode, name) => {
    const port = await servers.udp((request, reply) => reply(response(request, { flags: RESPONSE | rcode })))
    await expectDown(dns(port), `the server answers ${name}`, 'at once')
  })
})

describe('what is no response to the query is passed over', () => {
  test.each<[string, (request: Buffer) => Uint8Array]>([
    ['another id', (request) => response(request, { id: request.readUInt16BE(0) ^ 1 })],
    ['the query itself', (request) => request],
    ['less than a header', (request) => response(request).subarray(0, 11)],
    ['nothing', () => Buffer.alloc(0)],
  ])('%s: bad at the deadline, good when the response follows', async (_name, answer) => {
    const alone = await servers.udp((request, reply) => reply(answer(request)))
    await expectDown(dns(alone), 'no answer within 0.4 s; 1 datagrams were no response to the query', 'at the deadline')
    const before = await servers.udp((request, reply) => {
      reply(answer(request))
      reply(response(request))
    })
    await expectUp(dns(before), 'answers 0')
  })

  test('nor does it put off the deadline when it comes again and again', async () => {
    const port = await servers.udp((request, reply) => {
      const wrong = response(request, { id: request.readUInt16BE(0) ^ 1 })
      const timer = setInterval(() => reply(wrong), 50)
      setTimeout(() => clearInterval(timer), 2 * SHORT)
    })
    await expectDown(
      dns(port),
      /^no answer within 0\.4 s; \d datagrams were no response to the query$/,
      'at the deadline',
    )
  })

  test('but not without end', async () => {
    const port = await servers.udp((request, reply) => {
      for (let i = 0; i < 100; i++) reply(request)
    })
    await expectDown(dns(port), 'none of 64 datagrams was an answer', 'at once')
  })
})

test('silence is bad at the deadline, a closed port at once', async () => {
  await expectDown(dns(await servers.udp(() => {})), 'no answer within 0.4 s', 'at the deadline')
  await expectDown(dns(await servers.freePort()), 'ECONNREFUSED', 'at once')
})

describe('a record that is asked for', () => {
  const name = 'www.example'
  test.each<[string, DnsQuery['type'], string, Partial<Packet>]>([
    ['an address', 'A', '10.0.0.2', records('10.0.0.1', '10.0.0.2')],
    [
      'an address of IPv6, however it is written',
      'AAAA',
      '2001:DB8:0:0::1',
      { answers: [{ type: 'AAAA', name, data: '2001:db8::1' }] },
    ],
    [
      'behind an alias',
      'A',
      '10.0.0.2',
      {
        answers: [
          { type: 'CNAME', name, data: 'web.example' },
          { type: 'A', name: 'web.example', data: '10.0.0.2' },
        ],
      },
    ],
    ['a name', 'CNAME', 'Web.Example.', { answers: [{ type: 'CNAME', name, data: 'web.example' }] }],
    ['a mail server', 'MX', 'mx.example', { answers: [{ type: 'MX', name, data: { exchange: 'mx.example' } }] }],
    ['a text in pieces', 'TXT', 'v=spf1 -all', { answers: [{ type: 'TXT', name, data: ['v=spf1', ' -all'] }] }],
    ['the root', 'NS', '.', { answers: [{ type: 'NS', name, data: '.' }] }],
  ])('%s', async (_name, type, answer, change) => {
    const port = await servers.udp((request, reply) => reply(response(request, change)))
    await expectUp(dns(port, { type, answer }), `answer ${answer}`)
  })

  test.each<[string, (request: Buffer) => Uint8Array, string]>([
    [
      'others',
      (request) => response(request, records('10.0.0.1', '10.0.0.3')),
      'the answer is 10.0.0.1 and 1 more, not 10.0.0.2',
    ],
    ['none', (request) => response(request), 'no A record in the response'],
    [
      'none, truncated',
      (request) => response(request, { flags: RESPONSE | 0x200 }),
      'no A record in the response, truncated',
    ],
    [
      'one of another type',
      (request) => response(request, { answers: [{ type: 'TXT', name: 'x', data: '10.0.0.2' }] }),
      'no A record in the response',
    ],
    [
      'a message that is cut off',
      (request) => response(request, records('10.0.0.2')).subarray(0, -2),
      'the response is malformed',
    ],
    [
      'a datagram of 60 000 bytes that says nothing',
      (request) => Buffer.concat([response(request), Buffer.alloc(60_000)]),
      'the response is longer than 4096 bytes',
    ],
    [
      'answers that are not there',
      (request) => Buffer.concat([response(request).subarray(0, 6), Buffer.from('ffff00000000', 'hex')]),
      'the response is malformed',
    ],
    [
      'a name that points to itself',
      (request) =>
        Buffer.concat([response(request, records()).subarray(0, 4), Buffer.from('0000000100000000c00c', 'hex')]),
      'the response is malformed',
    ],
  ])('%s: bad at once', async (_name, answer, wanted) => {
    const port = await servers.udp((request, reply) => reply(answer(request)))
    await expectDown(dns(port, { answer: '10.0.0.2' }), wanted, 'at once')
  })
})

/** A record that nobody knows, whose data are pointers each to the one before it, and as many more whose names are the last of these. */
function pointers(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  Buffer.from('00078000', 'hex').copy(bytes)
  const UNKNOWN = 9999
  const last = Math.min(length >> 1, 0x3ffe)
  bytes.writeUInt16BE(UNKNOWN, 13)
  bytes.writeUInt16BE(last - 21, 21)
  for (let at = 24; at <= last; at += 2) bytes.writeUInt16BE(0xc000 | (at === 24 ? 23 : at - 2), at)
  let answers = 1
  for (let at = last + 2; at + 12 <= length; at += 12, answers++) {
    bytes.writeUInt16BE(0xc000 | last, at)
    bytes.writeUInt16BE(UNKNOWN, at + 2)
  }
  bytes.writeUInt16BE(answers, 6)
  return bytes
}

test('names that point to names that point to names take no time', () => {
  const judged = (length: number) => {
    const begun = performance.now()
    const { reason } = judgeReply(pointers(length), 7, { name: '.', type: 'A', answer: 'x' }) ?? {}
    return { reason, isSoon: performance.now() - begun < 50 }
  }
  expect(judged(4096)).toEqual({ reason: 'no A record in the response', isSoon: true })
  expect(judged(65_000)).toEqual({ reason: 'the response is longer than 4096 bytes', isSoon: true })
})

test('whatever comes is judged without throwing, in no time, with a short reason', () => {
  const types = ['SOA', 'A', 'NS', 'CNAME', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'] as const
  const valid = encode({
    type: 'response',
    id: 7,
    flags: RESPONSE,
    questions: [{ type: 'A', name: 'www.example' }],
    answers: [
      { type: 'A', name: 'www.example', data: '10.0.0.1' },
      { type: 'MX', name: 'www.example', data: { exchange: 'mx.www.example' } },
      { type: 'TXT', name: 'www.example', data: ['a', 'b'] },
      { type: 'SOA', name: 'example', data: { mname: 'ns.example', rname: 'root.example' } },
    ],
  })
  const random = fc
    .uint8Array({ maxLength: 600 })
    .map((bytes) => Buffer.concat([Buffer.from('00078000', 'hex'), bytes]))
  fc.assert(
    fc.property(fc.oneof(random, mutated(valid)), fc.constantFrom(...types), (bytes, type) => {
      const finding = judgeReply(bytes, 7, { name: '.', type, answer: 'x' })
      expect(finding?.reason.length ?? 0).toBeLessThan(200)
    }),
    { numRuns: 5000 },
  )
})
