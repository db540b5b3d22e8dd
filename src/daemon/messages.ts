import type { Check, SyncGroup, VrrpInstance } from '../config/model.ts'
import type { InstanceSnapshot } from '../control/snapshot.ts'

/** Everything that the three processes say to each other, as JSON over their IPC channels. */
export type ToVrrp =
  | {
      readonly type: 'configure'
      readonly instances: readonly VrrpInstance[]
      readonly groups: readonly SyncGroup[]
      /** Instances that were master in the process before this one, and whose addresses are still there. */
      readonly adopt: readonly string[]
    }
  | { readonly type: 'stop' }

export type FromVrrp =
  | { readonly type: 'instances'; readonly instances: readonly InstanceSnapshot[] }
  /** Priority 0 is sent and the addresses are gone. */
  | { readonly type: 'stopped' }

/** One checker to run. `id` is unique and stays the same as long as the checker does. */
export interface CheckTask {
  readonly id: string
  readonly check: Check
}

export type ToCheck = { readonly type: 'configure'; readonly tasks: readonly CheckTask[] } | { readonly type: 'stop' }

/** The outcome of a round of one checker. Sent when it differs from the one before, and for the first. */
export interface Verdict {
  readonly id: string
  readonly up: boolean
  readonly reason: string
}

export type FromCheck = { readonly type: 'verdict'; readonly verdict: Verdict }
