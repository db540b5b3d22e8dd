import type { Logger } from 'pino'
import type { Caller } from '../../control/server.ts'
import { callerName } from './caller.ts'
import { type RecentEvents, reloadEvent } from './events.ts'

interface Reload {
  /** Of the configuration. */
  readonly file: string
  /** Undefined: a signal. */
  readonly by: Caller | undefined
  /** Why it was refused; none: it is in force. */
  readonly errors: readonly string[]
}

/** Tells log and events what came of a reload. */
export function tellReload({ file, by, errors }: Reload, log: Logger, events: RecentEvents): void {
  const who = by === undefined ? 'a signal' : callerName(by)
  events.add(reloadEvent(new Date().toISOString(), who, errors))
  if (errors.length === 0) log.info({ by }, `reloaded ${file}, asked by ${who}`)
  else log.error({ by, errors }, `${file} refused; the configuration in force stays; asked by ${who}`)
}
