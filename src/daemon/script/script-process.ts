import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { readConfigFile } from '../../host/config-file.ts'
import { reasonOf } from '../../host/regular-file.ts'
import {
  enterNetworkNamespace,
  feedWatchdog,
  keepDescriptors,
  limitDescriptors,
  notifySystemd,
} from '../../linux/process.ts'
import { ignoreSignalsAlone } from '../../linux/signals.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../log.ts'
import type { FromScript, ToScript } from '../messages.ts'
import { PULSES, startPulse } from '../pulse.ts'
import { ScriptService } from './script-service.ts'
import { ScriptSocket } from './script-socket.ts'

/**
 * The script process: runs the commands of the configuration and watches what instances track. It reads nothing from the network.
 *
 *     script-process NAME FILE CONFIG-ID           as a child of the director, with its rights
 *     script-process NAME FILE CONFIG-ID SOCKET    as a service of its own, which a director connects to
 */
const [, , name = '', file = '', configId = '', socketPath] = process.argv
if (socketPath !== undefined) enterNamespace()
keepDescriptors()
limitDescriptors()
const log = await createLog('script', name)
endOnUnexpectedErrors(log)

let send: (message: FromScript) => void = () => {}
const service = new ScriptService({ file, configId }, (message) => send(message), log)
const take = (message: ToScript) => service.take(message)
if (socketPath === undefined) {
  send = (message) => {
    if (process.connected) process.send?.(message)
  }
  startPulse(PULSES.script)
  process.on('message', take)
  // Signals are for the director, which tells its children.
  ignoreSignalsAlone()
  process.on('disconnect', () => void leave())
} else {
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o755 })
  const socket = new ScriptSocket(socketPath, take, () => notifySystemd('READY=1'), log)
  send = (message) => socket.send(message)
  ignoreSignalsAlone(['SIGTERM', 'SIGINT'])
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      notifySystemd('STOPPING=1')
      socket.close()
      void leave()
    })
  }
  feedWatchdog(() => true)
}

async function leave(): Promise<void> {
  await service.leave()
  await flushLog(log)
  process.exit()
}

/** Where the director works, so that commands see the network that it sees. A file that cannot be read names no other one. */
function enterNamespace(): void {
  const read = readConfigFile(file, configId)
  const namespace = 'loaded' in read ? read.loaded.settings.net_namespace : undefined
  if (namespace === undefined) return
  try {
    enterNetworkNamespace(namespace)
  } catch (error) {
    process.stderr.write(`tanist: cannot enter the network namespace ${namespace}: ${reasonOf(error)}\n`)
    process.exit(1)
  }
}
