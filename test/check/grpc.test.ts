import fc from 'fast-check'
import { createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { judgeGrpc } from '../../src/check/probes/protocols/grpc.ts'
import type { Check } from '../../src/model/check.ts'
import { expectDown, expectUp, Loopback, schedule } from '../support/checks.ts'

const servers = new Loopback()
const closers: (() => void)[] = []
afterEach(() => {
  servers.close()
  for (const close of closers.splice(0)) close()
})

const grpc = (port: number, service = ''): Check => ({
  ...schedule(port),
  type: 'TCP_CHECK',
  talk: { protocol: 'grpc', service },
})

async function http2(serve: (stream: ServerHttp2Stream, path: string, body: Buffer) => void): Promise<number> {
  const server = createServer()
  server.on('session', (session) => {
    closers.push(() => session.destroy())
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => serve(stream, headers[':path'] ?? '', Buffer.concat(chunks)))
  })
  closers.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** As the health service of gRPC's own servers answers: one message, then the status in the trailers. */
const answer = (stream: ServerHttp2Stream, hex: string, trailers: OutgoingHttpHeaders = { 'grpc-status': '0' }) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(Buffer.from(hex, 'hex'))
}
const only = (headers: OutgoingHttpHeaders) => (stream: ServerHttp2Stream) => {
  stream.respond(headers, { endStream: true })
}
const SERVING = '00000000020801'

test('the health of the server or of a service is asked for as grpc.health.v1 has it', async () => {
  const heard: string[] = []
  const port = await http2((stream, path, body) => {
    heard.push(`${path} ${body.toString('hex')}`)
    answer(stream, SERVING)
  })
  await expectUp(grpc(port), 'SERVING')
  await expectUp(grpc(port, 'a.B'), 'SERVING')
  expect(heard).toEqual([
    '/grpc.health.v1.Health/Check 0000000000',
    '/grpc.health.v1.Health/Check 00000000050a03612e42',
  ])
})

describe('bad at once', () => {
  test.each<[string, (stream: ServerHttp2Stream) => void, string | RegExp]>([
    ['not serving', (stream) => answer(stream, '00000000020802'), 'the service is NOT_SERVING'],
    ['unknown', (stream) => answer(stream, '0000000000'), 'the service is UNKNOWN'],
    ['a status that is not there yet', (stream) => answer(stream, '00000000020863'), 'the service is 99'],
    [
      'no such service',
      only({ ':status': 200, 'grpc-status': '5', 'grpc-message': 'unknown' }),
      'gRPC status 5: unknown',
    ],
    ['no health service', only({ ':status': 200, 'grpc-status': '12' }), 'gRPC status 12 (no health service)'],
    ['a failure behind the message', (stream) => answer(stream, SERVING, { 'grpc-status': '14' }), 'gRPC status 14'],
    ['no status of gRPC', (stream) => answer(stream, SERVING, {}), 'no status of gRPC'],
    ['another message', (stream) => answer(stream, '00000000031a0141'), 'the answer is not that of grpc.health.v1'],
    ['a compressed message', (stream) => answer(stream, '01000000020801'), 'the answer is not that of grpc.health.v1'],
    ['half a message', (stream) => answer(stream, '000000000208'), 'the answer is not that of grpc.health.v1'],
    ['no message', (stream) => answer(stream, ''), 'the answer is not that of grpc.health.v1'],
    ['too much', (stream) => answer(stream, '00'.repeat(5000)), 'an answer of more than 1024 bytes'],
    ['another server', only({ ':status': 404 }), 'HTTP status 404'],
    ['a stream that is reset', (stream) => stream.close(8), 'the stream ended without an answer'],
    [
      'a stream that is refused',
      (stream) => stream.close(7),
      /^(ERR_HTTP2_STREAM_ERROR|the stream ended without an answer)$/,
    ],
    [
      'a session that is destroyed',
      (stream) => stream.session?.destroy(),
      /^(ECONNRESET|ERR_HTTP2\w+|the stream ended without an answer)$/,
    ],
  ])('%s', async (_name, serve, wanted) => {
    await expectDown(grpc(await http2(serve)), wanted, 'at once')
  })

  test.each<[string, string]>([
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n'.repeat(9)],
  ])('%s', async (_name, text) => {
    await expectDown(
      grpc(await servers.tcp((socket) => socket.end(text))),
      /^(ERR_HTTP2_\w+|ECONNRESET|EPIPE)$/,
      'at once',
    )
  })

  test('nobody listens, a reset', async () => {
    await expectDown(grpc(await servers.freePort()), 'ECONNREFUSED', 'at once')
    await expectDown(
      grpc(await servers.tcp((socket) => socket.resetAndDestroy())),
      /^(ECONNRESET|EPIPE|ERR_HTTP2_\w+)$/,
      'at once',
    )
  })
})

describe('bad at the deadline', () => {
  test('silence, before HTTP/2 and in it', async () => {
    const wanted = 'no answer within 0.4 s'
    await expectDown(grpc(await servers.tcp(() => {})), wanted, 'at the deadline')
    await expectDown(grpc(await http2(() => {})), wanted, 'at the deadline')
  })

  test('a byte at a time', async () => {
    const port = await http2((stream) => {
      stream.respond({ ':status': 200 })
      const timer = setInterval(() => stream.write('\0'), 50)
      stream.on('close', () => clearInterval(timer))
    })
    await expectDown(grpc(port), 'no answer within 0.4 s', 'at the deadline')
  })
})

test('whatever an answer is, it has a short reason', () => {
  const answers = fc.record({
    httpStatus: fc.constantFrom(0, 200, 404),
    body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    grpcStatus: fc.option(fc.oneof(fc.constant('0'), fc.string()), { nil: undefined }),
    grpcMessage: fc.option(fc.string({ maxLength: 500 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(answers, (said) => {
      const { up, reason } = judgeGrpc(said)
      expect(reason).toMatch(/^[ -~…]{1,200}$/)
      expect(up).toBe(reason === 'SERVING')
    }),
  )
})
