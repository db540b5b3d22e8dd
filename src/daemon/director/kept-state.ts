import { readFileSync, rmSync } from 'node:fs'
import type { Quorum } from '../../balance/pool.ts'
import type { BfdSnapshot, InstanceSnapshot } from '../../control/snapshot.ts'
import type { KeptZeros } from '../../forward/backend.ts'
import type { TrackerResult } from '../../model/tracking.ts'
import type { Millis } from '../../time.ts'
import { RUN_FOLDER, writeOwnFile } from '../run-file.ts'
import type { KeptHolds } from './holds.ts'
import type { KeptVerdict } from './verdicts.ts'

/** What a director leaves to the next one of its name. The core keeps the rest: connections, servers, services made by hand. */
export interface KeptState {
  /** So that a server that was down gets no traffic until it has been checked again. */
  readonly verdicts: readonly KeptVerdict[]
  /** By the name of the virtual server: with hysteresis the weights alone do not say. */
  readonly quorums: Readonly<Record<string, Quorum>>
  /** Undefined in versions without. */
  readonly holds?: KeptHolds
  readonly zeros: KeptZeros
  /** Set when the next director is this process itself, running another program. */
  readonly replaced: Replaced | undefined
}

/** Of a director that replaces itself. */
export interface Replaced {
  readonly version: string
  /** Of the vrrp process that goes on until its successor has taken over. */
  readonly vrrpPid: number
  readonly instances: readonly InstanceSnapshot[]
  /** Undefined in versions without trackers. */
  readonly trackers?: readonly TrackerResult[]
  /** Undefined in versions without BFD. */
  readonly bfdSessions?: readonly BfdSnapshot[]
}

/** Raise it when the meaning of what is written changes. */
const FORMAT = 1

interface Written {
  readonly format: number
  /** It holds until both clocks say so: the monotonic one in ns, in decimal, begins anew with each boot; the other can be set. */
  readonly untilNs: string
  readonly until: string
  readonly state: KeptState
}

const pathOf = (name: string) => `${RUN_FOLDER}/${name}.state.json`

/** Writes it for whoever starts within `validFor`. Throws when it cannot be written. */
export function keepState(name: string, state: KeptState, validFor: Millis): void {
  const untilNs = String(process.hrtime.bigint() + BigInt(Math.round(validFor)) * 1_000_000n)
  const written: Written = { format: FORMAT, untilNs, until: new Date(Date.now() + validFor).toISOString(), state }
  writeOwnFile(pathOf(name), JSON.stringify(written))
}

/**
 * What the director before has left, once. Undefined when there is nothing, or it is too old or cannot be read: all of it is
 * about a short time, and checks find out again what it said.
 */
export function takeKeptState(name: string): KeptState | undefined {
  try {
    // Written by this program as root, perhaps in another version; `format` tells.
    const { format, untilNs, until, state } = JSON.parse(readFileSync(pathOf(name), 'utf8')) as Written
    const holds = process.hrtime.bigint() < BigInt(untilNs) && Date.now() < Date.parse(until)
    return holds && format === FORMAT ? state : undefined
  } catch {
    return undefined
  } finally {
    rmSync(pathOf(name), { force: true })
  }
}
