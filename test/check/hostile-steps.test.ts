/** Every checker that talks over TCP, and what a hostile server may do at each step of what is said. */
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import type { Check, TcpTalk } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { again, expectDown, expectUp, Loopback, pour, schedule } from '../support/checks.ts'
import { type DeafServer, deafServer } from '../support/deaf-server.ts'

const servers = new Loopback()
afterAll(() => servers.close())

/** One thing that a server that works says. */
interface Step {
  /** What the client is waiting for then, in the words of its reasons. */
  readonly awaited: string
  /** Without being asked. */
  readonly isGreeting?: true
  readonly say: Uint8Array
  /** The beginning of what never comes to an end. */
  readonly endless: Uint8Array
}

const hex = (text: string) => Buffer.from(text, 'hex')
const text = (of: string) => Buffer.from(of, 'latin1')
/** A line of SMTP, and one without end. */
const line = (awaited: string, say: string): Step => ({ awaited, say: text(`${say}\r\n`), endless: text(say) })
const greeting = (step: Step): Step => ({ ...step, isGreeting: true })
const talk = (of: TcpTalk) => (port: number) => ({ ...schedule(port), type: 'TCP_CHECK', talk: of }) as const
const smtp =
  (startTls: boolean) =>
  (port: number): Check => ({ ...schedule(port), type: 'SMTP_CHECK', heloName: 'lb', startTls })

/** `up`: the reason when nothing is hostile; undefined: what is said does not get to a good end. */
const CHECKERS: readonly {
  readonly name: string
  readonly check: (port: number) => Check
  readonly steps: readonly Step[]
  readonly up: string | undefined
}[] = [
  {
    name: 'bytes',
    check: talk({ protocol: 'bytes', send: '70696e67', expect: '706f6e6721' }),
    steps: [{ awaited: 'the bytes that are expected', say: text('pong!'), endless: text('po') }],
    up: 'the bytes that are expected',
  },
  {
    name: 'bytes of a greeting',
    check: talk({ protocol: 'bytes', send: undefined, expect: '706f6e6721' }),
    steps: [greeting({ awaited: 'the bytes that are expected', say: text('pong!'), endless: text('po') })],
    up: 'the bytes that are expected',
  },
  {
    name: 'Redis',
    check: talk({ protocol: 'redis' }),
    steps: [{ awaited: 'the answer to PING', say: text('+PONG\r\n'), endless: text('+PONG') }],
    up: '+PONG',
  },
  {
    name: 'MySQL',
    check: talk({ protocol: 'mysql', user: 'tanist' }),
    steps: [
      greeting({ awaited: 'the greeting', say: hex('060000000a352e350000'), endless: hex('ffffff000a') }),
      { awaited: 'the answer to the login', say: hex('0600000201746f6b656e'), endless: hex('ffffff02ff') },
      { awaited: 'the answer to the login', say: hex('0700000400000002000000'), endless: hex('ffffff0400') },
    ],
    up: 'MySQL 5.5',
  },
  {
    name: 'PostgreSQL',
    check: talk({ protocol: 'postgresql', user: 'tanist' }),
    steps: [
      {
        awaited: 'the answer to the start-up message',
        say: hex('5200000008000000005a0000000549'),
        endless: hex('527fffffff'),
      },
    ],
    up: 'logged in',
  },
  {
    name: 'AMQP',
    check: talk({ protocol: 'amqp' }),
    steps: [
      {
        awaited: 'connection.start',
        say: hex('01000000000006000a000a0009ce'),
        endless: hex('0100007fffffff'),
      },
    ],
    up: 'connection.start of AMQP 0-9',
  },
  {
    name: 'LDAP',
    check: talk({ protocol: 'ldap' }),
    steps: [
      { awaited: 'the answer to the bind', say: hex('300c02010161070a010004000400'), endless: hex('30847fffffff') },
    ],
    up: 'success',
  },
  {
    name: 'SMTP',
    check: smtp(false),
    steps: [
      greeting(line('the greeting', '220 mail.lab')),
      line('the answer to HELO', '250 hello'),
      line('the answer to QUIT', '221 bye'),
    ],
    up: '220 mail.lab',
  },
  {
    name: 'SMTP before STARTTLS',
    check: smtp(true),
    steps: [
      greeting(line('the greeting', '220 mail.lab')),
      line('the answer to EHLO', '250-mail.lab\r\n250 STARTTLS'),
      line('the answer to STARTTLS', '220 go ahead'),
    ],
    up: undefined,
  },
]

/** Says as it should, except at one step. */
const hostileAt =
  (steps: readonly Step[], at: number, act: (socket: Socket, step: Step) => void) =>
  (socket: Socket): void => {
    socket.setNoDelay()
    let next = 0
    const say = () => {
      const step = steps[next]
      if (step === undefined) return
      if (next === at) act(socket, step)
      else socket.write(step.say)
      next++
    }
    // Also what nobody waits for is read: what is left unread would end a connection by a reset.
    socket.on('data', say)
    if (steps[0]?.isGreeting) say()
  }

type When = 'at once' | 'at the deadline'
const half = ({ say }: Step) => say.subarray(0, say.length >> 1)
/** What has been said is to be there before a reset, which throws away what is on its way. */
const soon = (what: () => unknown) => void setTimeout(what, 30)
/** A reset that comes before the client has seen that it is connected fails the connection, and nothing is waited for. */
const reset = (awaited: string) => new RegExp(`^ECONNRESET(, waiting for ${awaited})?$`)

const HOSTILE: readonly [string, (socket: Socket, step: Step) => void, (awaited: string) => string | RegExp, When][] = [
  ['says nothing', () => {}, (awaited) => `no answer within 0.4 s, waiting for ${awaited}`, 'at the deadline'],
  [
    'says it a byte now and then',
    (socket, { say }) => {
      let at = 0
      again(socket, 150, () => at < say.length - 1 && socket.write(say.subarray(at, ++at)))
    },
    (awaited) => `no answer within 0.4 s, waiting for ${awaited}`,
    'at the deadline',
  ],
  [
    'stalls within it',
    (socket, step) => socket.write(half(step)),
    (awaited) => `no answer within 0.4 s, waiting for ${awaited}`,
    'at the deadline',
  ],
  [
    'never comes to the end of it',
    (socket, { endless }) => {
      socket.write(endless)
      pour(socket, 'x'.repeat(1 << 16))
    },
    (awaited) => `more than 16384 bytes, waiting for ${awaited}`,
    'at once',
  ],
  ['resets the connection', (socket) => socket.resetAndDestroy(), reset, 'at once'],
  [
    'resets the connection within it',
    (socket, step) => socket.write(half(step), () => soon(() => socket.resetAndDestroy())),
    reset,
    'at once',
  ],
  [
    'closes its half of the connection',
    (socket) => socket.end(),
    (awaited) => `the connection was closed, waiting for ${awaited}`,
    'at once',
  ],
  [
    'closes its half of the connection within it',
    (socket, step) => socket.end(half(step)),
    (awaited) => `the connection was closed, waiting for ${awaited}`,
    'at once',
  ],
]

describe.each(CHECKERS)('$name', ({ check, steps, up }) => {
  test.runIf(up !== undefined)('a server that works is good', async () => {
    await expectUp(check(await servers.tcp(hostileAt(steps, -1, () => {}))), up ?? '')
  })

  const cells = HOSTILE.flatMap(([what, act, reason, when]) =>
    steps.map((step, at) => ({ what, act, when, at, awaited: step.awaited, reason: reason(step.awaited) })),
  )
  test.concurrent.each(cells)('a server that $what, step $at, $awaited', async ({ act, when, at, reason }) => {
    await expectDown(check(await servers.tcp(hostileAt(steps, at, act))), reason, when)
  })
})

describe('the handshake of TCP is not answered', () => {
  let deaf: DeafServer
  beforeAll(async () => {
    deaf = await deafServer()
  })
  afterAll(() => deaf.close())

  const url = { path: '/', statusCodes: [[200, 299]] as const, virtualhost: undefined }
  const web = (port: number) => ({ ...schedule(port), urls: [url] })
  const others: readonly { readonly name: string; readonly check: (port: number) => Check }[] = [
    { name: 'TCP_CHECK', check: (port) => ({ ...schedule(port), type: 'TCP_CHECK' }) },
    { name: 'gRPC', check: talk({ protocol: 'grpc', service: '' }) },
    { name: 'HTTP_GET', check: (port) => ({ ...web(port), type: 'HTTP_GET', protocol: '1.1' }) },
    ...(['1.1', '2'] as const).map((protocol) => ({
      name: `SSL_GET by HTTP/${protocol}`,
      check: (port: number): Check => ({
        ...web(port),
        type: 'SSL_GET',
        protocol,
        tls: { verify: true, compliant: true },
      }),
    })),
  ]
  test.concurrent.each([...CHECKERS, ...others])('$name fails at its deadline', async ({ check }) => {
    await expectDown(check(deaf.port), 'no answer within 0.4 s', 'at the deadline')
  })

  test('AGENT_CHECK, of whose server nothing is known, at its deadline', async () => {
    const answer = await probe({ ...schedule(deaf.port), type: 'AGENT_CHECK', send: '', timeout: millis(400) })
    expect(answer).toMatchObject({
      up: undefined,
      reason: 'the agent does not answer: no answer within 0.4 s',
    })
    expect(answer.duration).toBeGreaterThanOrEqual(395)
    expect(answer.duration).toBeLessThan(1400)
  })
})

describe('TCP_CHECK', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['never comes to an end', (socket) => pour(socket, 'x'.repeat(1 << 16))],
    ['closes its half of the connection', (socket) => socket.end()],
    ['resets the connection later', (socket) => soon(() => socket.resetAndDestroy())],
  ])('a server that takes the connection and %s is good, at once', async (_what, serve) => {
    const answer = await probe({ ...schedule(await servers.tcp(serve)), type: 'TCP_CHECK' })
    expect(answer).toMatchObject({ up: true, reason: 'connected' })
    expect(answer.duration).toBeLessThan(5000)
  })

  test('a server that resets the connection as it takes it is found good or reset, as it is seen before or behind that, at once', async () => {
    const port = await servers.tcp((socket) => socket.resetAndDestroy())
    const { up, reason, duration } = await probe({ ...schedule(port), type: 'TCP_CHECK' })
    expect([
      [true, 'connected'],
      [false, 'ECONNRESET'],
    ]).toContainEqual([up, reason])
    expect(duration).toBeLessThan(5000)
  })
})
