import type { ActionStep } from '../../drill/language/actions.ts'
import type { LeftUndo, Stage } from '../stage.ts'
import { DAEMON_STEPS } from './daemons.ts'
import { NETWORK_STEPS } from './networks.ts'
import { OPERATION_STEPS, RUN_STEP } from './operations.ts'
import type { DoneName, Performs } from './perform.ts'
import { SERVER_STEPS } from './servers.ts'
import { STRANGER_STEPS } from './strangers.ts'

const STEPS: Performs<DoneName> = {
  ...DAEMON_STEPS,
  ...NETWORK_STEPS,
  ...SERVER_STEPS,
  ...OPERATION_STEPS,
  ...RUN_STEP,
  ...STRANGER_STEPS,
}

/** Does a step of a drill. Resolves to why it could not be done, if it could not, and to what it has left to be undone in any case. */
export async function perform(
  stage: Stage,
  { action, arguments: args }: ActionStep,
): Promise<{ readonly failure: unknown; readonly undos: readonly LeftUndo[] }> {
  try {
    if (!Object.hasOwn(STEPS, action)) throw new Error(`${action} is none of a stage`)
    // The table has made both from one entry.
    const step = STEPS[action as DoneName] as (stage: Stage, args: unknown) => Promise<void>
    await step(stage, args)
    return { failure: undefined, undos: stage.takeLeft() }
  } catch (failure) {
    return { failure, undos: stage.takeLeft() }
  }
}
