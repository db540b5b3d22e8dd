/** pino's, from everything to almost nothing. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof LEVELS)[number]

/** What `TANIST_LOG` must be; for the messages that refuse another one. */
export const LEVEL_NAMES = LEVELS.join(', ')

/** The level that a value of `TANIST_LOG` means, `info` without one; undefined when there is no such level. */
export function logLevelOf(text: string | undefined): LogLevel | undefined {
  return text === undefined || text === '' ? 'info' : LEVELS.find((level) => level === text)
}

/** The level that this process was started with. A wrong one was refused by the daemon; whoever comes here has `info` then. */
export const logLevel = (): LogLevel => logLevelOf(process.env['TANIST_LOG']) ?? 'info'

/** Whether `level` wants what is for debugging. */
export const isDebugging = (level: LogLevel): boolean => level === 'debug' || level === 'trace'
