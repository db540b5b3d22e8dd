/** What an operator says of a real server. It goes before its checks and its configuration. */
export type Hand =
  /** It gets no new connections, and what it has goes on. `keepClients`: but those of clients that persistence keeps there. */
  | { readonly type: 'drain'; readonly keepClients: boolean }
  /** As if it had failed. */
  | { readonly type: 'disable' }
  | { readonly type: 'weight'; readonly weight: number }

/** Whose hand it was, and since when. */
export interface HandOn {
  /** By `serviceName` and `endpointName`. */
  readonly service: string
  readonly server: string
  readonly hand: Hand
  /** `root (pid 12: tanist server …)`. */
  readonly by: string
  /** ISO 8601. */
  readonly at: string
}

/** `drained by hand, by root (pid 12: …)`. */
export function handText({ hand, by }: Pick<HandOn, 'hand' | 'by'>): string {
  switch (hand.type) {
    case 'drain':
      return `drained by hand, by ${by}`
    case 'disable':
      return `disabled by hand, by ${by}`
    case 'weight':
      return `weight ${hand.weight} by hand, by ${by}`
  }
}
