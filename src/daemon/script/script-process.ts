import { keepDescriptors, limitDescriptors } from '../../linux/process.ts'
import { ignoreSignalsAlone } from '../../linux/signals.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../log.ts'
import type { FromScript, ToScript } from '../messages.ts'
import { PULSES, startPulse } from '../pulse.ts'
import { ScriptService } from './script-service.ts'

/**
 * The script process as a child of the director, with its rights: runs the commands of the configuration and watches what instances
 * track. It reads nothing from the network. `serve.ts` is the same as a service of its own.
 */
const [, , name = '', file = '', configId = ''] = process.argv
keepDescriptors()
limitDescriptors()
const log = await createLog('script', name)
endOnUnexpectedErrors(log)

function send(message: FromScript): void {
  if (process.connected) process.send?.(message)
}

const service = new ScriptService({ file, configId }, send, log)
startPulse(PULSES.script)
process.on('message', (message: ToScript) => service.take(message))
// Signals are for the director, which tells its children.
ignoreSignalsAlone()
process.on('disconnect', () => {
  void service
    .leave()
    .then(() => flushLog(log))
    .then(() => process.exit())
})
