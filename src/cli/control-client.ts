import { ControlClient } from '../control/client.ts'
import { isDebugging, logLevel } from '../host/log-level.ts'

/** A client of this control socket; with `TANIST_LOG=debug` it says on standard error what it asks, and how long that takes. */
export function controlClient(socket: string): ControlClient {
  if (!isDebugging(logLevel())) return new ControlClient(socket)
  return new ControlClient(socket, undefined, ({ request, status, durationMs }) => {
    process.stderr.write(`debug: ${request} at ${socket}: ${status ?? 'no answer'} after ${durationMs.toFixed(1)} ms\n`)
  })
}
