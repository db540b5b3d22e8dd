import type { BfdState } from '../../bfd/packet.ts'
import type { BfdDrop } from '../../bfd/receive.ts'
import { detectionTime, type Session, type SessionIdentity, transmitInterval } from '../../bfd/session.ts'
import type { BfdSnapshot } from '../../control/snapshot.ts'
import type { BfdSession } from '../../model/bfd.ts'
import { type Millis, millis } from '../../time.ts'

/** Anybody can send in the neighbour's name. */
const REFUSALS_EVERY = millis(10_000)

type Counts = Pick<BfdSnapshot, 'packetsSent' | 'packetsReceived' | 'wentUp' | 'wentDown'>

const nothing = (): { -readonly [name in keyof Counts]: number } => ({
  packetsSent: 0,
  packetsReceived: 0,
  wentUp: 0,
  wentDown: 0,
})

/** What has happened to a BFD session, for people. */
export class BfdRecord {
  readonly #counts = nothing()
  readonly #dropped = new Map<string, number>()
  #since = new Date().toISOString()
  #refused: { readonly drop: BfdDrop; readonly at: Millis } | undefined
  #isFailing = false

  /** Goes on with what is known of a process before. */
  constructor(before: BfdSnapshot | undefined) {
    if (before === undefined) return
    const { packetsSent, packetsReceived, wentUp, wentDown } = before
    this.#counts = { packetsSent, packetsReceived, wentUp, wentDown }
    for (const [drop, count] of Object.entries(before.dropped)) this.#dropped.set(drop, count)
    this.#since = before.since
  }

  get said(): Counts & Pick<BfdSnapshot, 'since' | 'dropped'> {
    return { ...this.#counts, since: this.#since, dropped: Object.fromEntries(this.#dropped) }
  }

  clear(): void {
    Object.assign(this.#counts, nothing())
    this.#dropped.clear()
  }

  received(): void {
    this.#counts.packetsReceived++
  }

  /** Whether it is news that sending works, or does not. */
  sent(isSent: boolean): boolean {
    if (isSent) this.#counts.packetsSent++
    const isNews = this.#isFailing === isSent
    this.#isFailing = !isSent
    return isNews
  }

  /** Whether it is news: at most once in ten seconds. */
  refused(drop: BfdDrop, now: Millis): boolean {
    this.#dropped.set(drop, (this.#dropped.get(drop) ?? 0) + 1)
    if (this.#refused !== undefined && (this.#refused.drop === drop || now - this.#refused.at < REFUSALS_EVERY)) {
      return false
    }
    this.#refused = { drop, at: now }
    return true
  }

  moved(from: BfdState, to: BfdState): void {
    this.#since = new Date().toISOString()
    if (to === 'up') {
      this.#counts.wentUp++
      this.#refused = undefined
    } else if (from === 'up') this.#counts.wentDown++
  }
}

export function bfdSnapshot(
  { name, neighbour, source, multihop }: BfdSession,
  session: Session,
  port: number | undefined,
  record: BfdRecord,
): BfdSnapshot {
  const { state, diagnostic, discriminator, remote, timers } = session
  return {
    name,
    neighbour,
    source,
    multihop,
    state,
    diagnostic,
    transmitMs: transmitInterval(session),
    detectMs: remote.multiplier === 0 ? undefined : detectionTime(session),
    minTxMs: timers.minTx,
    minRxMs: timers.minRx,
    multiplier: timers.multiplier,
    discriminator,
    port,
    remote: {
      state: remote.state,
      diagnostic: remote.diagnostic,
      discriminator: remote.discriminator,
      demand: remote.demand,
      minTxMs: remote.minTx,
      minRxMs: remote.minRx,
      multiplier: remote.multiplier,
    },
    ...record.said,
  }
}

/** What a session goes on with in another process. */
export const identityOf = ({ discriminator, state, diagnostic, remote }: BfdSnapshot): SessionIdentity => ({
  discriminator,
  state,
  diagnostic,
  remote: {
    state: remote.state,
    diagnostic: remote.diagnostic,
    discriminator: remote.discriminator,
    demand: remote.demand,
    multiplier: remote.multiplier,
    minTx: millis(remote.minTxMs),
    minRx: millis(remote.minRxMs),
  },
})
