import type { VrrpInstance } from '../model/vrrp.ts'
import { after, type Millis, millis } from '../time.ts'
import type { EngineState } from './state.ts'

/** When an instance may take a role at the earliest: start delays count from the start of the program, or of the host. */
export function startsAt({ beganAt, bootedAt }: EngineState, { election }: VrrpInstance): Millis {
  const times = [
    beganAt === undefined ? 0 : after(beganAt, election.startDelay),
    bootedAt === undefined ? 0 : after(bootedAt, election.delayAfterBoot),
  ]
  return millis(Math.max(...times))
}
