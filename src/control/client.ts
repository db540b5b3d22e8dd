import { createInterface } from 'node:readline'
import { Client } from 'undici'
import type { IpvsCommand, IpvsOutcome } from '../balance/ipvs-table.ts'
import type { ServiceId } from '../config/model.ts'
import type { Timeouts } from '../forward/layout.ts'
import type { Traced, TracePacket } from '../forward/trace.ts'
import type { ConnectionFilter } from './connection-filter.ts'
import type { IpvsListing, ListedConnection } from './ipvs.ts'
import type { Reloaded, Snapshot } from './snapshot.ts'

/** Statuses of an answer; with the others the daemon has not understood the request, or could not do it. */
const ANSWERS: readonly number[] = [200, 409, 422]

/** The daemon cannot be asked. */
export class ControlError extends Error {
  constructor(socket: string, reason: string) {
    super(`cannot reach tanistd at ${socket}: ${reason}`)
    this.name = 'ControlError'
  }
}

/** The other end of the control socket. */
export class ControlClient {
  readonly #socket: string

  constructor(socket: string) {
    this.#socket = socket
  }

  /** Throws ControlError. */
  async status(): Promise<Snapshot> {
    // Written by the server of the same release.
    return (await this.#request('GET', '/v1/status')) as Snapshot
  }

  /** Throws ControlError. */
  async reload(): Promise<Reloaded> {
    return (await this.#request('POST', '/v1/reload')) as Reloaded
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
    const client = new Client('http://localhost', { socketPath: this.#socket })
    try {
      const { statusCode, body } = await client.request({
        method: 'POST',
        path: '/v1/connections',
        body: JSON.stringify({ filter }),
      })
      if (statusCode !== 200) throw new Error(reasonIn(await body.json()))
      for await (const line of createInterface({ input: body })) yield JSON.parse(line) as ListedConnection
    } catch (error) {
      throw new ControlError(this.#socket, error instanceof Error ? error.message : String(error))
    } finally {
      await client.destroy()
    }
  }

  async #request(method: 'GET' | 'POST', path: string, content?: object): Promise<unknown> {
    const client = new Client('http://localhost', { socketPath: this.#socket })
    try {
      const { statusCode, body } = await client.request({
        method,
        path,
        ...(content === undefined ? {} : { body: JSON.stringify(content) }),
      })
      const answer = await body.json()
      if (!ANSWERS.includes(statusCode)) throw new Error(reasonIn(answer))
      return answer
    } catch (error) {
      throw new ControlError(this.#socket, error instanceof Error ? error.message : String(error))
    } finally {
      await client.destroy()
    }
  }
}

/** Why a request was refused. */
function reasonIn(answer: unknown): string {
  const { errors } = answer as { readonly errors?: readonly string[] }
  return errors?.join('; ') ?? 'it does not answer as tanistd does'
}
