import { COURSE } from './actions/course.ts'
import { DAEMONS } from './actions/daemons.ts'
import { NETWORKS } from './actions/networks.ts'
import { OPERATIONS } from './actions/operations.ts'
import { SERVERS_AND_SCRIPTS } from './actions/servers.ts'
import { STRANGERS } from './actions/strangers.ts'
import type { Arguments } from './kinds.ts'

/** Every action, by the name that it has in a file. The only place that says what there is. */
export const ACTIONS = {
  ...COURSE,
  ...DAEMONS,
  ...NETWORKS,
  ...SERVERS_AND_SCRIPTS,
  ...OPERATIONS,
  ...STRANGERS,
} as const

export type ActionName = keyof typeof ACTIONS

/** A step that does something; its arguments have the values that were left out. */
export type ActionStep = {
  readonly [N in ActionName]: { readonly action: N; readonly arguments: Arguments<(typeof ACTIONS)[N]['parameters']> }
}[ActionName]
