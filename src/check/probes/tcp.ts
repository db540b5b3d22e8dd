import type { CheckSchedule } from '../../model/check.ts'
import { connectTcp } from '../source.ts'
import type { Note } from '../steps.ts'
import { type Finding, good } from './finding.ts'

/** A TCP connection is accepted. It is closed at once. */
export async function probeTcp(check: CheckSchedule, note?: Note): Promise<Finding> {
  const socket = await connectTcp(check, check.timeout, note)
  socket.destroy()
  return good('connected')
}
