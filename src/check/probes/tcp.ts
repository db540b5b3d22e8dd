import { connect } from 'node:net'
import type { CheckSchedule } from '../../model/check.ts'
import { probeFailure } from './probe-error.ts'

/** A TCP connection is accepted. It is closed at once. */
export async function probeTcp({ target, timeout }: CheckSchedule): Promise<string> {
  const socket = connect({ host: target.address, port: target.port, signal: AbortSignal.timeout(timeout) })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return 'connected'
  } catch (error) {
    throw probeFailure(error, timeout)
  } finally {
    socket.destroy()
  }
}
