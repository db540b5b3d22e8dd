/**
 * Connections that stay open: each asks for `/echo/TOKEN` every so often, and looks whether the answer is the token and comes from the
 * same server as before. One that is broken is opened again.
 *
 *     connections.ts ADDRESS PORT http|https COUNT EVERY_MS
 *
 * Certificates are not verified. Any question is answered with a ConnectionsRecord; its times are those of this machine's monotonic clock.
 */
import { randomBytes } from 'node:crypto'
import { Agent, request as requestHttp } from 'node:http'
import { Agent as TlsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { ConnectionsRecord } from '../../drill/recording.ts'
import type { Millis } from '../../time.ts'
import { monotonicNow } from '../monotonic.ts'
import { work } from '../program.ts'

type Event = ConnectionsRecord['events'][number]

/** A wait of so long for an answer is told. */
const SILENT_MS = 1000
/** To be connected; then it is waited for answers as long as the kernel does. */
const CONNECT_MS = 5000
/** BOUNDED. */
const MOST_EVENTS = 100_000
const LONGEST_ANSWER = 4096

const [host = '', port = '', talk = '', countText = '', everyText = ''] = process.argv.slice(2)
const [count, every] = [Number(countText), Number(everyText)]
if (!(count >= 1) || !(every >= 1)) throw new Error(`${countText} connections each ${everyText} ms`)
const target = `${talk}://${host.includes(':') ? `[${host}]` : host}:${port}`
const [request, AgentOf] = talk === 'https' ? [requestHttps, TlsAgent] : [requestHttp, Agent]
const events: Event[] = []
let answered = 0

function add(what: Event['what'], at: Millis, ms: number): void {
  if (events.length < MOST_EVENTS) events.push({ at, what, ms })
}

class Kept {
  /** Keeps one connection open. */
  readonly #agent = new AgentOf({ keepAlive: true, maxSockets: 1 })
  #socket: Socket | undefined
  /** Who has answered on this connection. */
  #server: string | undefined
  /** Since when it has no answer to what it asked, also by a connection before. */
  waitingSince: Millis | undefined
  #isAsking = false

  begin(delayMs: number): void {
    setTimeout(() => {
      this.#turn()
      setInterval(() => this.#turn(), every)
    }, delayMs)
  }

  #turn(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.waitingSince ??= monotonicNow()
    const token = randomBytes(8).toString('hex')
    const asked = request({
      host,
      port,
      path: `/echo/${token}`,
      agent: this.#agent,
      rejectUnauthorized: false,
      headers: { connection: 'keep-alive' },
    })
    asked.on('socket', (socket) => this.#use(socket))
    asked.on('response', (answer) => {
      let body = ''
      answer.on('data', (piece: Buffer) => {
        if (body.length < LONGEST_ANSWER) body += piece.toString('latin1')
      })
      answer.on('error', () => {}) // its connection is broken
      answer.once('end', () => this.#got(String(answer.headers['x-server'] ?? ''), body === token))
    })
    asked.on('error', () => {}) // so is this
    asked.once('close', () => (this.#isAsking = false))
    asked.end()
  }

  #use(socket: Socket): void {
    if (socket === this.#socket) return
    this.#socket = socket
    this.#server = undefined
    if (socket.connecting) {
      const late = setTimeout(() => socket.destroy(), CONNECT_MS)
      socket.once('connect', () => clearTimeout(late))
      socket.once('close', () => clearTimeout(late))
    }
    // Who never had an answer could not be connected; that is a silence.
    socket.once('close', () => {
      if (this.#server !== undefined) add('broken', monotonicNow(), 0)
      this.#server = undefined
      this.#socket = undefined
    })
  }

  #got(server: string, isRight: boolean): void {
    const now = monotonicNow()
    const since = this.waitingSince ?? now
    this.waitingSince = undefined
    answered++
    if (now - since >= SILENT_MS) add('silent', since, now - since)
    if (!isRight) add('wrong', now, 0)
    if (this.#server !== undefined && this.#server !== server) add('moved', now, 0)
    this.#server = server
  }
}

const all = Array.from({ length: count }, () => new Kept())
// Not all in one moment.
all.forEach((each, i) => each.begin((every * i) / count))

work((): ConnectionsRecord => {
  const now = monotonicNow()
  const silent = all.flatMap(({ waitingSince: at }): Event[] =>
    at !== undefined && now - at >= SILENT_MS ? [{ at, what: 'silent', ms: now - at }] : [],
  )
  return { type: 'connections', target, count, answered, events: [...events, ...silent].slice(0, MOST_EVENTS) }
})
