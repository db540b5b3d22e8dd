/** Checkers that speak TLS, and what a hostile server may do in its handshake and behind it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, createServer as createTlsServer, type TlsOptions, TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Check } from '../../../src/model/check.ts'
import { millis } from '../../../src/time.ts'
import { again, expectDown, expectUp, Loopback, pour, schedule } from '../../support/checks.ts'
import { found, portOf, SHORT_MS, sslGet, verdict } from '../web-checks.ts'

const folder = mkdtempSync(join(tmpdir(), 'tanist-hostile-'))
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30']
execFileSync('openssl', ['req', '-x509', ...kind, '-subj', '/CN=hostile', '-keyout', keyFile, '-out', certFile], {
  stdio: 'pipe',
})
const certified = { key: readFileSync(keyFile), cert: readFileSync(certFile) }
afterAll(() => rmSync(folder, { recursive: true }))

const closers: (() => void)[] = []
const loopback = new Loopback()
afterEach(() => {
  loopback.close()
  for (const close of closers.splice(0)) close()
})

/** `server` on a port; all its connections end with the test. */
async function listen(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => {
    closers.push(() => socket.destroy())
    socket.on('error', () => {})
  })
  closers.push(() => server.close())
  return await portOf(server)
}

/** Does this when the handshake is over, with the connection in TLS and the one below. */
async function behindHandshake(
  serve: (secure: TLSSocket, plain: Socket) => void,
  options: TlsOptions = {},
): Promise<number> {
  return await listen(
    createServer((plain) => {
      const secure = new TLSSocket(plain, { isServer: true, ...certified, ...options })
      secure.on('error', () => {})
      // Until it has read something it does not begin.
      secure.once('secure', () => serve(secure, plain))
      secure.resume()
    }),
  )
}

const OK = 'HTTP/1.1 200 OK\r\n'
const SLOW = `no answer within ${SHORT_MS / 1000} s`
const CLOSED = 'UND_ERR_SOCKET: the server closed the connection before its answer was whole'
const any = { body: { digest: '0'.repeat(32) } }
const soon = (what: () => unknown) => void setTimeout(what, 30)
const inTime = (reason: string) => ({ timeout: millis(reason === SLOW ? SHORT_MS : 20_000) })

describe.each([false, true])('SSL_GET, tls_compliant %s, of a server that after the handshake', (compliant) => {
  type Cell = [string, (secure: TLSSocket, plain: Socket) => void, string]
  /** What is done with the request. */
  const asked = (what: (secure: TLSSocket, plain: Socket) => void) => (secure: TLSSocket, plain: Socket) =>
    void secure.once('data', () => what(secure, plain))
  test.each<Cell>([
    ['says nothing', () => {}, SLOW],
    ['resets', (_secure, plain) => plain.resetAndDestroy(), 'ECONNRESET'],
    ['ends', (secure) => secure.end(), CLOSED],
    ['resets after the request', asked((_secure, plain) => plain.resetAndDestroy()), 'ECONNRESET'],
    ['ends after the request', asked((secure) => secure.end()), CLOSED],
    [
      'drips its header',
      asked((secure) => {
        let at = 0
        again(secure, 30, () => secure.write(`${OK}X-Long: ${'y'.repeat(1000)}`[at++] ?? 'y'))
      }),
      SLOW,
    ],
    [
      'drips its body',
      asked((secure) => {
        secure.write(`${OK}\r\n`)
        again(secure, 30, () => secure.write('x'))
      }),
      SLOW,
    ],
    ['stalls in its header', asked((secure) => secure.write(OK)), SLOW],
    [
      'resets in its header',
      asked((secure, plain) => secure.write(OK, () => soon(() => plain.resetAndDestroy()))),
      'ECONNRESET',
    ],
    ['ends in its header', asked((secure) => secure.end(OK)), CLOSED],
    [
      'resets in its body',
      asked((secure, plain) =>
        secure.write(`${OK}Content-Length: 100\r\n\r\nbegun`, () => soon(() => plain.resetAndDestroy())),
      ),
      'ECONNRESET',
    ],
    ['ends in its body', asked((secure) => secure.end(`${OK}Content-Length: 100\r\n\r\nbegun`)), CLOSED],
    [
      'has a header without end',
      asked((secure) => {
        secure.write(OK)
        pour(secure, 'X-More: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(100))
      }),
      'UND_ERR_HEADERS_OVERFLOW: the header is longer than 16384 bytes',
    ],
    [
      'has a body without end',
      asked((secure) => {
        secure.write(`${OK}\r\n`)
        pour(secure, Buffer.alloc(1 << 16))
      }),
      'body of / is longer than 16777216 bytes',
    ],
  ])('%s', async (_what, serve, reason) => {
    const check = { ...sslGet(await behindHandshake(serve), any), tls: { verify: false, compliant } }
    expect(await found({ ...check, ...inTime(reason) })).toEqual(verdict(false, reason))
  })

  test('stops to read is good, at once', async () => {
    const port = await behindHandshake(
      asked((secure) => {
        secure.end(`${OK}\r\nhello`)
        secure.pause()
      }),
    )
    const check = { ...sslGet(port, { body: { contains: ['hello'] } }), tls: { verify: false, compliant } }
    expect(await found(check)).toEqual(verdict(true, 'status 200'))
  })
})

describe('SSL_GET of a server that in the handshake', () => {
  /** Type 22, TLS 1.2, of the greatest length; its content is zeros. */
  const record = Buffer.concat([Buffer.from([0x16, 3, 3, 0x40, 0]), Buffer.alloc(1 << 14)])
  /** A ServerHello that says that it has 16 MB. */
  const huge = Buffer.concat([record.subarray(0, 5), Buffer.from([2, 0xff, 0xff, 0xff]), record.subarray(9)])
  const many = (...bytes: number[]) => Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from(bytes)))
  test.each<[string, (plain: Socket) => void, string]>([
    [
      'says a byte now and then',
      (plain) => {
        plain.write(Buffer.from([0x16, 3, 3, 0x3f, 0, 2, 0, 0x3e, 0]))
        again(plain, 30, () => plain.write('\0'))
      },
      SLOW,
    ],
    ['begins messages of nothing without end', (plain) => pour(plain, record), SLOW],
    [
      'begins a message of 16 MB',
      (plain) => {
        plain.write(huge)
        pour(plain, record)
      },
      'ERR_SSL_EXCESSIVE_MESSAGE_SIZE',
    ],
    ['sends empty records without end', (plain) => pour(plain, many(0x16, 3, 3, 0, 0)), 'ERR_SSL_RECORD_TOO_SMALL'],
    ['warns without end', (plain) => pour(plain, many(0x15, 3, 3, 0, 2, 1, 90)), 'ERR_SSL_TOO_MANY_WARN_ALERTS'],
    ['says goodbye', (plain) => plain.write(Buffer.from([0x15, 3, 3, 0, 2, 1, 0])), 'ECONNRESET'],
  ])('%s', async (_what, act, reason) => {
    const port = await listen(createServer((plain) => plain.once('data', () => act(plain))))
    expect(await found({ ...sslGet(port), ...inTime(reason) })).toEqual(verdict(false, reason))
  })

  const old = (version: 'TLSv1' | 'TLSv1.1') => ({
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  test.each(['TLSv1', 'TLSv1.1'] as const)('has nothing better than %s', async (version) => {
    const port = await listen(createTlsServer({ ...certified, ...old(version) }))
    expect(await found(sslGet(port))).toEqual(verdict(false, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'))
  })

  test.each(['TLSv1', 'TLSv1.1'] as const)('of STARTTLS has nothing better than %s', async (version) => {
    const port = await startTls((secure) => secure.resume(), old(version))
    await expectDown(smtp(port), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION, waiting for TLS', 'at once')
  })
})

describe('SSL_GET by HTTP/2 of a server that', () => {
  /** node:http2 ends a stream before it resets it; what resets it in its midst is below that. */
  interface Handle {
    readonly rstStream: (code: number) => void
  }
  const reset = (stream: ServerHttp2Stream, code: number): void => {
    const symbol = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle')
    if (symbol === undefined) throw new Error('node:http2 has another handle by now')
    ;(Reflect.get(stream, symbol) as Handle).rstStream(code)
  }
  const begun = (more: (stream: ServerHttp2Stream) => void) => (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 })
    stream.write('hello', () => soon(() => more(stream)))
  }
  test.each<[string, (stream: ServerHttp2Stream) => void, string | RegExp]>([
    ['says nothing', () => {}, SLOW],
    ['drips its body', begun((stream) => again(stream, 30, () => stream.write('x'))), SLOW],
    ['stalls in its body', begun(() => {}), SLOW],
    [
      'has a body without end',
      begun((stream) => pour(stream, Buffer.alloc(1 << 16))),
      'body of / is longer than 16777216 bytes',
    ],
    [
      'has provisional answers without end',
      (stream) => again(stream, 5, () => stream.additionalHeaders({ ':status': 103 })),
      SLOW,
    ],
    ['fails before its answer', (stream) => reset(stream, 2), 'ERR_HTTP2_STREAM_ERROR'],
    ['refuses the stream', (stream) => reset(stream, 7), 'ERR_HTTP2_STREAM_ERROR'],
    [
      'cancels the stream before its answer',
      (stream) => reset(stream, 8),
      'UND_ERR_INFO: the server ended the stream before its answer was whole',
    ],
    ['fails in its body', begun((stream) => reset(stream, 2)), 'ERR_HTTP2_STREAM_ERROR'],
    [
      'cancels the stream in its body',
      begun((stream) => reset(stream, 8)),
      'the server reset the stream within the body of /',
    ],
    ['goes away', (stream) => stream.session?.goaway(1), 'ERR_HTTP2_SESSION_ERROR'],
    ['ends the session before its answer', (stream) => stream.session?.destroy(), CLOSED],
    ['ends the session in its body', begun((stream) => stream.session?.destroy()), CLOSED],
    [
      'has less of a body than it says',
      (stream) => {
        stream.respond({ ':status': 200, 'content-length': 100 })
        stream.end('hello')
      },
      'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ],
  ])('%s', async (_what, serve, reason) => {
    const server = createSecureServer(certified)
    server.on('sessionError', () => {})
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      serve(stream)
    })
    // What it has to contain is there from the beginning: only how it ends makes it bad.
    const check = sslGet(await listen(server), { body: { contains: ['hello'] } })
    expect(await found({ ...check, protocol: '2', timeout: millis(reason === SLOW ? SHORT_MS : 20_000) })).toEqual(
      verdict(false, reason as string),
    )
  })

  test('has all of it is good', async () => {
    const server = createSecureServer(certified)
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 })
      stream.end('hello')
    })
    const check = sslGet(await listen(server), { body: { contains: ['hello'] } })
    expect(await found({ ...check, protocol: '2' })).toEqual(verdict(true, 'status 200'))
  })
})

const smtp = (port: number): Check => ({ ...schedule(port), type: 'SMTP_CHECK', heloName: 'lb', startTls: true })
const CLEAR = ['220 mail.lab\r\n', '250-mail.lab\r\n250 STARTTLS\r\n'] as const

/** Does this in TLS with the first line that comes there. */
async function startTls(serve: (secure: TLSSocket, plain: Socket) => void, options: TlsOptions = {}): Promise<number> {
  return await loopback.tcp((plain) => {
    plain.write(CLEAR[0])
    plain.once('data', () => {
      plain.write(CLEAR[1])
      plain.once('data', () => {
        plain.write('220 go ahead\r\n')
        plain.removeAllListeners('data')
        const secure = new TLSSocket(plain, {
          isServer: true,
          secureContext: createSecureContext({ ...certified, ...options }),
        })
        secure.on('error', () => {})
        serve(secure, plain)
      })
    })
  })
}

describe('SMTP_CHECK with STARTTLS of a server that', () => {
  type When = 'at once' | 'at the deadline'
  test.each<[string, (plain: Socket) => void, string | RegExp, When]>([
    ['says nothing', () => {}, 'no answer within 0.4 s, waiting for TLS', 'at the deadline'],
    [
      'says a byte now and then',
      (plain) => {
        plain.write(Buffer.from([0x16, 3, 3, 0x3f, 0, 2, 0, 0x3e, 0]))
        again(plain, 30, () => plain.write('\0'))
      },
      'no answer within 0.4 s, waiting for TLS',
      'at the deadline',
    ],
    ['pours clear text', (plain) => pour(plain, 'x'.repeat(1 << 16)), /^ERR_SSL_\w+, waiting for TLS$/, 'at once'],
    ['resets', (plain) => plain.resetAndDestroy(), 'ECONNRESET, waiting for TLS', 'at once'],
    ['ends', (plain) => plain.end(), 'ECONNRESET, waiting for TLS', 'at once'],
    [
      'says goodbye',
      (plain) => plain.write(Buffer.from([0x15, 3, 3, 0, 2, 1, 0])),
      'ECONNRESET, waiting for TLS',
      'at once',
    ],
  ])('in the handshake %s', async (_what, act, reason, when) => {
    const port = await loopback.tcp((plain) => {
      const answers = [...CLEAR.slice(1), '220 go ahead\r\n']
      plain.write(CLEAR[0])
      // EHLO, STARTTLS, ClientHello.
      plain.on('data', () => {
        const answer = answers.shift()
        if (answer !== undefined) plain.write(answer)
        else act(plain)
      })
    })
    await expectDown(smtp(port), reason, when)
  })

  /** `at`: the line in TLS, EHLO or QUIT. */
  const answering =
    (at: 0 | 1, act: (secure: TLSSocket, plain: Socket) => void) => (secure: TLSSocket, plain: Socket) => {
      let next = 0
      secure.on('data', () => {
        if (next === at) act(secure, plain)
        else secure.write('250 mail.lab\r\n')
        next++
      })
    }
  const cells: readonly [string, (secure: TLSSocket, plain: Socket) => void, string, When][] = [
    ['says nothing', () => {}, 'no answer within 0.4 s, waiting for $', 'at the deadline'],
    [
      'says a byte now and then',
      (secure) => again(secure, 30, () => secure.write('2')),
      'no answer within 0.4 s, waiting for $',
      'at the deadline',
    ],
    [
      'never ends a line',
      (secure) => pour(secure, '2'.repeat(1 << 14)),
      'more than 16384 bytes, waiting for $',
      'at once',
    ],
    ['resets', (_secure, plain) => plain.resetAndDestroy(), 'ECONNRESET, waiting for $', 'at once'],
    ['ends', (secure) => secure.end(), 'the connection was closed, waiting for $', 'at once'],
    ['ends in its answer', (secure) => secure.end('250 ma'), 'the connection was closed, waiting for $', 'at once'],
    [
      'resets in its answer',
      (secure, plain) => secure.write('250 ma', () => soon(() => plain.resetAndDestroy())),
      'ECONNRESET, waiting for $',
      'at once',
    ],
  ]
  test.each(cells)('in TLS %s', async (_what, act, reason, when) => {
    for (const [at, awaited] of [
      [0, 'the answer to EHLO'],
      [1, 'the answer to QUIT'],
    ] as const) {
      await expectDown(smtp(await startTls(answering(at, act))), reason.replace('$', awaited), when)
    }
  })

  test('has no more than a certificate of its own is good', async () => {
    await expectUp(
      smtp(await startTls(answering(0, (secure) => secure.write('250 mail.lab\r\n')))),
      /^220 mail\.lab, TLSv1\.3$/,
    )
  })
})
