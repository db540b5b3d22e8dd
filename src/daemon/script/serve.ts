import { rmSync } from 'node:fs'
import { feedWatchdog, holdLock, keepDescriptors, limitDescriptors, notifySystemd } from '../../linux/process.ts'
import { ignoreSignalsAlone } from '../../linux/signals.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../log.ts'
import { ScriptServer, type ScriptServerOptions } from './script-server.ts'

export interface ServeOptions extends ScriptServerOptions {
  /** Of the director, for the log. */
  readonly name: string
  /** Descriptor of a socket that listens, or the path for one. */
  readonly socket: number | string
}

/** What is queued may take so long when somebody else than the director ends this process: less than a service manager waits. */
const LEAVE_MS = 20_000

/** The script process as a service of its own, until a signal or the end of its director. Throws when it cannot listen. */
export async function serveScripts({ name, socket, ...options }: ServeOptions): Promise<void> {
  ignoreSignalsAlone(['SIGTERM', 'SIGINT'])
  keepDescriptors()
  limitDescriptors()
  if (typeof socket === 'string') {
    if (!holdLock(`${socket}.lock`)) throw new Error(`another process listens at ${socket}`)
    rmSync(socket, { force: true }) // left behind by a crash
  }
  const log = await createLog('script', name)
  endOnUnexpectedErrors(log)
  const server = new ScriptServer(options, log)
  await server.listen(socket)
  let isLeaving = false
  const leave = async () => {
    if (isLeaving) return
    isLeaving = true
    notifySystemd('STOPPING=1')
    await server.leave(LEAVE_MS)
    await flushLog(log)
    process.exit()
  }
  process.on('SIGTERM', () => void leave())
  process.on('SIGINT', () => void leave())
  void server.ended.then(leave)
  feedWatchdog(() => true)
  notifySystemd('READY=1')
}
