import { Client } from 'undici'
import type { Snapshot } from './snapshot.ts'

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

  /** The errors for which the file was refused; none when it is in force. Throws ControlError. */
  async reload(): Promise<readonly string[]> {
    const { errors } = (await this.#request('POST', '/v1/reload')) as { errors: string[] }
    return errors
  }

  async #request(method: 'GET' | 'POST', path: string): Promise<unknown> {
    const client = new Client('http://localhost', { socketPath: this.#socket })
    try {
      const { body } = await client.request({ method, path })
      return await body.json()
    } catch (error) {
      throw new ControlError(this.#socket, error instanceof Error ? error.message : String(error))
    } finally {
      await client.destroy()
    }
  }
}
