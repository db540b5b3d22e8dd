import type { FailedBack, HandedOver } from '../model/duty.ts'
import { listOf, object, parsed, truth } from './decode.ts'

/** Instances and sync groups that one request may name. */
const NAMES_AT_ONCE = 1024

/** What became of each instance. An instance is missing when the election has not answered. */
export interface RoleAnswers<T extends HandedOver | FailedBack> {
  readonly results: readonly { readonly instance: string; readonly result: T }[]
  /** Whether the node is in maintenance now. */
  readonly maintenance: boolean
}

/** Nothing was done. */
export interface RoleRefusal {
  readonly failure: string
}

const name = parsed((text) => text, 'a name')

export const rolesRequest = object<{ readonly names: readonly string[] }>({ names: listOf(name, NAMES_AT_ONCE) })
export const maintenanceRequest = object<{ readonly on: boolean; readonly force: boolean }>({ on: truth, force: truth })
