import { createHash } from 'node:crypto'
import type { CheckSchedule } from '../../model/check.ts'
import type { CheckerTask } from '../../model/checker.ts'

/** How a checker asks, which may change while it asks the same. */
const HOW: ReadonlySet<string> = new Set<keyof CheckSchedule>([
  'delayLoop',
  'timeout',
  'retry',
  'delayBeforeRetry',
  'warmup',
  'rise',
  'fall',
  'fastInterval',
  'alpha',
  'logAllFailures',
])

/** Whose a checker is, and what it asks, wherever it stands. */
export const identityOf = ({ id, check }: CheckerTask): string =>
  `${id.replace(/ \d+ \w+$/, '')} ${JSON.stringify(check, (name, value: unknown) => (HOW.has(name) ? undefined : value))}`

/** Of each checker by its id: what a file may have in place of what may be secret. */
export const digestsOf = (tasks: readonly CheckerTask[]): ReadonlyMap<string, string> =>
  new Map(tasks.map((task) => [task.id, createHash('sha256').update(identityOf(task)).digest('base64').slice(0, 16)]))
