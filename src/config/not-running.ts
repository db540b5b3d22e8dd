import { placeText } from './source.ts'
import type { NotRunning } from '../model/config.ts'
import type { Ineffective } from './schema/entry.ts'

/** Places that are kept of each feature. */
const PLACES = 8

/** What of a configuration protects and does not run, one for each feature. */
export function notRunningOf(ineffective: Iterable<Ineffective>): NotRunning[] {
  return [...ineffective].flatMap(({ status, places }) =>
    status.effect === 'later' && status.feature.lack === 'protection'
      ? [
          {
            feature: status.feature.name,
            uses: places.length,
            places: places.slice(0, PLACES).map(placeText),
            why: status.feature.why,
          },
        ]
      : [],
  )
}

/** `track_script: 3 uses, first at tanist.conf:14:3: scripts do not run: …` */
export function notRunningText({ feature, uses, places: [first], why }: NotRunning): string {
  const where = uses === 1 ? `at ${first}` : `${uses} uses, first at ${first}`
  return `${feature}: ${where}: ${why}`
}

/** `1 protection does not run`, `3 protections do not run`. */
export function protectionCount(count: number): string {
  return count === 1 ? '1 protection does not run' : `${count} protections do not run`
}
