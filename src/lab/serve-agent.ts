import { Socket } from 'node:net'
import { becomeSession } from '../linux/process.ts'
import { Agent } from './agent.ts'
import { LONGEST_LINE, type Message, type MessageBody, type Request } from './agent-protocol.ts'
import { Lines } from './lines.ts'
import { monotonicNow } from './monotonic.ts'

/** BOUNDED: bytes of messages that wait until somebody reads them. What is told unasked beyond that is dropped, and counted. */
const ROOM = 1 << 24

/** From being closed to the end, for the last answer. */
const LAST_WORDS_MS = 1000

/**
 * Serves whoever is at the other end of standard input and output. However that ends (its end, a signal, silence, an error of our own), it
 * undoes what is left, and then ends this process. It lives in a session of its own, so that nobody ends it with a terminal or a login.
 */
export function serveAgent(): void {
  becomeSession()
  // Not `process.stdout`: it would wait for a reader, who may be behind a network that is cut.
  const output = new Socket({ fd: 1, readable: false, writable: true })
  output.on('error', () => {}) // nobody reads any more: it goes on undoing
  let skipped = 0
  const write = (body: MessageBody) => {
    const text = JSON.stringify({ now: monotonicNow(), ...body } satisfies Message)
    if (Buffer.byteLength(text) < LONGEST_LINE) output.write(`${text}\n`)
    else if ('id' in body) write({ type: 'refused', id: body.id, reason: `an answer of ${text.length} characters` })
    else skipped++
  }
  const say = (body: MessageBody) => {
    const isUnasked = body.type === 'line' || body.type === 'event'
    if (isUnasked && output.writableLength > ROOM) {
      skipped++
      return
    }
    if (skipped > 0) write({ type: 'skipped', count: skipped })
    skipped = 0
    write(body)
  }
  let isLeaving = false
  const leave = () => {
    if (isLeaving) return
    isLeaving = true
    const end = () => {
      // Without a reader `end` calls back never.
      output.end(() => process.exit())
      setTimeout(() => process.exit(), LAST_WORDS_MS)
    }
    agent.close().then(end, end)
  }
  const agent = new Agent(say, leave)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave)
  process.on('uncaughtException', (error) => {
    process.stderr.write(`agent: ${error.stack}\n`)
    leave()
  })
  process.stderr.on('error', () => {})
  const lines = new Lines(LONGEST_LINE, (line) => {
    const request = JSON.parse(line) as Request
    agent.take(request)
  })
  process.stdin.on('data', (piece: Buffer) => lines.take(piece))
  process.stdin.on('error', leave)
  process.stdin.on('end', leave)
}
