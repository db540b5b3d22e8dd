import { fstatSync } from 'node:fs'

/** syslog(3)'s priorities by pino's levels: debug, info, warning, error, critical. */
const PRIORITIES: Readonly<Record<number, number>> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 }

/** Whether standard output is what systemd has connected to the journal (systemd.exec(5), `$JOURNAL_STREAM`). */
export function writesToJournal(): boolean {
  const { dev, ino } = fstatSync(1, { bigint: true })
  return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`
}

/** A line of the log as people read it, with its priority. */
export interface TextLine {
  readonly priority: number
  readonly text: string
}

/** The lines that people read for one of pino's, which is `json`: without time, host and unit. */
export function textLines(json: string): readonly TextLine[] {
  const {
    level,
    process: role,
    msg,
    errors = [],
  } = JSON.parse(json) as {
    readonly level: number
    readonly process: string
    readonly msg: string
    /** Of a configuration that was refused. */
    readonly errors?: readonly string[]
  }
  const lines = [`${role}: ${msg}`, ...errors].join('\n').split('\n')
  return lines.map((text) => ({ priority: PRIORITIES[level] ?? 6, text }))
}

/** The same for the journal: sd-daemon(3)'s `<priority>` before each line. */
export function journalText(json: string): string {
  return textLines(json)
    .map(({ priority, text }) => `<${priority}>${text}\n`)
    .join('')
}
