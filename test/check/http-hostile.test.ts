import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { LONGEST_REASON } from '../../src/check/health.ts'
import { probe } from '../../src/check/probes/probe.ts'
import { readFromCheck } from '../../src/daemon/director/from-check.ts'
import type { BodyTest } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { again, pour } from '../support/checks.ts'
import { mutated } from '../support/mutated.ts'
import { found, httpGet, portOf, SHORT_MS, sslGet, verdict } from './web-checks.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** A server that does this with each connection, and for every request on it. */
async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return portOf(server)
}
const answering = (answer: (socket: Socket, request: string) => void) =>
  serve((socket) => socket.once('data', (data) => answer(socket, data.toString('latin1'))))

const OK = 'HTTP/1.1 200 OK\r\n'
const any: BodyTest = { digest: '0'.repeat(32) }
const NO_HTTP = 'the answer is no HTTP: Expected HTTP/, RTSP/ or ICE/'
const SLOW = `no answer within ${SHORT_MS / 1000} s`

describe('HTTP_GET of a hostile server', () => {
  test.each<[string, (socket: Socket) => void, boolean, string]>([
    ['accepts and never answers', () => {}, false, SLOW],
    [
      'drips a header, a byte now and then',
      (socket) => {
        const bytes = `${OK}X-Long: ${'y'.repeat(1000)}`
        let at = 0
        again(socket, 10, () => socket.write(bytes[at++] ?? 'y'))
      },
      false,
      SLOW,
    ],
    [
      'drips a body, a byte now and then',
      (socket) => {
        socket.write(`${OK}\r\n`)
        again(socket, 10, () => socket.write('x'))
      },
      false,
      SLOW,
    ],
    ['begins a body and stalls', (socket) => socket.write(`${OK}Content-Length: 100\r\n\r\nbegun`), false, SLOW],
    [
      'has a header without end',
      (socket) => {
        socket.write(OK)
        pour(socket, Buffer.from('X-More: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(100)))
      },
      false,
      'UND_ERR_HEADERS_OVERFLOW: the header is longer than 16384 bytes',
    ],
    [
      'has a body without end',
      (socket) => {
        socket.write(`${OK}\r\n`)
        pour(socket, Buffer.alloc(1 << 18))
      },
      false,
      'body of / is longer than 16777216 bytes',
    ],
    [
      'has chunks without end, of one byte each',
      (socket) => {
        socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`)
        pour(socket, Buffer.from('1\r\nx\r\n'.repeat(1000)))
      },
      false,
      SLOW,
    ],
    ['resets the connection at once', (socket) => socket.resetAndDestroy(), false, 'ECONNRESET'],
    [
      'ends the connection at once',
      (socket) => socket.end(),
      false,
      'UND_ERR_SOCKET: the server closed the connection before its answer was whole',
    ],
    ['answers with another protocol', (socket) => socket.write('220 mail.example ESMTP\r\n'), false, NO_HTTP],
    ['answers with bytes of no protocol', (socket) => socket.write(Buffer.from([0, 255, 1, 254])), false, NO_HTTP],
  ])('one that %s', async (_what, onConnection, isUp, reason) => {
    const port = await serve(onConnection)
    const check = httpGet(port, { body: any })
    const isSlow = reason === SLOW
    expect(await found(isSlow ? { ...check, timeout: millis(SHORT_MS) } : check)).toEqual(verdict(isUp, reason))
  })

  const PROVISIONAL = 'the server answers with a provisional status (100 or 101) that nobody asked for'
  const CLOSED = 'UND_ERR_SOCKET: the server closed the connection before its answer was whole'
  test.each<[string, (socket: Socket) => void, string]>([
    ['resets after the request', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['resets within the header', (socket) => socket.write(OK, () => socket.resetAndDestroy()), 'ECONNRESET'],
    [
      'resets within the body',
      (socket) =>
        socket.write(`${OK}Content-Length: 100\r\n\r\nbegun`, () => setTimeout(() => socket.resetAndDestroy(), 20)),
      'ECONNRESET',
    ],
    ['ends after the request', (socket) => socket.end(), CLOSED],
    ['ends within the header', (socket) => socket.end(OK), CLOSED],
    ['has a status that goes before another', (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), PROVISIONAL],
    [
      'has another protocol to go on with',
      (socket) => socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      PROVISIONAL,
    ],
    [
      'goes on in it without a word',
      (socket) => socket.write('HTTP/1.1 101 Switching\r\n\r\n'),
      'the answer breaks the rules of HTTP',
    ],
    [
      'has trailers without end',
      (socket) => {
        socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`)
        pour(socket, 'X-More: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(100))
      },
      'UND_ERR_HEADERS_OVERFLOW: the header is longer than 16384 bytes',
    ],
    [
      'ends a body of no length early',
      (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhel'),
      'digest of / is 46356afe55fa3cea9cbe73ad442cad47',
    ],
    ['ends within the body', (socket) => socket.end(`${OK}Content-Length: 100\r\n\r\nbegun`), CLOSED],
    [
      'has a chunk of no length',
      (socket) => socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\nwhat?\r\n`),
      'the answer is no HTTP: Invalid character in chunk size',
    ],
    ['ends within a chunk', (socket) => socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\nff\r\nshort`), CLOSED],
    [
      'has two lengths',
      (socket) => socket.end(`${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`),
      'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ],
  ])('one that %s', async (_what, answer, reason) => {
    const port = await answering(answer)
    expect(await found(httpGet(port, { body: any }))).toEqual(verdict(false, reason))
  })

  test('one that closes its half of the connection, with a whole answer, is good', async () => {
    const port = await serve((socket) => {
      socket.once('data', () => socket.end(`${OK}Content-Length: 5\r\n\r\nhello`))
    })
    expect(await found(httpGet(port, { body: { contains: ['hello'] } }))).toEqual(verdict(true, 'status 200'))
  })

  test('nothing is unpacked: a bomb is as long as it came', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    const port = await answering((socket) => {
      socket.write(`${OK}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`)
      socket.end(bomb)
    })
    const before = process.memoryUsage().rss
    const digest = createHash('md5').update(bomb).digest('hex')
    expect(await found(httpGet(port, { body: any }))).toEqual(verdict(false, `digest of / is ${digest}`))
    expect(await found(httpGet(port, { body: { digest } }))).toEqual(verdict(true, `status 200, digest ${digest}`))
    expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20)
  })

  test.each<[string, string, string]>([
    ['has a status line without end', 'HTTP/1.1 200 ', 'x'.repeat(1 << 16)],
    ['has provisional answers without end', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000)],
    ['says about a chunk without end', `${OK}Transfer-Encoding: chunked\r\n\r\n1;`, 'x'.repeat(1 << 16)],
    [
      'has chunks of nothing but words about them',
      `${OK}Transfer-Encoding: chunked\r\n\r\n`,
      '1;x=y\r\nz\r\n'.repeat(1000),
    ],
  ])('one that %s ends with the deadline, and takes no memory', async (_what, begin, more) => {
    const port = await answering((socket) => {
      socket.write(begin)
      pour(socket, more)
    })
    const before = process.memoryUsage().rss
    const check = { ...httpGet(port, { body: any }), timeout: millis(1500) }
    expect(await found(check)).toEqual(verdict(false, 'no answer within 1.5 s'))
    expect(process.memoryUsage().rss - before).toBeLessThan(192 << 20)
  })

  const REDIRECT = 'HTTP/1.1 302 Found\r\nLocation: /next\r\n'
  test.each<[string, (socket: Socket) => void, string]>([
    [
      'goes on without end',
      (socket) => {
        socket.write(`${REDIRECT}\r\n`)
        pour(socket, Buffer.alloc(1 << 16))
      },
      'status 302 for /next',
    ],
    [
      'comes a byte now and then',
      (socket) => {
        socket.write(`${REDIRECT}\r\n`)
        again(socket, 20, () => socket.write('x'))
      },
      SLOW,
    ],
    ['is cut off', (socket) => socket.end(`${REDIRECT}Content-Length: 9\r\n\r\nshort`), 'status 302 for /next'],
    [
      'leads to what is no URL',
      (socket) => socket.write('HTTP/1.1 302 Found\r\nLocation: http://[::x/\r\n\r\n'),
      'redirect to what is no URL: http://[::x/',
    ],
    [
      'leads to two places',
      (socket) => socket.write(`${REDIRECT}Location: /other\r\nContent-Length: 0\r\n\r\n`),
      'status 302 for /',
    ],
  ])('a redirect that %s', async (_what, answer, reason) => {
    const check = httpGet(await answering(answer), { redirects: 1 })
    expect(await found(reason === SLOW ? { ...check, timeout: millis(SHORT_MS) } : check)).toEqual(
      verdict(false, reason),
    )
  })

  test('a body of which nothing is asked is not waited for', async () => {
    const port = await answering((socket) => {
      socket.write(`${OK}\r\n`)
      pour(socket, Buffer.alloc(1 << 16))
    })
    expect(await found(httpGet(port))).toEqual(verdict(true, 'status 200'))
  })

  test('JSON is looked at up to a MiB, whatever body_limit says: its values take far more of the heap than it', async () => {
    const port = await answering((socket) => socket.end(`${OK}\r\n[${'{},'.repeat(1_000_000)}0]`))
    const json = [{ path: ['status'], value: 'ok' }]
    expect(await found(httpGet(port, { body: { json }, bodyLimit: 1 << 28 }))).toEqual(
      verdict(false, 'body of / is longer than 1048576 bytes'),
    )
  })

  test('a reason has a bound, also where a redirect or many URLs make it long: the director takes it', async () => {
    const port = await serve((socket) => {
      socket.once('data', (request) => {
        const isFirst = request.toString('latin1').startsWith('GET / ')
        const status = isFirst ? `302 Found\r\nLocation: /${'x'.repeat(5000)}` : '404 Not Found'
        socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
      })
    })
    const check = httpGet(port, { redirects: 1 })
    const many = {
      ...check,
      urls: Array.from({ length: 500 }, () => ({
        path: '/',
        statusCodes: [[302, 302]] as const,
        virtualhost: undefined,
      })),
    }
    for (const asked of [check, many]) {
      const answer = await probe(asked)
      const said = { type: 'verdicts', verdicts: [{ id: 'a', at: 0, ...answer }] }
      expect(answer.up).toBe(asked === many)
      expect(answer.reason).toHaveLength(LONGEST_REASON)
      expect(readFromCheck(said)).toEqual(said)
    }
  })

  test('each URL has the whole time-out', async () => {
    const port = await answering((socket) => setTimeout(() => socket.end(`${OK}\r\n`), 250))
    const [url] = httpGet(port).urls
    const check = { ...httpGet(port), timeout: millis(SHORT_MS), urls: url === undefined ? [] : [url, url, url] }
    const { up, duration } = await probe(check)
    expect([up, duration > 740]).toEqual([true, true])
  })
})

describe('SSL_GET of a hostile server', () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ['never answers the handshake', () => {}, SLOW],
    [
      'stalls in the handshake',
      // The header of a record that says that more follows.
      (socket) => socket.write(Buffer.from([0x16, 3, 3, 0, 90, 2, 0, 0])),
      SLOW,
    ],
    ['resets within the handshake', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['ends within the handshake', (socket) => socket.end(), 'ECONNRESET'],
    ['speaks plain HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    [
      'refuses by an alert',
      (socket) => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40])),
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    ],
  ])('one that %s', async (_what, answer, reason) => {
    const port = await answering(answer)
    expect(await found({ ...sslGet(port), timeout: millis(reason === SLOW ? SHORT_MS : 20_000) })).toEqual(
      verdict(false, reason),
    )
  })
})

test('any answer, and any change of a good one, comes to a verdict', async () => {
  const good = `${OK}Server: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`
  const others = [
    `${OK}Content-Length: 5\r\n\r\nhello`,
    'HTTP/1.1 302 Found\r\nLocation: //www.example:81/a?b\r\nContent-Length: 0\r\n\r\n',
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 200 OK\r\n\r\nhello`,
  ]
  let answer: Buffer = Buffer.alloc(0)
  const port = await answering((socket) => socket.end(answer))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        mutated(good, ...others),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
      async (next) => {
        answer = next
        const { up, took } = await found(httpGet(port, { redirects: 1, body: { contains: ['hello'] } }))
        expect([typeof up, took]).toEqual(['boolean', 'as long as it should'])
      },
    ),
    { numRuns: 300 },
  )
})
