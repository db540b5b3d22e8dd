import { connect } from 'node:net'
import type { CheckSchedule } from '../../model/check.ts'
import { type Finding, good } from './finding.ts'

/** A TCP connection is accepted. It is closed at once. */
export async function probeTcp({ target, timeout }: CheckSchedule): Promise<Finding> {
  const socket = connect({ host: target.address, port: target.port, signal: AbortSignal.timeout(timeout) })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return good('connected')
  } finally {
    socket.destroy()
  }
}
