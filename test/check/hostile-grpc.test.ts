/** A gRPC health check of a server that speaks HTTP/2 as it should not: frames as they are on the wire. */
import fc from 'fast-check'
import type { Socket } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import { judgeGrpc } from '../../src/check/probes/protocols/grpc.ts'
import type { Check } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { again, expectDown, expectUp, Loopback, pour, schedule } from '../support/checks.ts'
import { mutated } from '../support/mutated.ts'

const servers = new Loopback()
afterAll(() => servers.close())

const grpc = (port: number): Check => ({
  ...schedule(port),
  type: 'TCP_CHECK',
  talk: { protocol: 'grpc', service: '' },
})

/** RFC 9113 §6. */
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const
const END_STREAM = 1
const END_HEADERS = 4
const frame = (
  type: keyof typeof TYPE,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(TYPE[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
/** A header without indexing whose name and value are new (RFC 7541 §6.2.2). */
const header = (name: string, value: string) =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)])
/** `:status: 200`, by its number in the static table. */
const STATUS_200 = Buffer.of(0x88)
const SETTINGS = frame('settings', 0, 0)
const HEADERS = frame('headers', END_HEADERS, 1, STATUS_200)
const SERVING = frame('data', 0, 1, Buffer.from('00000000020801', 'hex'))
const TRAILERS = frame('headers', END_HEADERS | END_STREAM, 1, header('grpc-status', '0'))
const GOOD = Buffer.concat([SETTINGS, HEADERS, SERVING, TRAILERS])
const code = (of: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(of)
  return bytes
}

/** Begins with its settings, as it must, and does this when the client has asked. */
const asked = (act: (socket: Socket) => void) => (socket: Socket) => {
  socket.setNoDelay()
  socket.write(SETTINGS)
  socket.once('data', () => act(socket))
}
const soon = (what: () => unknown) => void setTimeout(what, 30)
const says = (...frames: Buffer[]) => asked((socket) => socket.write(Buffer.concat(frames)))

test('a server that works is good', async () => {
  await expectUp(grpc(await servers.tcp(says(HEADERS, SERVING, TRAILERS))), 'SERVING')
})

describe('a server that', () => {
  const SLOW = 'no answer within 0.4 s'
  test.each<[string, (socket: Socket) => void, string | RegExp, 'at once' | 'at the deadline']>([
    [
      'says all of it, a byte now and then',
      (socket) => {
        let at = 0
        again(socket, 30, () => at < GOOD.length && socket.write(GOOD.subarray(at, ++at)))
      },
      SLOW,
      'at the deadline',
    ],
    ['stalls in its headers', says(HEADERS.subarray(0, 5)), SLOW, 'at the deadline'],
    ['stalls in its message', says(HEADERS, SERVING.subarray(0, 12)), SLOW, 'at the deadline'],
    ['stalls before its trailers', says(HEADERS, SERVING), SLOW, 'at the deadline'],
    ['resets', asked((socket) => socket.resetAndDestroy()), 'ECONNRESET', 'at once'],
    [
      'resets in its answer',
      asked((socket) => socket.write(Buffer.concat([HEADERS, SERVING]), () => soon(() => socket.resetAndDestroy()))),
      'ECONNRESET',
      'at once',
    ],
    ['ends at once', (socket) => socket.end(), 'the stream ended without an answer', 'at once'],
    ['ends after the request', asked((socket) => socket.end()), 'the stream ended without an answer', 'at once'],
    [
      'ends in its answer',
      asked((socket) => socket.end(Buffer.concat([HEADERS, SERVING]))),
      'no status of gRPC',
      'at once',
    ],
    [
      'cancels the stream in its answer',
      says(HEADERS, SERVING, frame('reset', 0, 1, code(8))),
      'no status of gRPC',
      'at once',
    ],
    ['fails in its answer', says(HEADERS, SERVING, frame('reset', 0, 1, code(2))), 'ERR_HTTP2_STREAM_ERROR', 'at once'],
    [
      'goes away',
      says(frame('goaway', 0, 0, Buffer.concat([code(0), code(1)]))),
      /^(ERR_HTTP2_SESSION_ERROR|ERR_HTTP2_STREAM_ERROR)$/,
      'at once',
    ],
    ['sends a frame of 16 MB', says(Buffer.from('ffffff000000000001', 'hex')), 'ERR_HTTP2_ERROR', 'at once'],
    [
      'sends settings without end',
      (socket) => pour(socket, Buffer.concat(Array.from({ length: 1000 }, () => SETTINGS))),
      'ERR_HTTP2_ERROR',
      'at once',
    ],
    [
      'pings without end, and hears nothing',
      (socket) => {
        const ping = frame('ping', 0, 0, Buffer.alloc(8))
        socket.write(SETTINGS)
        pour(socket, Buffer.concat(Array.from({ length: 1000 }, () => ping)))
        socket.pause()
      },
      'ERR_HTTP2_ERROR',
      'at once',
    ],
    [
      'has headers without end',
      asked((socket) => {
        socket.write(frame('headers', 0, 1, STATUS_200))
        const more = frame('continuation', 0, 1, header('x-more', 'y'.repeat(100)))
        pour(socket, Buffer.concat(Array.from({ length: 1000 }, () => more)))
      }),
      /^ERR_HTTP2_\w+$/,
      'at once',
    ],
    [
      'has a message without end',
      asked((socket) => {
        socket.write(HEADERS)
        pour(socket, frame('data', 0, 1, Buffer.alloc(1000)))
      }),
      'an answer of more than 1024 bytes',
      'at once',
    ],
    [
      'has frames of nothing without end',
      asked((socket) => {
        socket.write(HEADERS)
        pour(socket, Buffer.concat(Array.from({ length: 1000 }, () => frame('data', 0, 1))))
      }),
      'ERR_HTTP2_TOO_MANY_INVALID_FRAMES',
      'at once',
    ],
  ])('%s is bad', async (_what, serve, reason, when) => {
    const before = process.memoryUsage().rss
    await expectDown(grpc(await servers.tcp(serve)), reason, when)
    expect(process.memoryUsage().rss - before).toBeLessThan(192 << 20)
  })
})

test('whatever frames come, and whatever changes of good ones, there is a verdict in time', async () => {
  let said: Uint8Array = new Uint8Array()
  const port = await servers.tcp(asked((socket) => socket.end(said)))
  const answers = fc.oneof(
    mutated(GOOD.subarray(SETTINGS.length), Buffer.concat([HEADERS, SERVING]), TRAILERS),
    fc.uint8Array({ maxLength: 200 }),
  )
  await fc.assert(
    fc.asyncProperty(answers, async (bytes) => {
      said = bytes
      const { up, reason, duration } = await probe({ ...grpc(port), timeout: millis(10_000) })
      expect(reason).toMatch(/^[ -~…]{1,200}$/)
      expect(up).toBe(reason === 'SERVING')
      expect(duration).toBeLessThan(5000)
    }),
    { numRuns: 300 },
  )
})

test('any change of a good message is another one, or none', () => {
  fc.assert(
    fc.property(mutated(Buffer.from('00000000020801', 'hex')), (body) => {
      const { up, reason } = judgeGrpc({ httpStatus: 200, body, grpcStatus: '0', grpcMessage: undefined })
      expect(up).toBe(body.toString('hex') === '00000000020801')
      expect(reason.length).toBeLessThan(100)
    }),
    { numRuns: 2000 },
  )
})
