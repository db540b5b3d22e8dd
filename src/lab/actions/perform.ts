import type { ActionName, ActionStep } from '../../drill/language/actions.ts'
import type { Stage } from '../stage.ts'

/** Steps that the machine of a run does itself. */
type CourseName = 'wait' | 'wait for' | 'claim' | 'say' | 'measure'
export type DoneName = Exclude<ActionName, CourseName>
export type ArgumentsOf<N extends ActionName> = Extract<ActionStep, { readonly action: N }>['arguments']

/** Does a step; what undoes it is left at the stage. Throws when it cannot be done. */
export type Performs<N extends ActionName> = {
  readonly [Name in N]: (stage: Stage, args: ArgumentsOf<Name>) => Promise<void>
}
