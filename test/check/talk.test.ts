import fc from 'fast-check'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import type { Check, TcpTalk } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { expectDown, expectUp, Loopback, schedule } from '../support/checks.ts'
import { mutated } from '../support/mutated.ts'

const servers = new Loopback()
afterEach(() => servers.close())

const tcp = (port: number, talk: TcpTalk): Check => ({ ...schedule(port), type: 'TCP_CHECK', talk })
const hex = (text: string) => Buffer.from(text, 'latin1').toString('hex')
const bytes = (send: string | undefined, expect: string | undefined): TcpTalk => ({
  protocol: 'bytes',
  send: send && hex(send),
  expect: expect && hex(expect),
})

/** Says the first text, if there is one, and the next ones one for each piece that comes. All in hexadecimal. */
const saying =
  (first: string | undefined, ...answers: readonly string[]) =>
  (socket: Socket): void => {
    const left = [...answers]
    if (first !== undefined) socket.write(Buffer.from(first, 'hex'))
    socket.on('data', () => {
      const next = left.shift()
      if (next !== undefined) socket.write(Buffer.from(next, 'hex'))
    })
  }
const silent = (): void => {}

describe('bytes', () => {
  test('are sent, and looked for anywhere', async () => {
    const heard: string[] = []
    const port = await servers.tcp((socket) => {
      socket.on('data', (chunk) => {
        heard.push(String(chunk))
        socket.write('the po')
        setTimeout(() => socket.write('ng!'), 20)
      })
    })
    await expectUp(tcp(port, bytes('ping\r\n', 'pong')), 'the bytes that are expected')
    expect(heard).toEqual(['ping\r\n'])
  })

  test('a greeting is expected without sending, and sending is good without expecting', async () => {
    const port = await servers.tcp(saying(hex('SSH-2.0-x\r\n')))
    await expectUp(tcp(port, bytes(undefined, 'SSH-2.0')), 'the bytes that are expected')
    await expectUp(tcp(port, bytes('x', undefined)), 'connected')
  })

  test.each<[string, (socket: Socket) => void, string | RegExp, 'at once' | 'at the deadline']>([
    ['silence', silent, 'no answer within 0.4 s, waiting for the bytes that are expected', 'at the deadline'],
    ['one byte at a time', drip, 'no answer within 0.4 s, waiting for the bytes that are expected', 'at the deadline'],
    ['other bytes, and no end', pour, 'more than 16384 bytes, waiting for the bytes that are expected', 'at once'],
    [
      'an end',
      (socket) => socket.end('po'),
      'the connection was closed, waiting for the bytes that are expected',
      'at once',
    ],
    ['a reset', (socket) => socket.resetAndDestroy(), /^ECONNRESET/, 'at once'],
  ])('%s: bad', async (_name, serve, wanted, when) => {
    await expectDown(tcp(await servers.tcp(serve), bytes(undefined, 'pong')), wanted, when)
  })

  test('nobody listens: bad at once', async () => {
    await expectDown(tcp(await servers.freePort(), bytes('x', 'y')), 'ECONNREFUSED', 'at once')
  })
})

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('x'), 50)
  socket.on('close', () => clearInterval(timer))
}

function pour(socket: Socket): void {
  const more = () => {
    while (socket.write('x'.repeat(1000)));
  }
  socket.on('drain', more)
  more()
}

/** Byte for byte the example of "Protocol::HandshakeV10" in MySQL's manual. */
const MYSQL_GREETING =
  '360000000a352e352e322d6d32000b00000064764840492d434a00fff7080200000000000000000000000000002a34647c635a776b345e5d3a00'
const packet = (sequence: number, body: string) => {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length / 2, 0, 3)
  head.writeUInt8(sequence, 3)
  return head.toString('hex') + body
}
const mysqlError = (sequence: number, code: number, text: string) => {
  const number = Buffer.alloc(2)
  number.writeUInt16LE(code)
  return packet(sequence, `ff${number.toString('hex')}${hex(text)}`)
}
/** connection.start 0-9, no properties, the mechanism PLAIN, the locale en_US. */
const START = '000a000a00090000000000000005504c41494e00000005656e5f5553'
const frame = (type: number, payload: string, end = 'ce') => {
  const head = Buffer.alloc(7)
  head.writeUInt8(type)
  head.writeUInt32BE(payload.length / 2, 3)
  return head.toString('hex') + payload + end
}
const message = (type: string, body: string) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + body.length / 2)
  return hex(type) + length.toString('hex') + body
}
const pgError = (code: string, text: string) => message('E', hex(`SFATAL\0C${code}\0M${text}\0\0`))
const byte = (value: number) => Buffer.of(value).toString('hex')
/** AuthenticationOk, a ParameterStatus, BackendKeyData, ReadyForQuery. */
const LOGGED_IN =
  message('R', '00000000') + message('S', hex('a\0b\0')) + message('K', '0000000100000002') + message('Z', '49')
const bind = (code: number, text = '') =>
  `30${byte(12 + text.length)}02010161${byte(7 + text.length)}0a01${byte(code)}0400` +
  `04${byte(text.length)}${hex(text)}`

const redis: TcpTalk = { protocol: 'redis' }
const mysql: TcpTalk = { protocol: 'mysql', user: 'tanist' }
const postgresql: TcpTalk = { protocol: 'postgresql', user: 'tanist' }
const amqp: TcpTalk = { protocol: 'amqp' }
const ldap: TcpTalk = { protocol: 'ldap' }

describe('a server that works', () => {
  test.each<[string, TcpTalk, (socket: Socket) => void, string]>([
    ['Redis', redis, saying(undefined, hex('+PONG\r\n')), '+PONG'],
    [
      'Redis with a password',
      redis,
      saying(undefined, hex('-NOAUTH Authentication required.\r\n')),
      '-NOAUTH Authentication required.',
    ],
    ['MySQL that lets everybody in', mysql, saying(MYSQL_GREETING, packet(2, '00000002000000')), 'MySQL 5.5.2-m2'],
    [
      'MySQL with a password',
      mysql,
      saying(MYSQL_GREETING, mysqlError(2, 1045, '#28000Access denied')),
      'MySQL 5.5.2-m2, error 1045: Access denied',
    ],
    [
      'MySQL with another way to log in',
      mysql,
      saying(
        MYSQL_GREETING,
        packet(2, `fe${hex('caching_sha2_password\0salt')}`),
        packet(4, '0104'),
        mysqlError(6, 1045, '#28000no'),
      ),
      'MySQL 5.5.2-m2, error 1045: no',
    ],
    ['PostgreSQL that lets everybody in', postgresql, saying(undefined, LOGGED_IN), 'logged in'],
    [
      'PostgreSQL with a password',
      postgresql,
      saying(undefined, message('R', `0000000a${hex('SCRAM-SHA-256\0\0')}`)),
      'asks for a password',
    ],
    ['PostgreSQL without such a user', postgresql, saying(undefined, pgError('28000', 'no role')), '28000 no role'],
    ['AMQP', amqp, saying(undefined, frame(1, START)), 'connection.start of AMQP 0-9'],
    ['LDAP', ldap, saying(undefined, bind(0)), 'success'],
    [
      'LDAP that wants a name',
      ldap,
      saying(undefined, bind(48, 'anonymous bind disallowed')),
      'inappropriateAuthentication, anonymous bind disallowed',
    ],
  ])('%s', async (_name, talk, serve, wanted) => {
    await expectUp(tcp(await servers.tcp(serve), talk), wanted)
  })

  test.each<[string, TcpTalk, (socket: Socket) => void, string]>([
    ['MySQL', mysql, saying(MYSQL_GREETING, packet(2, '00000002000000')), 'MySQL 5.5.2-m2'],
    ['AMQP', amqp, saying(undefined, frame(1, START)), 'connection.start of AMQP 0-9'],
  ])('%s in single bytes', async (_name, talk, serve, wanted) => {
    const port = await servers.tcp((socket) => {
      socket.setNoDelay()
      const write = socket.write.bind(socket)
      let at = 0
      socket.write = (chunk: Uint8Array | string) => {
        for (const byte of Buffer.from(chunk)) setTimeout(() => write(Uint8Array.of(byte)), at++)
        return true
      }
      serve(socket)
    })
    await expectUp(tcp(port, talk), wanted)
  })
})

describe('a server that does not', () => {
  test.each<[string, TcpTalk, (socket: Socket) => void, string]>([
    ['Redis that loads', redis, saying(undefined, hex('-LOADING data\r\n')), 'the answer to PING is -LOADING data'],
    ['Redis, protected', redis, saying(hex('-DENIED protected\r\n')), 'the answer to PING is -DENIED protected'],
    ['Redis: another protocol', redis, saying(hex('220 mail\r\n')), 'the answer to PING is 220 mail'],
    ['MySQL, locked out', mysql, saying(mysqlError(0, 1129, 'blocked')), 'the server says error 1129: blocked'],
    ['MySQL, full', mysql, saying(mysqlError(0, 1040, '#08004Too many')), 'the server says error 1040: Too many'],
    [
      'MySQL, full at the login',
      mysql,
      saying(MYSQL_GREETING, mysqlError(2, 1040, '#08004Too many')),
      'the server says error 1040: Too many',
    ],
    ['MySQL: half an error', mysql, saying(packet(0, 'ff10')), 'the server says an error without a number'],
    ['MySQL: another version', mysql, saying(packet(0, '0935')), 'the greeting is not that of MySQL'],
    ['MySQL: nothing', mysql, saying(packet(0, '')), 'the greeting is not that of MySQL'],
    ['MySQL: a version without end', mysql, saying(packet(0, '0a3535')), 'the greeting is not that of MySQL'],
    [
      'MySQL: an answer of another kind',
      mysql,
      saying(MYSQL_GREETING, packet(2, '42')),
      'the answer to the login is not that of MySQL',
    ],
    [
      'MySQL: questions without end',
      mysql,
      saying(MYSQL_GREETING, ...Array.from({ length: 9 }, () => packet(2, 'fe'))),
      'no end of the login after 4 turns',
    ],
    [
      'MySQL: a packet of 16 MB',
      mysql,
      (socket) => {
        socket.write(Buffer.from('ffffff000a', 'hex'))
        pour(socket)
      },
      'more than 16384 bytes, waiting for the greeting',
    ],
    [
      'PostgreSQL that starts',
      postgresql,
      saying(undefined, pgError('57P03', 'starting up')),
      'the server says 57P03 starting up',
    ],
    ['PostgreSQL, full', postgresql, saying(undefined, pgError('53300', 'too many')), 'the server says 53300 too many'],
    ['PostgreSQL: an error without fields', postgresql, saying(undefined, message('E', '')), 'the server says  '],
    [
      'PostgreSQL: a message that says it is none',
      postgresql,
      saying(hex('R\0\0\0\0')),
      'a message is shorter than its length',
    ],
    [
      'PostgreSQL: another message',
      postgresql,
      saying(undefined, message('T', '')),
      'the answer to the start-up message is not that of PostgreSQL',
    ],
    [
      'PostgreSQL, full behind the login',
      postgresql,
      saying(undefined, message('R', '00000000') + pgError('53300', 'reserved')),
      'the server says 53300 reserved',
    ],
    [
      'PostgreSQL: notices without end',
      postgresql,
      saying(undefined, message('N', '').repeat(300)),
      'no end of the start-up after 256 messages',
    ],
    [
      'AMQP of another version',
      amqp,
      saying(undefined, `${hex('AMQP')}00010000`),
      'the server speaks AMQP 1-0-0, not 0-9-1',
    ],
    ['AMQP: another method', amqp, saying(undefined, frame(1, '000a000b0009')), 'the answer is not connection.start'],
    ['AMQP: another frame', amqp, saying(undefined, frame(8, '')), 'the answer is not connection.start'],
    [
      'AMQP: a frame without its end',
      amqp,
      saying(undefined, frame(1, START, '00')),
      'the answer is not a frame of AMQP',
    ],
    ['LDAP, busy', ldap, saying(undefined, bind(51, 'busy')), 'the answer to the bind is 51, busy'],
    [
      'LDAP: another protocol',
      ldap,
      saying(hex(`SSH-2.0-x${'x'.repeat(100)}`)),
      'the answer to the bind is not that of LDAP',
    ],
    ['LDAP: a length without end', ldap, saying('3080'), 'the answer to the bind is not that of LDAP'],
    [
      'LDAP: another answer',
      ldap,
      saying('300c02010165070a010004000400'),
      'the answer to the bind is not that of LDAP',
    ],
  ])('%s: bad at once', async (_name, talk, serve, wanted) => {
    await expectDown(tcp(await servers.tcp(serve), talk), wanted, 'at once')
  })

  test('PostgreSQL: text whose first bytes are a length of a gigabyte, of which nothing more comes: bad at the deadline', async () => {
    const port = await servers.tcp(saying(hex('SSH-2.0-OpenSSH\r\n')))
    const wanted = 'no answer within 0.4 s, waiting for the answer to the start-up message'
    await expectDown(tcp(port, postgresql), wanted, 'at the deadline')
  })
})

test.each([redis, mysql, postgresql, amqp, ldap])('$protocol: silence, an end and a reset', async (talk) => {
  await expectDown(tcp(await servers.tcp(silent), talk), /^no answer within 0\.4 s, waiting for ./, 'at the deadline')
  await expectDown(
    tcp(await servers.tcp((socket) => socket.end()), talk),
    /^(the connection was closed|ECONNRESET|EPIPE), waiting for ./,
    'at once',
  )
  await expectDown(tcp(await servers.tcp((socket) => socket.resetAndDestroy()), talk), /^(ECONNRESET|EPIPE)/, 'at once')
})

test('whatever servers say, the answer comes in time and its reason is short and harmless', async () => {
  let said: readonly Uint8Array[] = []
  const port = await servers.tcp((socket) => {
    for (const chunk of said) socket.write(chunk)
    socket.end()
  })
  const known = [
    hex('+PONG\r\n'),
    hex('-NOAUTH Authentication required.\r\n'),
    MYSQL_GREETING,
    mysqlError(0, 1, 'x'),
    mysqlError(2, 1045, '#28000Access denied'),
    packet(2, `fe${hex('caching_sha2_password\0salt')}`),
    packet(2, '00'),
    frame(1, START),
    `${hex('AMQP')}00000901`,
    pgError('28000', 'x'),
    message('R', `0000000a${hex('SCRAM-SHA-256\0\0')}`),
    LOGGED_IN,
    bind(0, 'x'),
    bind(49, 'who?'),
    hex('pong'),
  ].map((text) => Buffer.from(text, 'hex'))
  const chunks = fc.array(fc.oneof(mutated(...known), fc.uint8Array({ maxLength: 40 })), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(redis, mysql, postgresql, amqp, ldap, bytes('ping', 'pong')),
      chunks,
      async (talk, all) => {
        said = all
        const answer = await probe({ ...tcp(port, talk), timeout: millis(5000) })
        expect(answer.duration).toBeLessThan(6000)
        expect(answer.reason).toMatch(/^[ -~…]{0,200}$/)
        expect(answer.up).toBeTypeOf('boolean')
      },
    ),
    { numRuns: 1000 },
  )
})
