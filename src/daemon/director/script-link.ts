import { connect, type Socket } from 'node:net'
import type { Logger } from 'pino'
import type { ProcessSnapshot } from '../../control/snapshot.ts'
import { peerOf } from '../../linux/peer.ts'
import { Child, ROOMY_CHILD_OPTIONS } from '../child.ts'
import type { FromScript, Hello, ToScript } from '../messages.ts'
import { PULSES } from '../pulse.ts'
import { LineReader, LONGEST_LINE } from '../script/line-reader.ts'
import { processSnapshot } from './process-snapshot.ts'

/** The way to the process that runs commands, which may come and go. */
export interface ScriptLink {
  readonly isWell: boolean
  readonly snapshot: ProcessSnapshot
  /** Does nothing while it is away. */
  send(message: ToScript): void
  /** No more of it. */
  stop(patienceMs: number): Promise<void>
}

export interface ScriptListener {
  /** It is there, and knows nothing yet. */
  connected(): void
  message(message: FromScript): void
  lost(how: string): void
}

/** A child of this process. */
export function forkedScripts(args: readonly string[], listener: ScriptListener): ScriptLink {
  const child = new Child<ToScript, FromScript>(
    { role: 'script', args: () => args, execArgv: ROOMY_CHILD_OPTIONS, pulse: PULSES.script },
    {
      started: () => setImmediate(() => listener.connected()),
      message: (message) => listener.message(message),
      died: (how) => listener.lost(how),
    },
  )
  return {
    get isWell() {
      return child.isWell
    },
    get snapshot() {
      return processSnapshot('script', child)
    },
    send: (message) => child.send(message),
    async stop(patienceMs) {
      const stopped = child.stop(patienceMs)
      child.disconnect()
      await stopped
    },
  }
}

/** How soon to look again for a service that is not there. */
const RECONNECT_MS = 500

/** BOUNDED: bytes that the service has not read yet. With more it is given up and looked for again. */
const UNREAD_LIMIT = 1 << 20

/** What a service of another version may take for what it has been told, before its successor starts. */
const SUCCESSION_MS = 2000

/**
 * The service that listens at `path`, of the same version as this process: another one, left over from before an upgrade, is told to
 * finish, and whoever looks after it starts it anew. The other end must be root's: it decides who is master.
 */
export function scriptService(path: string, version: string, log: Logger, listener: ScriptListener): ScriptLink {
  let socket: Socket | undefined
  let timer: NodeJS.Timeout | undefined
  let pid: number | undefined
  let restarts = 0
  let lastEnd: string | undefined
  let isStopped = false
  /** Once is enough: a program that was replaced on the disk under this process stays another one. */
  let hasSucceeded = false
  /** What was said last, so that one reason is told once. */
  let told = ''
  const open = () => {
    const opened = connect(path)
    let isConnected = false
    let why = 'it has closed its socket'
    opened.on('connect', () => {
      if (peerOf(opened).uid === 0) return
      why = `the process at ${path} is not root's`
      opened.destroy()
    })
    const greeted = (hello: Hello) => {
      if (hello.version !== version && !hasSucceeded) {
        hasSucceeded = true
        opened.write(
          `${JSON.stringify({ type: 'finish', within: SUCCESSION_MS, shutdown: false } satisfies ToScript)}\n`,
        )
        return
      }
      pid = hello.pid // systemd has opened the socket, so the kernel would name it
      isConnected = true
      socket = opened
      told = ''
      listener.connected()
    }
    const reader = new LineReader(LONGEST_LINE)
    opened.on('data', (bytes) => {
      let lines: readonly string[]
      try {
        lines = [...reader.add(bytes)]
      } catch (error) {
        opened.destroy(error instanceof Error ? error : undefined)
        return
      }
      for (const line of lines) {
        // It is the service's own words, written as root.
        const message = JSON.parse(line) as FromScript | Hello
        if (message.type === 'hello') greeted(message)
        else if (isConnected) listener.message(message)
        else if (message.type === 'finished') opened.destroy()
      }
    })
    opened.on('error', (error) => (why = error.message))
    opened.on('close', () => {
      socket = undefined
      pid = undefined
      if (isStopped) return
      if (isConnected) {
        restarts++
        lastEnd = why
        listener.lost(why)
      } else if (told !== why) log.error(`no way to the service that runs commands yet: ${why}`)
      told = why
      timer = setTimeout(open, RECONNECT_MS)
    })
  }
  open()
  return {
    isWell: true, // systemd looks after it
    get snapshot() {
      return processSnapshot('script', { pid, restarts, lastEnd })
    },
    send(message) {
      if (socket === undefined) return
      socket.write(`${JSON.stringify(message)}\n`)
      if (socket.writableLength > UNREAD_LIMIT) socket.destroy(new Error('it does not read what it is told'))
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      socket?.destroy()
    },
  }
}
