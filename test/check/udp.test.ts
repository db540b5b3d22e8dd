import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import { replyFault } from '../../src/check/probes/udp.ts'
import type { Check, UdpReply } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { expectDown, expectUp, Loopback, schedule, SHORT } from '../support/checks.ts'
import { mutated } from '../support/mutated.ts'

const servers = new Loopback()
afterEach(() => servers.close())

const any: UdpReply = { pattern: undefined, minLength: 0, maxLength: 65_535 }
const udp = (port: number, reply: UdpReply | undefined): Check => ({
  ...schedule(port),
  type: 'UDP_CHECK',
  payload: '70',
  reply,
})

test('a refusal is bad whether or not a reply is required, at once', async () => {
  const port = await servers.freePort()
  await expectDown(udp(port, undefined), 'ECONNREFUSED', 'at once')
  await expectDown(udp(port, any), 'ECONNREFUSED', 'at once')
})

test('silence is bad only where a reply is required, at the deadline', async () => {
  const port = await servers.udp(() => {})
  await expectDown(udp(port, any), 'no answer within 0.4 s', 'at the deadline')
  const answer = await probe({ ...udp(port, undefined), timeout: millis(SHORT) })
  expect(answer).toMatchObject({ up: true, reason: 'not refused' })
  expect(answer.duration).toBeGreaterThanOrEqual(SHORT - 5)
  expect(answer.duration).toBeLessThan(SHORT + 1000)
})

test('of several answers the first one decides', async () => {
  const wanted = { ...any, pattern: '01' }
  const good = await servers.udp((_request, reply) => [1, 2, 2].forEach((byte) => reply(Uint8Array.of(byte))))
  await expectUp(udp(good, wanted), '1 bytes in reply')
  const wrong = await servers.udp((_request, reply) => [2, 1, 1].forEach((byte) => reply(Uint8Array.of(byte))))
  await expectDown(udp(wrong, wanted), 'the reply is 02, not 01', 'at once')
})

test('answers without end, each of the greatest length, are decided by the first, at once', async () => {
  const port = await servers.udp((_request, reply) => {
    const timer = setInterval(() => reply(Buffer.alloc(65_507, 2)), 1)
    setTimeout(() => clearInterval(timer), SHORT)
  })
  await expectDown(udp(port, { ...any, pattern: '01' }), /^the reply is 0202020202020202…?/, 'at once')
  await expectDown(udp(port, { ...any, maxLength: 255 }), 'a reply of 65507 bytes: more than 255', 'at once')
  await expectUp(udp(port, undefined), '65507 bytes in reply')
})

test('an answer from another port or address is none', async () => {
  const stranger = createSocket('udp4')
  try {
    await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.2', resolve))
    const port = await servers.udp((_request, _reply, from) => stranger.send('x', from.port, from.address))
    await expectDown(udp(port, any), 'no answer within 0.4 s', 'at the deadline')
  } finally {
    stranger.close()
  }
})

test.each([
  ['empty', '', any, undefined],
  ['empty, as keepalived compares it with a pattern', '', { ...any, pattern: 'ABCD' }, undefined],
  ['shorter than the pattern, as in keepalived', 'AB', { ...any, pattern: 'ABCD' }, undefined],
  ['longer than the pattern', 'ABCDEF', { ...any, pattern: 'ABCD' }, undefined],
  ['empty, where all of it is wanted', '', { ...any, pattern: 'ABCD', minLength: 2 }, /0 bytes: fewer than 2/],
  ['shorter, where all of it is wanted', 'AB', { ...any, pattern: 'ABCD', minLength: 2 }, /1 bytes: fewer than 2/],
  ['longer, where no more is wanted', 'ABCDEF', { ...any, pattern: 'ABCD', maxLength: 2 }, /3 bytes: more than 2/],
] satisfies [string, string, UdpReply, RegExp | undefined][])(
  'a reply that is %s',
  async (_name, hex, wanted, fault) => {
    const port = await servers.udp((_request, reply) => reply(Buffer.from(hex, 'hex')))
    if (fault === undefined) await expectUp(udp(port, wanted), `${hex.length / 2} bytes in reply`)
    else await expectDown(udp(port, wanted), fault, 'at once')
  },
)

test('what a reply is told for is short, whatever it is', () => {
  const pattern = fc.stringMatching(/^(?:[\dA-FX]{2}){0,300}$/)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), pattern, (bytes, digits) => {
      const fault = replyFault(bytes, { pattern: digits, minLength: 0, maxLength: 255 })
      expect(fault?.length ?? 0).toBeLessThan(70 + digits.length)
    }),
  )
})

test('a change of the reply that is wanted is another one, unless it differs where that does not matter', () => {
  const good = Buffer.from('01ff20', 'hex')
  fc.assert(
    fc.property(mutated(good), (bytes) => {
      const fault = replyFault(bytes, { pattern: '01XX2X', minLength: 3, maxLength: 3 })
      const isGood = bytes.length === 3 && bytes[0] === 1 && (bytes[2] ?? 0) >> 4 === 2
      expect(fault === undefined).toBe(isGood)
      expect(fault?.length ?? 0).toBeLessThan(100)
    }),
    { numRuns: 2000 },
  )
})

test('probes leave no descriptor open, however they end', async () => {
  const silent = await servers.udp(() => {})
  const closed = await servers.freePort()
  const open = () => readdirSync('/proc/self/fd').length
  const ask = () =>
    Promise.all(
      Array.from({ length: 50 }, (_, i) => probe({ ...udp(i % 2 === 0 ? silent : closed, any), timeout: millis(50) })),
    )
  await ask()
  const before = open()
  await ask()
  await new Promise(setImmediate)
  expect(open()).toBeLessThan(before + 10)
})
