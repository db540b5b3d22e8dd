import type { Address } from '../net/address.ts'
import type { Millis } from '../time.ts'

/** A BFD session with one neighbour: what the configuration says of it. */
export interface BfdSession extends BfdTimers {
  readonly name: string
  readonly neighbour: Address
  /** Where packets are sent from, and have to be sent to; undefined: whatever the kernel's routes say. */
  readonly source: Address | undefined
  /** Over routers (RFC 5883), not on one link (RFC 5881). */
  readonly multihop: boolean
  /** TTL or hop limit of what is sent. */
  readonly ttl: number
  /** The least one of what is received; 0: any. */
  readonly leastTtl: number
  /** Instances and groups that track it are told of it. */
  readonly forVrrp: boolean
  /** False: it is not run, and counts as down (`--no_bfd`). */
  readonly enabled: boolean
}

export interface BfdTimers {
  /** The interval that packets are to be sent at (bfd.DesiredMinTxInterval while the session is up). */
  readonly minTx: Millis
  /** The shortest interval that packets are wanted at (bfd.RequiredMinRxInterval). */
  readonly minRx: Millis
  /** In place of `minTx` while the session is not up; at least 1 s (RFC 5880 §6.8.3). */
  readonly idleTx: Millis
  /** After how many missing packets the neighbour takes the session for down. */
  readonly multiplier: number
  /** Sends nothing before it has heard the neighbour. */
  readonly passive: boolean
}

/** Words for the numbers of RFC 5880 §4.1, which tell why a session has changed its state. */
export const DIAGNOSTICS: readonly string[] = [
  'No Diagnostic',
  'Control Detection Time Expired',
  'Echo Function Failed',
  'Neighbor Signaled Session Down',
  'Forwarding Plane Reset',
  'Path Down',
  'Concatenated Path Down',
  'Administratively Down',
  'Reverse Concatenated Path Down',
]
