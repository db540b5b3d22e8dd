import { calls, checked } from './libc.ts'
import { timespecMs } from './message-batch.ts'
import { NativeMemory } from './native-memory.ts'

const CLOCK_REALTIME = 0
let time: NativeMemory | undefined

/** The clock that receive stamps are of: ms since the epoch, with all that it knows behind the point. It may step. */
export function wallClock(): number {
  time ??= new NativeMemory(16)
  checked(calls.clockGettime(CLOCK_REALTIME, time.address), 'read', 'clock')
  return timespecMs(time.view)
}
