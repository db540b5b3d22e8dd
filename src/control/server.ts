import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Snapshot } from './snapshot.ts'

/** What the control socket can ask of the daemon. */
export interface ControlHandlers {
  status(): Snapshot
  /** The errors for which the new configuration was refused; none when it is in force. */
  reload(): readonly string[]
}

/**
 * The control socket: HTTP and JSON on a Unix socket that root and the group `tanist` may use.
 *
 *     GET  /v1/status   → 200 Snapshot
 *     POST /v1/reload   → 200 { errors: [] } | 422 { errors }
 */
export class ControlServer {
  readonly #server
  readonly #path: string

  /** The folder exists. What is at `path` is removed: the caller knows that no other daemon uses it. */
  constructor(path: string, handlers: ControlHandlers) {
    this.#path = path
    rmSync(path, { force: true }) // left behind by a crash
    this.#server = createServer((request, response) => answer(request, response, handlers))
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

function answer(request: IncomingMessage, response: ServerResponse, handlers: ControlHandlers): void {
  const reply = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(body)}\n`)
  }
  request.resume() // no request has a body that matters
  switch (`${request.method} ${request.url}`) {
    case 'GET /v1/status':
      reply(200, handlers.status())
      break
    case 'POST /v1/reload': {
      const errors = handlers.reload()
      reply(errors.length === 0 ? 200 : 422, { errors })
      break
    }
    default:
      reply(404, { errors: [`no ${request.method} ${request.url} here`] })
  }
}

function groupId(name: string): number | undefined {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}
