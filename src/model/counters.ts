/** What is counted of a service or a server. */
export interface Counters {
  readonly connections: bigint
  readonly inPackets: bigint
  readonly outPackets: bigint
  readonly inBytes: bigint
  readonly outBytes: bigint
}

/** The same, a second. */
export type Rates = Readonly<Record<keyof Counters, number>>
