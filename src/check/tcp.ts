import { connect } from 'node:net'
import type { CheckSchedule } from '../config/model.ts'
import { ProbeError } from './probe-error.ts'

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
    throw new ProbeError(describe(error, timeout))
  } finally {
    socket.destroy()
  }
}

/** What a failed connection says, in a few words. */
export function describe(error: unknown, timeout: number): string {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return `no answer within ${timeout / 1000} s`
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.message : String(error)
}
