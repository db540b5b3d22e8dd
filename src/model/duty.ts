/** What an operator has asked of an instance on this node, beyond its configuration. */
export type Duty =
  /** To take part as it is configured. */
  | 'normal'
  /** It was handed over: it preempts nobody, and is master only when there is no other. */
  | 'standby'
  /** It is never master. */
  | 'maintenance'

/** What an operator has asked of a node. Survives restarts. */
export interface Duties {
  /** For all instances, those of later configurations, too. */
  readonly maintenance: boolean
  /** Names of instances. What is said of one holds for its sync group. */
  readonly standby: readonly string[]
}

export const NO_DUTIES: Duties = { maintenance: false, standby: [] }

/** What became of an instance that was to be handed over. */
export type HandedOver =
  | { readonly outcome: 'handed-over'; readonly to: string; readonly ms: number }
  /** Nobody has taken over in time. It is master still, or by `--force` not any more. */
  | { readonly outcome: 'nobody' | 'given-up'; readonly ms: number }
  /** There was nothing to hand over. */
  | { readonly outcome: 'not-master' }

/** What became of an instance that was to be master again. */
export type FailedBack =
  | { readonly outcome: 'taken' | 'already-master' }
  | { readonly outcome: 'outranked'; readonly by: string; readonly priority: number }
  /** It cannot take part, or there is no master: it goes on by the rules of the protocol. */
  | { readonly outcome: 'waits'; readonly reason: string }
