import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './lab.ts'

/** Servers of Debian's packages on free ports of loopback, for a test file; `close` ends them and removes their files. */
export class RealServers {
  readonly folder = mkdtempSync(join(tmpdir(), 'tanist-servers-'))
  readonly #processes: ChildProcess[] = []
  readonly #ports: number[] = []

  /** A folder of its own, which this user owns. */
  folderOf(name: string, owner?: string): string {
    const folder = join(this.folder, name)
    mkdirSync(folder, { recursive: true })
    if (owner !== undefined) {
      execFileSync('chmod', ['711', this.folder])
      execFileSync('chown', ['-R', owner, folder])
    }
    return folder
  }

  file(path: string, text: string): string {
    writeFileSync(join(this.folder, path), text)
    return join(this.folder, path)
  }

  /** Starts a server in the foreground and waits until it accepts TCP connections there. */
  async start(port: number, command: string, args: readonly string[]): Promise<void> {
    const process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.folder })
    this.#processes.push(process)
    this.#ports.push(port)
    let output = ''
    for (const stream of [process.stdout, process.stderr]) stream.on('data', (text) => (output += String(text)))
    await until(`${command} to listen`, async () => {
      if (process.exitCode !== null) throw new Error(`${command} has ended: ${output}`)
      return accepts(port)
    })
  }

  async close(): Promise<void> {
    for (const process of this.#processes.toReversed()) {
      const ended = new Promise((resolve) => process.once('exit', resolve))
      if (process.exitCode === null && process.kill('SIGINT')) await ended
    }
    // What a server has begun for its last client may have the port for a moment longer.
    for (const port of this.#ports) await until(`port ${port} to be closed`, async () => !(await accepts(port)))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
