/** What a file says of a process of the daemon. What it does not say is as it would be. */
export interface ProcessOptions {
  /** -20 to 19. */
  readonly nice: number | undefined
  /** 1 to 99 (SCHED_RR). */
  readonly realtime: number | undefined
  /** Numbers of those that it may run on. */
  readonly cpus: readonly number[] | undefined
  /** Its memory is not swapped out. */
  readonly noSwap: boolean
}
