import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FailedBack, HandedOver } from '../model/duty.ts'
import type { IpvsCommand, IpvsOutcome, Timeouts } from '../model/ipvs.ts'
import type { ServiceId } from '../model/service.ts'
import type { Traced, TracePacket } from '../model/trace.ts'
import type { ConnectionFilter } from './connection-filter.ts'
import { type Decoder, RequestError, THE_REQUEST } from './decode.ts'
import type { IpvsListing, ListedConnection } from '../model/ipvs-listing.ts'
import { changeRequest, filterRequest, timeoutsRequest, traceRequest, upgradeRequest, zeroRequest } from './requests.ts'
import type { Dump } from './dump.ts'
import { type CheckAnswer, type CheckRefusal, checkRequest, type CheckRequest } from './check-now.ts'
import { type HandAnswer, type HandRefusal, handRequest, type HandRequest } from './hands.ts'
import { maintenanceRequest, type RoleAnswers, type RoleRefusal, rolesRequest } from './roles.ts'
import type { Reloaded, Snapshot } from './snapshot.ts'

/** Who is at the other end of a connection, as the kernel says (unix(7), SO_PEERCRED). */
export interface Caller {
  readonly pid: number
  readonly uid: number
  readonly user: string
  /** Its command line; undefined where that cannot be seen. */
  readonly command: string | undefined
}

/** What the control socket can ask of the daemon. What changes something, or is worth a line in the log, says by whom. */
export interface ControlHandlers {
  status(): Snapshot
  dump(): Dump
  reload(by: Caller): Reloaded
  ipvs(): IpvsListing
  connections(filter: ConnectionFilter): Iterable<ListedConnection>
  /** Takes connections out of the table; returns how many. */
  forget(filter: ConnectionFilter, by: Caller): number
  /** What became of each. */
  change(commands: readonly IpvsCommand[], by: Caller): Promise<readonly IpvsOutcome[]>
  setTimeouts(timeouts: Timeouts, by: Caller): void
  /** What would become of a packet. */
  trace(packet: TracePacket, mark: number, by: Caller): Traced
  /** Totals of one service, or of all, begin at 0. False when there is no such service. */
  zero(id: ServiceId | undefined, by: Caller): boolean
  /** Names of instances and sync groups; none: those that are master here. */
  failOver(names: readonly string[], by: Caller): Promise<RoleAnswers<HandedOver> | RoleRefusal>
  /** Names of instances and sync groups; none: all. */
  failBack(names: readonly string[], by: Caller): Promise<RoleAnswers<FailedBack> | RoleRefusal>
  /** `force`: even if nobody follows. */
  maintain(on: boolean, force: boolean, by: Caller): Promise<RoleAnswers<HandedOver>>
  /** What somebody says of real servers, in place of their checks and the configuration. */
  hand(request: HandRequest, by: Caller): HandAnswer | HandRefusal
  /** Has the checkers of real servers ask now, for who wants to see it. */
  check(request: CheckRequest, by: Caller): Promise<CheckAnswer | CheckRefusal>
  /** Tries the program that is installed by now; `replace` is called when the answer is out. `force`: even if connections are lost. */
  upgrade(force: boolean, by: Caller): Promise<UpgradeAnswer>
}

/** What the server needs to know of the host. */
export interface ControlHost {
  /** Who has connected. */
  callerOf(socket: Socket): Caller
  /** A request failed by a fault of ours. */
  failed(request: string, error: unknown): void
}

/** Why there is no upgrade, or what is about to be replaced by what. */
export type UpgradeAnswer =
  | { readonly errors: readonly string[] }
  | { readonly from: string; readonly to: string; replace(): void }

/** Longest request that is read. */
const BODY_LIMIT = 1024 * 1024
const HEADER_LIMIT = 16 * 1024
/** For the headers, for the whole request, and between two requests of a connection. */
const HEADERS_MS = 5000
const REQUEST_MS = 10_000
const IDLE_MS = 5000
/** How long a reader of a list may read nothing. */
const READER_MS = 30_000
/** Connections at a time. For one more, the one that has longest not finished its request gives way. */
export const MAX_CONNECTIONS = 64
/** Connections of the table that are written at a time. */
const CHUNK = 256

/**
 * The control socket: HTTP and JSON on a Unix socket that root and the group `tanist` may use.
 *
 *     GET  /v1/status   → 200 Snapshot
 *     GET  /v1/dump     → 200 Dump
 *     POST /v1/reload   → 200 Reloaded | 422 Reloaded, with errors
 *     GET  /v1/ipvs     → 200 IpvsListing
 *     POST /v1/ipvs     { commands } → 200 { outcomes }
 *     POST /v1/connections { filter } → 200, one ListedConnection a line
 *     POST /v1/trace { packet, mark } → 200 Traced
 *     POST /v1/connections/forget { filter } → 200 { count }
 *     POST /v1/ipvs/timeouts { timeouts } → 200 {}
 *     POST /v1/upgrade { force } → 200 { errors: [], from, to }, then the daemon replaces itself | 409 { errors }
 *     POST /v1/failover { names } → 200 RoleAnswers | 409 { failure }
 *     POST /v1/failback { names } → 200 RoleAnswers | 409 { failure }
 *     POST /v1/maintenance { on, force } → 200 RoleAnswers
 *     POST /v1/servers { service?, server, hand } → 200 HandAnswer | 409 { failure }
 *     POST /v1/check { service?, server } → 200 CheckAnswer | 409 { failure }
 *     POST /v1/ipvs/zero { id? } → 200 {} | 409 { failure }
 *
 * What is none of these is answered by 404, what cannot be meant by 400 with the field and what it must be, what is too long
 * by 413, and a request that does not arrive in time by 408.
 */
export class ControlServer {
  readonly #server
  readonly #path: string
  /** In the order of their last answer; true while a whole request is being answered. */
  readonly #connections = new Map<Socket, boolean>()

  /** The folder exists. What is at `path` is removed: the caller knows that no other daemon uses it. */
  constructor(path: string, handlers: ControlHandlers, host: ControlHost) {
    this.#path = path
    rmSync(path, { force: true }) // left behind by a crash
    const limits = {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: HEADER_LIMIT,
    }
    this.#server = createServer(limits, (request, response) => {
      const { socket } = request
      response.once('close', () => this.#note(socket, false))
      void answer(request, response, handlers, host, () => this.#note(socket, true))
    })
    this.#server.on('connection', (socket) => this.#admit(socket))
    const gid = groupId('tanist')
    const own = process.getegid?.() ?? 0
    // A file is of the group that makes it. To give it away afterwards would take a capability more.
    if (gid !== undefined && process.getuid?.() === 0) process.setegid?.(gid)
    this.#server.listen(path, () => chmodSync(path, 0o660)) // the file is made before this returns
    process.setegid?.(own)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    rmSync(this.#path, { force: true })
  }

  /** Those who are slow must not keep others from being answered: there may be hundreds of them. */
  #admit(socket: Socket): void {
    if (this.#connections.size >= MAX_CONNECTIONS) {
      const [slow] = [...this.#connections].find(([, isAnswered]) => !isAnswered) ?? [socket]
      slow.destroy()
      this.#connections.delete(slow)
      if (slow === socket) return
    }
    this.#connections.set(socket, false)
    socket.once('close', () => this.#connections.delete(socket))
  }

  #note(socket: Socket, isAnswered: boolean): void {
    if (this.#connections.delete(socket)) this.#connections.set(socket, isAnswered)
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ControlHandlers,
  host: ControlHost,
  arrived: () => void,
): Promise<void> {
  const reply = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(body)}\n`)
  }
  const bodyAs = async <T>(decode: Decoder<T>): Promise<T> => {
    const body = await bodyOf(request)
    arrived()
    return decode(body, THE_REQUEST)
  }
  const caller = () => host.callerOf(request.socket)
  const what = `${request.method} ${request.url}`
  try {
    switch (what) {
      case 'GET /v1/status':
        return reply(200, handlers.status())
      case 'GET /v1/dump':
        return reply(200, handlers.dump())
      case 'POST /v1/reload': {
        await bodyAs(() => undefined)
        const reloaded = handlers.reload(caller())
        return reply(reloaded.errors.length === 0 ? 200 : 422, reloaded)
      }
      case 'GET /v1/ipvs':
        return reply(200, handlers.ipvs())
      case 'POST /v1/trace': {
        const { packet, mark } = await bodyAs(traceRequest)
        return reply(200, handlers.trace(packet, mark, caller()))
      }
      case 'POST /v1/connections': {
        const { filter } = await bodyAs(filterRequest)
        return await stream(response, handlers.connections(filter))
      }
      case 'POST /v1/connections/forget': {
        const { filter } = await bodyAs(filterRequest)
        return reply(200, { count: handlers.forget(filter, caller()) })
      }
      case 'POST /v1/ipvs': {
        const { commands } = await bodyAs(changeRequest)
        return reply(200, { outcomes: await handlers.change(commands, caller()) })
      }
      case 'POST /v1/ipvs/timeouts': {
        const { timeouts } = await bodyAs(timeoutsRequest)
        handlers.setTimeouts(timeouts, caller())
        return reply(200, {})
      }
      case 'POST /v1/ipvs/zero': {
        const { id } = await bodyAs(zeroRequest)
        if (handlers.zero(id, caller())) return reply(200, {})
        return reply(409, { failure: 'no-such-service' })
      }
      case 'POST /v1/failover': {
        const { names } = await bodyAs(rolesRequest)
        const answer = await handlers.failOver(names, caller())
        return reply('failure' in answer ? 409 : 200, answer)
      }
      case 'POST /v1/failback': {
        const { names } = await bodyAs(rolesRequest)
        const answer = await handlers.failBack(names, caller())
        return reply('failure' in answer ? 409 : 200, answer)
      }
      case 'POST /v1/maintenance': {
        const { on, force } = await bodyAs(maintenanceRequest)
        return reply(200, await handlers.maintain(on, force, caller()))
      }
      case 'POST /v1/servers': {
        const answer = handlers.hand(await bodyAs(handRequest), caller())
        return reply('failure' in answer ? 409 : 200, answer)
      }
      case 'POST /v1/check': {
        const answer = await handlers.check(await bodyAs(checkRequest), caller())
        return reply('failure' in answer ? 409 : 200, answer)
      }
      case 'POST /v1/upgrade': {
        const { force } = await bodyAs(upgradeRequest)
        const answer = await handlers.upgrade(force, caller())
        if ('errors' in answer) return reply(409, { errors: answer.errors })
        // Also for a caller that has gone meanwhile: it has asked, and the daemon waits for this.
        if (response.closed) return answer.replace()
        response.once('close', () => answer.replace())
        return reply(200, { errors: [], from: answer.from, to: answer.to })
      }
      default:
        throw new RequestError(`no ${what} here`, 404)
    }
  } catch (error) {
    const status = error instanceof RequestError ? error.status : 500
    if (status === 500 && !response.destroyed) host.failed(what, error)
    // What is left of a request that was not read to its end is no other request.
    if (!request.complete) response.shouldKeepAlive = false
    if (response.headersSent) response.destroy()
    else reply(status, { errors: [error instanceof Error ? error.message : String(error)] })
  }
}

/** The request's JSON; undefined without a body. Throws RequestError when it is too long or no JSON. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_LIMIT) throw new RequestError(`a request has at most ${BODY_LIMIT} bytes`, 413)
    chunks.push(chunk)
  }
  if (length === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown
  } catch (error) {
    throw new RequestError(`the request is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A long list without holding it: the reader sets the pace, and one that stops reading or goes away ends it. */
async function stream(response: ServerResponse, items: Iterable<unknown>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.setTimeout(READER_MS, () => response.destroy())
  await pipeline(Readable.from(chunksOf(items)), response)
}

function* chunksOf(items: Iterable<unknown>): Generator<string> {
  let lines: string[] = []
  for (const item of items) {
    lines.push(`${JSON.stringify(item)}\n`)
    if (lines.length < CHUNK) continue
    yield lines.join('')
    lines = []
  }
  if (lines.length > 0) yield lines.join('')
}

/** Of a connection; -1 when it is closed. Node shows it nowhere else. */
function groupId(name: string): number | undefined {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}
