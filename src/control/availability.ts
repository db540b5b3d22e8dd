import type { Seen } from '../model/availability.ts'
import type { AvailabilityInSpan } from './snapshot.ts'

const inSeconds = (ms: number) => Math.round(ms) / 1000

/**
 * MTBF is the time that it was up between failures, on average, MTTR how long a failure lasted on average, so that
 * availability = MTBF / (MTBF + MTTR).
 */
export function availabilityIn({ up, down, failures }: Seen): AvailabilityInSpan {
  const known = up + down
  const means = { mtbfSeconds: inSeconds(up / failures), mttrSeconds: inSeconds(down / failures) }
  return {
    availability: known === 0 ? undefined : up / known,
    upSeconds: inSeconds(up),
    downSeconds: inSeconds(down),
    failures,
    ...(failures === 0 ? {} : means),
  }
}
