import type { BfdState } from '../../bfd/packet.ts'
import type { BfdDatagram, BfdDrop } from '../../bfd/receive.ts'
import type { Session } from '../../bfd/session.ts'
import { type BfdSession, DIAGNOSTICS } from '../../model/bfd.ts'
import type { Millis } from '../../time.ts'

/** What is told of BFD sessions, in keepalived's words where it has some. */

const STATES: Readonly<Record<BfdState, string>> = { 'admin-down': 'AdminDown', down: 'Down', init: 'Init', up: 'Up' }

const diagnosticText = (diagnostic: number): string => DIAGNOSTICS[diagnostic] ?? `diagnostic ${diagnostic}`

/** A session has another state. `silentFor`: how long nothing was heard, when that is why. */
export function movedLine(
  { name }: BfdSession,
  { state, diagnostic, remote }: Session,
  silentFor: Millis | undefined,
): string {
  const entering = `(${name}) Entering ${STATES[state]} state`
  if (state !== 'down') return entering
  const why = `Local diagnostic - ${diagnosticText(diagnostic)}, Remote diagnostic - ${diagnosticText(remote.diagnostic)}`
  return `${entering} (${why})${silentFor === undefined ? '' : `: Expired after ${Math.round(silentFor)} ms`}`
}

/** A packet of the neighbour was not used. */
export function refusedLine({ name, leastTtl }: BfdSession, { source, ttl }: BfdDatagram, drop: BfdDrop): string {
  const about = drop === 'ttl' ? `: its TTL is ${ttl}, and ${leastTtl} is the least` : ''
  return `(${name}) BFD packet from ${source} is refused: ${drop}${about}`
}

/** As much of a session as its trackers are told. */
interface Standing extends Pick<Session, 'state' | 'diagnostic'> {
  readonly remote: Pick<Session['remote'], 'diagnostic'>
}

/** How a session stands, for its trackers. */
export function bfdDetail({ state, diagnostic, remote }: Standing): string {
  if (state !== 'down') return STATES[state]
  if (diagnostic === 0) return `${STATES[state]}, not up yet`
  const theirs = remote.diagnostic === 0 ? '' : ` (there: ${diagnosticText(remote.diagnostic)})`
  return `${STATES[state]}: ${diagnosticText(diagnostic)}${theirs}`
}
