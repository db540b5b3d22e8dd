import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { IpvsCommand, IpvsOutcome } from '../balance/ipvs-table.ts'
import type { ServiceId } from '../config/model.ts'
import type { Timeouts } from '../forward/layout.ts'
import type { Traced, TracePacket } from '../forward/trace.ts'
import type { ConnectionFilter } from './connection-filter.ts'
import type { IpvsListing, ListedConnection } from './ipvs.ts'
import type { Snapshot } from './snapshot.ts'

/** What the control socket can ask of the daemon. */
export interface ControlHandlers {
  status(): Snapshot
  /** The errors for which the new configuration was refused; none when it is in force. */
  reload(): readonly string[]
  ipvs(): IpvsListing
  connections(filter: ConnectionFilter): Iterable<ListedConnection>
  /** Takes connections out of the table; returns how many. */
  forget(filter: ConnectionFilter): number
  /** What became of each. */
  change(commands: readonly IpvsCommand[]): Promise<readonly IpvsOutcome[]>
  setTimeouts(timeouts: Timeouts): void
  /** What would become of a packet. */
  trace(packet: TracePacket, mark: number): Traced
  /** Totals of one service, or of all, begin at 0. False when there is no such service. */
  zero(id: ServiceId | undefined): boolean
}

/** Longest request that is read. */
const BODY_LIMIT = 1024 * 1024
/** Connections that are written at a time. */
const CHUNK = 256

/**
 * The control socket: HTTP and JSON on a Unix socket that root and the group `tanist` may use.
 *
 *     GET  /v1/status   → 200 Snapshot
 *     POST /v1/reload   → 200 { errors: [] } | 422 { errors }
 *     GET  /v1/ipvs     → 200 IpvsListing
 *     POST /v1/ipvs     { commands } → 200 { outcomes }
 *     POST /v1/connections { filter } → 200, one ListedConnection a line
 *     POST /v1/trace { packet, mark } → 200 Traced
 *     POST /v1/connections/forget { filter } → 200 { count }
 *     POST /v1/ipvs/timeouts { timeouts } → 200 {}
 *     POST /v1/ipvs/zero { id? } → 200 {} | 409 { failure }
 */
export class ControlServer {
  readonly #server
  readonly #path: string

  /** The folder exists. What is at `path` is removed: the caller knows that no other daemon uses it. */
  constructor(path: string, handlers: ControlHandlers) {
    this.#path = path
    rmSync(path, { force: true }) // left behind by a crash
    this.#server = createServer((request, response) => void answer(request, response, handlers))
    this.#server.listen(path, () => {
      chmodSync(path, 0o660)
      const gid = groupId('tanist')
      if (gid !== undefined && process.getuid?.() === 0) chownSync(path, 0, gid)
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    rmSync(this.#path, { force: true })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, handlers: ControlHandlers): Promise<void> {
  const reply = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(body)}\n`)
  }
  try {
    const body = await bodyOf(request)
    switch (`${request.method} ${request.url}`) {
      case 'GET /v1/status':
        return reply(200, handlers.status())
      case 'POST /v1/reload': {
        const errors = handlers.reload()
        return reply(errors.length === 0 ? 200 : 422, { errors })
      }
      case 'GET /v1/ipvs':
        return reply(200, handlers.ipvs())
      case 'POST /v1/trace': {
        const { packet, mark } = body as { packet: TracePacket; mark: number }
        return reply(200, handlers.trace(packet, mark))
      }
      case 'POST /v1/connections':
        return await stream(response, handlers.connections((body as { filter: ConnectionFilter }).filter))
      case 'POST /v1/connections/forget':
        return reply(200, { count: handlers.forget((body as { filter: ConnectionFilter }).filter) })
      case 'POST /v1/ipvs':
        // Written by the client of the same release, who is root or of our group.
        return reply(200, { outcomes: await handlers.change((body as { commands: IpvsCommand[] }).commands) })
      case 'POST /v1/ipvs/timeouts':
        handlers.setTimeouts((body as { timeouts: Timeouts }).timeouts)
        return reply(200, {})
      case 'POST /v1/ipvs/zero':
        if (handlers.zero((body as { id?: ServiceId }).id)) return reply(200, {})
        return reply(409, { failure: 'no-such-service' })
      default:
        return reply(404, { errors: [`no ${request.method} ${request.url} here`] })
    }
  } catch (error) {
    if (!response.headersSent) reply(400, { errors: [error instanceof Error ? error.message : String(error)] })
    else response.destroy()
  }
}

/** The request's JSON; undefined without a body. Rejects what is too long or no JSON. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_LIMIT) throw new Error(`a request has at most ${BODY_LIMIT} bytes`)
    chunks.push(chunk)
  }
  return length === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as unknown)
}

/** A long list without holding it: the reader sets the pace. */
async function stream(response: ServerResponse, items: Iterable<unknown>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  let lines: string[] = []
  const flush = async () => {
    if (!response.write(lines.join(''))) await once(response, 'drain')
    lines = []
  }
  for (const item of items) {
    lines.push(`${JSON.stringify(item)}\n`)
    if (lines.length === CHUNK) await flush()
  }
  if (lines.length > 0) await flush()
  response.end()
}

function groupId(name: string): number | undefined {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}
