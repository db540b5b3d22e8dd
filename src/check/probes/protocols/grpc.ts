import { connect } from 'node:http2'
import type { CheckSchedule } from '../../../model/check.ts'
import { connectTcp } from '../../source.ts'
import type { Note } from '../../steps.ts'
import { bad, type Finding, good } from '../finding.ts'
import { shown } from '../shown.ts'

/** BOUNDED: bytes of an answer that are read; a right one has seven. */
const LONGEST_ANSWER = 1024
/** BOUNDED: what a session may keep, in MB. */
const MOST_MEMORY_MB = 1
/** Flag and length before each message ("gRPC over HTTP2"). */
const MESSAGE_HEAD = 5
/** HealthCheckRequest: its only field, `service`, is number 1 and has a length. */
const SERVICE_FIELD = 0x0a
/** HealthCheckResponse: its only field, `status`, is number 1 and a varint. */
const STATUS_FIELD = 0x08
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
const UNIMPLEMENTED = '12'

/** What an answer comes to, when all of it is there. */
export interface GrpcAnswer {
  readonly httpStatus: number
  readonly body: Buffer
  /** Of the trailers, or of the headers where there is no message. */
  readonly grpcStatus: string | undefined
  readonly grpcMessage: string | undefined
}

/** grpc.health.v1.Health/Check over HTTP/2 without TLS. Rejects with what the connection fails with. */
export async function probeGrpc(check: CheckSchedule, service: string, note?: Note): Promise<Finding> {
  const socket = await connectTcp(check, check.timeout, note)
  const session = connect('http://server', {
    createConnection: () => socket,
    settings: { enablePush: false },
    maxSessionMemory: MOST_MEMORY_MB,
  })
  try {
    return await new Promise<Finding>((resolve, reject) => {
      // The deadline destroys the connection with its own error; the session only says that it is gone.
      socket.on('error', reject)
      session.on('error', reject)
      note?.(`asks grpc.health.v1.Health/Check of ${service === '' ? 'the server' : service}`)
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': 'tanist',
      })
      let httpStatus = 0
      let length = 0
      const chunks: Buffer[] = []
      let headers: Readonly<Record<string, unknown>> = {}
      stream.on('error', reject)
      stream.once('response', (fields) => {
        httpStatus = Number(fields[':status'])
        headers = fields
        note?.(`HTTP status ${httpStatus}`)
      })
      stream.once('trailers', (fields) => {
        headers = fields
        note?.(`${length} bytes and the trailers`)
      })
      stream.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > LONGEST_ANSWER) resolve(bad(`an answer of more than ${LONGEST_ANSWER} bytes`))
        else chunks.push(chunk)
      })
      const text = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined)
      stream.once('close', () =>
        setImmediate(() =>
          resolve(
            judgeGrpc({
              httpStatus,
              body: Buffer.concat(chunks),
              grpcStatus: text('grpc-status'),
              grpcMessage: text('grpc-message'),
            }),
          ),
        ),
      )
      stream.end(requestFor(service))
    })
  } finally {
    session.destroy()
    socket.destroy()
  }
}

function requestFor(service: string): Uint8Array {
  const name = Buffer.from(service)
  // BOUNDED by the configuration: a name of one byte of length.
  const message = name.length === 0 ? name : Buffer.concat([Uint8Array.of(SERVICE_FIELD, name.length), name])
  const head = Buffer.alloc(MESSAGE_HEAD)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** A server that has no such service, or none of this kind, says so by a status of gRPC. */
export function judgeGrpc({ httpStatus, body, grpcStatus, grpcMessage }: GrpcAnswer): Finding {
  if (httpStatus === 0) return bad('the stream ended without an answer')
  if (httpStatus !== 200) return bad(`HTTP status ${httpStatus}`)
  if (grpcStatus !== '0') {
    const name = grpcStatus === UNIMPLEMENTED ? ' (no health service)' : ''
    const said = grpcMessage === undefined ? '' : `: ${shown(grpcMessage)}`
    return bad(grpcStatus === undefined ? 'no status of gRPC' : `gRPC status ${shown(grpcStatus)}${name}${said}`)
  }
  const status = statusIn(body)
  if (status === undefined) return bad('the answer is not that of grpc.health.v1')
  const name = STATUSES[status] ?? String(status)
  return name === 'SERVING' ? good(name) : bad(`the service is ${name}`)
}

/** Of one message without compression; a status that is not there is 0. */
function statusIn(body: Buffer): number | undefined {
  if (body.length < MESSAGE_HEAD || body[0] !== 0) return undefined
  const message = body.subarray(MESSAGE_HEAD)
  if (body.readUInt32BE(1) !== message.length) return undefined
  if (message.length === 0) return 0
  const [field, status] = message
  return message.length === 2 && field === STATUS_FIELD && status !== undefined && status < 0x80 ? status : undefined
}
