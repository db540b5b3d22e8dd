import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { Millis } from '../time.ts'
import { Lines } from './lines.ts'
import type { Ran } from './place.ts'

/** BOUNDED: of each kind of output. What comes beyond is dropped. */
const OUTPUT_LIMIT = 1 << 20
/** A line of a command that goes on is cut there. */
const LONGEST_LINE = 1 << 16
/** A command has ended, but somebody whom it has started still has its output open. */
const OUTPUT_PATIENCE_MS = 1000
/** From the request to end to the end by force. */
const END_PATIENCE_MS = 5000

/** A command that was begun and has its own process group. */
export interface Running {
  readonly ended: Promise<Ran>
  /** By force, with all that it has started and that has not left its group. */
  kill(): void
}

/** Runs a command, without a shell, at most `limit`. That it cannot be started is an end without status, with the reason in `stderr`. */
export function runCommand(argv: readonly string[], limit: Millis): Running {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const [stdout, stderr] = [new Output(), new Output()]
  child.stdout.on('data', (piece: Buffer) => stdout.add(piece))
  child.stderr.on('data', (piece: Buffer) => stderr.add(piece))
  const ended = new Promise<Ran>((resolve) => {
    const end = (status: number | undefined, failure = '') => {
      clearTimeout(late)
      resolve({ status, stdout: stdout.text(), stderr: stderr.text() + failure })
    }
    let isLate = false
    const late = setTimeout(() => {
      isLate = true
      killGroup(child, 'SIGKILL')
    }, limit)
    child.once('error', (error) => end(undefined, error.message))
    child.once('exit', (code, signal) => {
      const finish = () =>
        end(
          code ?? undefined,
          isLate ? `ended by force after ${limit} ms` : signal === null ? '' : `ended by ${signal}`,
        )
      const patience = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, OUTPUT_PATIENCE_MS)
      child.once('close', () => {
        clearTimeout(patience)
        finish()
      })
    })
  })
  return { ended, kill: () => killGroup(child, 'SIGKILL') }
}

class Output {
  readonly #pieces: Buffer[] = []
  #size = 0

  add(piece: Buffer): void {
    const kept = piece.subarray(0, OUTPUT_LIMIT - this.#size)
    this.#pieces.push(kept)
    this.#size += kept.length
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString()
  }
}

/** How a command is started that goes on. */
export interface Background {
  readonly argv: readonly string[]
  /** Appended to. */
  readonly log: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly onLine: ((line: string) => void) | undefined
}

/** Gives the process when it runs. Rejects when it cannot be started. */
export async function startCommand({ argv, log, env, onLine }: Background): Promise<ChildProcess> {
  const [file = '', ...args] = argv
  const logFd = log === undefined ? undefined : openSync(log, 'a')
  try {
    const output = logFd ?? (onLine === undefined ? 'ignore' : 'pipe')
    const child = spawn(file, args, {
      stdio: ['ignore', output, output],
      detached: true,
      env: { ...process.env, ...env },
    })
    if (onLine !== undefined) {
      for (const stream of [child.stdout, child.stderr]) {
        const lines = new Lines(LONGEST_LINE, onLine)
        stream?.on('data', (piece: Buffer) => lines.take(piece))
        stream?.once('end', () => lines.end())
      }
    }
    await once(child, 'spawn')
    return child
  } finally {
    if (logFd !== undefined) closeSync(logFd)
  }
}

/** Asks a process and its group to end, and ends them by force if need be. Resolves when it has ended. */
export async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  killGroup(child, 'SIGTERM')
  const late = setTimeout(() => killGroup(child, 'SIGKILL'), END_PATIENCE_MS)
  await ended
  clearTimeout(late)
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // it has just ended
  }
}
