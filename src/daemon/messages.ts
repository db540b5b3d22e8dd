import type { Outcome } from '../check/schedule.ts'
import type { Check } from '../model/check.ts'
import type { RouterIdentity, SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import type { InstanceSnapshot } from '../control/snapshot.ts'

/** Everything that the three processes say to each other, as JSON over their IPC channels. */
export type ToVrrp =
  | {
      readonly type: 'configure'
      readonly instances: readonly VrrpInstance[]
      readonly groups: readonly SyncGroup[]
      /** What was master in the process before this one, and has its addresses still there. */
      readonly adopt: readonly RouterIdentity[]
      /** What is known of them from a director that this one has replaced. */
      readonly before?: readonly InstanceSnapshot[]
    }
  /** Give all roles up. With `keepAddresses` the addresses stay until a successor is heard, or some seconds if there is none. */
  | { readonly type: 'stop'; readonly keepAddresses: boolean }
  /** The director is about to become another program: go on alone until its new vrrp process has taken over. */
  | { readonly type: 'hand-over' }

export type FromVrrp =
  /** How all instances are: once a second, and when something has changed. */
  | { readonly type: 'instances'; readonly instances: readonly InstanceSnapshot[] }
  | Transition
  /** The configuration is in force, and the instances that were to be adopted are master. */
  | { readonly type: 'adopted' }

/**
 * An instance has entered another state. Sent in the order in which it happened, when what belongs to it has been done: a
 * master has its addresses by then.
 */
export interface Transition {
  readonly type: 'transition'
  readonly instance: RouterIdentity
  readonly from: InstanceSnapshot['state']
  readonly to: InstanceSnapshot['state']
  readonly reason: string
  /** In ms since the epoch. */
  readonly at: number
}

/** One checker to run. `id` is unique and stays the same as long as the checker does. */
export interface CheckTask {
  readonly id: string
  readonly check: Check
}

export type ToCheck =
  | {
      readonly type: 'configure'
      readonly tasks: readonly CheckTask[]
      /** Ids of those that have said that their server is up: one failure of a new check process is not enough to take it out. */
      readonly up: readonly string[]
    }
  | { readonly type: 'stop' }

/**
 * The outcome of a round of one checker. Sent for the first round, when it is another one than before, and when a failure has another
 * reason.
 */
export interface Verdict extends Outcome {
  readonly id: string
  /** When it was found, in ms since the epoch. */
  readonly at: number
}

/** All verdicts of one turn of the check process, in their order. */
export type FromCheck = { readonly type: 'verdicts'; readonly verdicts: readonly Verdict[] }

/** What any child says that has nothing else to say: its event loop turns. */
export interface Alive {
  readonly type: 'alive'
}
