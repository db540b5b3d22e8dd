import fc from 'fast-check'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import type { Check } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { dialogue, expectDown, expectUp, Loopback, schedule } from '../support/checks.ts'
import { mutated } from '../support/mutated.ts'

const servers = new Loopback()
afterEach(() => servers.close())

const smtp = (port: number, change: { heloName?: string; startTls?: boolean } = {}): Check => ({
  ...schedule(port),
  type: 'SMTP_CHECK',
  heloName: undefined,
  startTls: false,
  ...change,
})

test('a session is HELO and QUIT, with the address of this host as its name unless one is given', async () => {
  const heard: string[] = []
  const port = await servers.tcp((socket) => {
    dialogue('220 mail.lab ESMTP\r\n', '250 hello\r\n', '221 bye\r\n')(socket)
    socket.on('data', (bytes) => heard.push(String(bytes)))
  })
  await expectUp(smtp(port), '220 mail.lab ESMTP')
  await expectUp(smtp(port, { heloName: 'lb.example' }), '220 mail.lab ESMTP')
  expect(heard).toEqual(['HELO [127.0.0.1]\r\n', 'QUIT\r\n', 'HELO lb.example\r\n', 'QUIT\r\n'])
})

test.each<[string, (socket: Socket) => void, string]>([
  [
    'a greeting of several lines',
    dialogue('220-mail.lab\r\n220-no spam\r\n220 go\r\n', '250 a\r\n', '221 b\r\n'),
    '220 mail.lab',
  ],
  [
    'an answer of several lines',
    dialogue('220 mail.lab\r\n', '250-a\r\n250-b\r\n250 c\r\n', '221 d\r\n'),
    '220 mail.lab',
  ],
  ['codes alone', dialogue('220\r\n', '250\r\n', '221\r\n'), '220 '],
  ['bare line feeds', dialogue('220 mail.lab\n', '250 a\n', '221 b\n'), '220 mail.lab'],
  ['another answer to QUIT', dialogue('220 mail.lab\r\n', '250 a\r\n', '500 what?\r\n'), '220 mail.lab'],
])('%s: good', async (_name, serve, wanted) => {
  await expectUp(smtp(await servers.tcp(serve)), wanted)
})

test('an answer in single bytes is good, as long as it comes in time', async () => {
  const port = await servers.tcp((socket) => {
    socket.setNoDelay()
    for (const [i, byte] of '220-a\r\n220 b\r\n250 c\r\n221 d\r\n'.split('').entries()) {
      setTimeout(() => socket.write(byte), i)
    }
  })
  await expectUp(smtp(port), '220 a')
})

const pour =
  (chunk: string) =>
  (socket: Socket): void => {
    const more = () => {
      while (socket.write(chunk));
    }
    socket.on('drain', more)
    more()
  }
const after = (greeting: string, then: (socket: Socket) => void) => (socket: Socket) => {
  socket.write(greeting)
  socket.once('data', () => then(socket))
}
const destroy = (socket: Socket) => void socket.resetAndDestroy()
const end = (socket: Socket) => void socket.end()

describe.each<[string, (socket: Socket) => void, string | RegExp, 'at once' | 'at the deadline']>([
  ['accepts and says nothing', () => {}, 'no answer within 0.4 s, waiting for the greeting', 'at the deadline'],
  [
    'one byte at a time',
    (socket) => drip(socket),
    'no answer within 0.4 s, waiting for the greeting',
    'at the deadline',
  ],
  ['a line without end', pour('x'.repeat(1000)), 'more than 16384 bytes, waiting for the greeting', 'at once'],
  [
    'lines without end',
    pour('220-x\r\n'.repeat(100)),
    'more than 128 lines, waiting for the end of the greeting',
    'at once',
  ],
  ['a reset at once', destroy, /^(ECONNRESET, waiting for the greeting|ECONNRESET)$/, 'at once'],
  ['an end at once', end, 'the connection was closed, waiting for the greeting', 'at once'],
  [
    'half a greeting',
    (socket) => socket.end('220 mail'),
    'the connection was closed, waiting for the greeting',
    'at once',
  ],
  ['too busy', dialogue('421 too busy\r\n'), 'the greeting is 421 too busy', 'at once'],
  ['no service', dialogue('554-go away\r\n554 now\r\n'), 'the greeting is 554 go away', 'at once'],
  ['another protocol', dialogue('SSH-2.0-x\r\n'), 'the greeting is not SMTP: SSH-2.0-x', 'at once'],
  ['control characters', dialogue('220\u001b[2J\r\n'), 'the greeting is not SMTP: 220?[2J', 'at once'],
  ['two codes', dialogue('220-a\r\n221 b\r\n'), 'the greeting is not SMTP: 221 b', 'at once'],
  ['HELO refused', dialogue('220 a\r\n', '550 who?\r\n'), 'the answer to HELO is 550 who?', 'at once'],
  ['busy after HELO', dialogue('220 a\r\n', '421 later\r\n'), 'the answer to HELO is 421 later', 'at once'],
  [
    'silence after HELO',
    after('220 a\r\n', () => {}),
    'no answer within 0.4 s, waiting for the answer to HELO',
    'at the deadline',
  ],
  ['a reset after HELO', after('220 a\r\n', destroy), 'ECONNRESET, waiting for the answer to HELO', 'at once'],
  [
    'closed at QUIT',
    dialogue('220 a\r\n', '250 b\r\n', undefined),
    /^(the connection was closed|ECONNRESET), waiting for the answer to QUIT$/,
    'at once',
  ],
])('a hostile server: %s', (_name, serve, wanted, when) => {
  test(`is down ${when}`, async () => {
    await expectDown(smtp(await servers.tcp(serve)), wanted, when)
  })
})

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('2'), 50)
  socket.on('close', () => clearInterval(timer))
}

test('whatever becomes of a session that is good, in each of its answers, there is a verdict with a short reason', async () => {
  const valid = ['220-mail.lab\r\n220 go\r\n', '250-mail.lab\r\n250-SIZE 1\r\n250 STARTTLS\r\n', '221 bye\r\n']
  let said: readonly Uint8Array[] = []
  const port = await servers.tcp((socket) => {
    const left = [...said]
    const next = () => {
      const answer = left.shift()
      if (answer === undefined) socket.end()
      else socket.write(answer)
      // Nothing more is said to what would never be asked.
      if (answer !== undefined && !/^\d{3}(?!-)[^\n]*\n$/m.test(Buffer.from(answer).toString('latin1'))) socket.end()
    }
    socket.on('data', next)
    next()
  })
  const answers = fc.tuple(...valid.map((answer) => fc.oneof(fc.constant(Buffer.from(answer)), mutated(answer))))
  await fc.assert(
    fc.asyncProperty(answers, fc.boolean(), async (all, startTls) => {
      said = all
      const { up, reason, duration } = await probe({ ...smtp(port, { startTls }), timeout: millis(5000) })
      expect(up).toBeTypeOf('boolean')
      expect(reason.length).toBeLessThan(200)
      expect(reason).toMatch(/^[ -~…]*$/)
      expect(duration).toBeLessThan(6000)
    }),
    { numRuns: 300 },
  )
})

test('whatever a server says, the answer comes in time and its reason is short', async () => {
  let said: readonly Uint8Array[] = []
  const port = await servers.tcp((socket) => {
    for (const bytes of said) socket.write(bytes)
    socket.end()
  })
  const line = fc.oneof(fc.constantFrom('220 a\r\n', '220-', '250 b\r\n', '\r\n', '221'), fc.string())
  const bytes = fc.oneof(
    line.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 300 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 6 }), async (chunks) => {
      said = chunks
      const answer = await probe({ ...smtp(port), timeout: millis(5000) })
      expect(answer.reason.length).toBeLessThan(150)
      expect(answer.reason).toMatch(/^[ -~…]*$/)
    }),
    { numRuns: 300 },
  )
})
