import { createInterface } from 'node:readline'
import { Client, type Dispatcher } from 'undici'
import type { FailedBack, HandedOver } from '../model/duty.ts'
import type { IpvsCommand, IpvsOutcome, Timeouts } from '../model/ipvs.ts'
import type { ServiceId } from '../model/service.ts'
import type { Traced, TracePacket } from '../model/trace.ts'
import type { ConnectionFilter } from './connection-filter.ts'
import type { IpvsListing, ListedConnection } from '../model/ipvs-listing.ts'
import type { Dump } from './dump.ts'
import type { CheckAnswer, CheckRefusal, CheckRequest } from './check-now.ts'
import type { HandAnswer, HandRefusal, HandRequest } from './hands.ts'
import type { RoleAnswers, RoleRefusal } from './roles.ts'
import type { Reloaded, Snapshot } from './snapshot.ts'

/** How long the daemon may take to begin an answer, and between two parts of a long one. */
const PATIENCE_MS = 30_000

/** The same where others are asked before: their time-outs are those of the file. */
const CHECK_PATIENCE_MS = 600_000

/** Statuses of the control socket whose body is what was asked for. */
const ANSWERS: ReadonlySet<number> = new Set([200, 409, 422])

const NOT_TANISTD = 'what answers there is not tanistd'

/** The daemon cannot be asked, or has refused. The message says what to do. */
export class ControlError extends Error {
  readonly refused: boolean

  constructor(message: string, refused: boolean) {
    super(message)
    this.name = 'ControlError'
    this.refused = refused
  }
}

const unreachable = (socket: string, reason: string) =>
  new ControlError(`cannot reach tanistd at ${socket}: ${reason}`, false)

/** What a failed request means to people. */
function reasonOf(error: unknown, patienceMs: number): string {
  // No JSON, no HTTP.
  if (error instanceof SyntaxError || (error instanceof Error && error.name === 'HTTPParserError')) return NOT_TANISTD
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return 'it is not running; start it (systemctl start tanist), or name another one (--name, TANIST_NAME)'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied; be root, or a member of the group tanist'
    case 'EAGAIN':
      return 'it has too many callers; try again'
    case 'EPROTOTYPE':
      return NOT_TANISTD
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `it does not answer within ${patienceMs / 1000} s; restart it (systemctl restart tanist)`
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
      return 'it closed the connection without an answer; it is ending, or is not tanistd'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

/** What an answer says that is not what was asked for: ours names errors. */
function refusalOf(socket: string, statusCode: number, answer: unknown): ControlError {
  const errors = typeof answer === 'object' && answer !== null && 'errors' in answer ? answer.errors : undefined
  if (!Array.isArray(errors)) return unreachable(socket, NOT_TANISTD)
  return new ControlError(`tanistd refused (status ${statusCode}): ${errors.join('; ')}`, true)
}

/** A request, the status of its answer (undefined without one), and the time until the answer began. */
export interface Asked {
  readonly request: string
  readonly status: number | undefined
  readonly durationMs: number
}

/** The other end of the control socket. */
export class ControlClient {
  readonly #socket: string
  readonly #patienceMs: number
  readonly #onAsked: (asked: Asked) => void

  /** `onAsked`: for whoever debugs. */
  constructor(socket: string, patienceMs = PATIENCE_MS, onAsked: (asked: Asked) => void = () => {}) {
    this.#socket = socket
    this.#patienceMs = patienceMs
    this.#onAsked = onAsked
  }

  /** Throws ControlError. */
  async status(): Promise<Snapshot> {
    // Written by the server of the same release.
    return (await this.#request('GET', '/v1/status')) as Snapshot
  }

  /** What one attaches to a bug report. Throws ControlError. */
  async dump(): Promise<Dump> {
    return (await this.#request('GET', '/v1/dump')) as Dump
  }

  /** Throws ControlError. */
  async reload(): Promise<Reloaded> {
    return (await this.#request('POST', '/v1/reload')) as Reloaded
  }

  /** The daemon replaces itself by the version that is installed by now, or says why not. Throws ControlError. */
  async upgrade(force: boolean): Promise<{ errors: readonly string[]; from: string; to: string }> {
    const answer = await this.#request('POST', '/v1/upgrade', { force })
    return answer as { errors: readonly string[]; from: string; to: string }
  }

  /** Hands roles over; of these instances and sync groups, or of all that are master there. Throws ControlError. */
  async failOver(names: readonly string[]): Promise<RoleAnswers<HandedOver> | RoleRefusal> {
    const answer = await this.#request('POST', '/v1/failover', { names })
    return answer as RoleAnswers<HandedOver> | RoleRefusal
  }

  /** Takes roles back. Throws ControlError. */
  async failBack(names: readonly string[]): Promise<RoleAnswers<FailedBack> | RoleRefusal> {
    const answer = await this.#request('POST', '/v1/failback', { names })
    return answer as RoleAnswers<FailedBack> | RoleRefusal
  }

  /** Keeps the node out of all roles, or ends that. Throws ControlError. */
  async maintain(on: boolean, force: boolean): Promise<RoleAnswers<HandedOver>> {
    return (await this.#request('POST', '/v1/maintenance', { on, force })) as RoleAnswers<HandedOver>
  }

  /** Says something of real servers in place of their checks and the configuration. Throws ControlError. */
  async hand(request: HandRequest): Promise<HandAnswer | HandRefusal> {
    return (await this.#request('POST', '/v1/servers', request)) as HandAnswer | HandRefusal
  }

  /** Has the checkers of real servers ask now. Throws ControlError. */
  async check(request: CheckRequest): Promise<CheckAnswer | CheckRefusal> {
    const answer = await this.#request('POST', '/v1/check', request, CHECK_PATIENCE_MS)
    return answer as CheckAnswer | CheckRefusal
  }

  /** Throws ControlError. */
  async ipvs(): Promise<IpvsListing> {
    return (await this.#request('GET', '/v1/ipvs')) as IpvsListing
  }

  /** What became of each. At most CHANGES_AT_ONCE. Throws ControlError. */
  async change(commands: readonly IpvsCommand[]): Promise<readonly IpvsOutcome[]> {
    const { outcomes } = (await this.#request('POST', '/v1/ipvs', { commands })) as { outcomes: IpvsOutcome[] }
    return outcomes
  }

  /** Throws ControlError. */
  async setTimeouts(timeouts: Timeouts): Promise<void> {
    await this.#request('POST', '/v1/ipvs/timeouts', { timeouts })
  }

  /** False when there is no such service. Throws ControlError. */
  async zero(id: ServiceId | undefined): Promise<boolean> {
    const { failure } = (await this.#request('POST', '/v1/ipvs/zero', { id })) as { failure?: string }
    return failure === undefined
  }

  /** Takes connections out of the table; returns how many. Throws ControlError. */
  async forget(filter: ConnectionFilter): Promise<number> {
    const { count } = (await this.#request('POST', '/v1/connections/forget', { filter })) as { count: number }
    return count
  }

  /** What would become of a packet. Throws ControlError. */
  async trace(packet: TracePacket, mark: number): Promise<Traced> {
    return (await this.#request('POST', '/v1/trace', { packet, mark })) as Traced
  }

  /** Each connection as it comes; nobody holds the list. Throws ControlError. */
  async *connections(filter: ConnectionFilter): AsyncGenerator<ListedConnection> {
    const client = this.#connect()
    try {
      const { statusCode, body } = await this.#ask(client, 'POST', '/v1/connections', { filter })
      if (statusCode !== 200) throw refusalOf(this.#socket, statusCode, await body.json())
      const lines = createInterface({ input: body })
      lines.on('error', () => {}) // the loop tells of it, and nobody needs to know when the reader wants no more
      for await (const line of lines) yield JSON.parse(line) as ListedConnection
    } catch (error) {
      throw this.#failure(error)
    } finally {
      await client.destroy()
    }
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    content?: object,
    patienceMs = this.#patienceMs,
  ): Promise<unknown> {
    const client = this.#connect(patienceMs)
    try {
      const { statusCode, body } = await this.#ask(client, method, path, content)
      const answer = await body.json()
      if (ANSWERS.has(statusCode)) return answer
      throw refusalOf(this.#socket, statusCode, answer)
    } catch (error) {
      throw this.#failure(error, patienceMs)
    } finally {
      await client.destroy()
    }
  }

  async #ask(client: Client, method: 'GET' | 'POST', path: string, content?: object): Promise<Dispatcher.ResponseData> {
    const begun = performance.now()
    const tell = (status: number | undefined) =>
      this.#onAsked({ request: `${method} ${path}`, status, durationMs: performance.now() - begun })
    const body = content === undefined ? {} : { body: JSON.stringify(content) }
    try {
      const answer = await client.request({ method, path, ...body })
      tell(answer.statusCode)
      return answer
    } catch (error) {
      tell(undefined)
      throw error
    }
  }

  #connect(patienceMs = this.#patienceMs): Client {
    const [headersTimeout, bodyTimeout] = [patienceMs, patienceMs]
    return new Client('http://localhost', { socketPath: this.#socket, headersTimeout, bodyTimeout })
  }

  #failure(error: unknown, patienceMs = this.#patienceMs): ControlError {
    return error instanceof ControlError ? error : unreachable(this.#socket, reasonOf(error, patienceMs))
  }
}
