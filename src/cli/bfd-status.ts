import type { BfdSnapshot } from '../control/snapshot.ts'
import { DIAGNOSTICS } from '../model/bfd.ts'

/** How BFD sessions are told to people. */

/** `10.0.0.2`, `10.0.0.2 from 10.0.0.1 over routers`. */
export function neighbourText({ neighbour, source, multihop }: BfdSnapshot): string {
  return `${neighbour}${source === undefined ? '' : ` from ${source}`}${multihop ? ' over routers' : ''}`
}

/** `50 ms × 3 → 150 ms`: the interval that the neighbour's packets may have, how many may be missing, and how long that is. */
export function detectionText({ detectMs, remote }: BfdSnapshot): string {
  if (detectMs === undefined) return ''
  return `${milliseconds(detectMs / remote.multiplier)} × ${remote.multiplier} → ${milliseconds(detectMs)}`
}

/** With a microsecond as the least. */
export const milliseconds = (ms: number): string => `${Number(ms.toFixed(3))} ms`

/** Nothing for `No Diagnostic`. */
export const diagnosticText = (diagnostic: number): string =>
  diagnostic === 0 ? '' : (DIAGNOSTICS[diagnostic] ?? `diagnostic ${diagnostic}`)

/** What the neighbour has said last: `UP`, `DOWN: Control Detection Time Expired`; nothing before it was heard. */
export function remoteText({ remote, packetsReceived }: BfdSnapshot): string {
  if (packetsReceived === 0) return 'not heard yet'
  const why = diagnosticText(remote.diagnostic)
  return `${remote.state.toUpperCase()}${why === '' ? '' : `: ${why}`}`
}
