/** A line of a director's log as people read it. */
export interface LogLine {
  readonly text: string
  /** Whether it is an error or worse; undefined when the line does not tell, as those of keepalived. */
  readonly isError: boolean | undefined
}

/** pino's, in whose JSON tanistd writes where nobody reads it from a terminal or the journal. */
const ERROR_LEVEL = 50
/** syslog(3)'s, which the journal's lines have in front. */
const ERROR_PRIORITY = 3

/** Takes a line that tanistd has written to a pipe or for the journal, one that the journal gives as JSON, or one of any other program. */
export function readLogLine(line: string): LogLine {
  const [, priority, text] = /^<([0-7])>(.*)$/s.exec(line) ?? []
  if (text !== undefined) return { text, isError: Number(priority) <= ERROR_PRIORITY }
  const read = line.startsWith('{') ? parsed(line) : undefined
  if (read === undefined) return { text: line, isError: undefined }
  const { msg, level, errors, MESSAGE: message, PRIORITY: severity } = read
  if (typeof message === 'string') {
    return { text: message, isError: severity === undefined ? undefined : Number(severity) <= ERROR_PRIORITY }
  }
  const role = typeof read['process'] === 'string' ? `${read['process']}: ` : ''
  const more = Array.isArray(errors) ? errors.map((each) => `\n${String(each)}`).join('') : ''
  const isError = typeof level === 'number' ? level >= ERROR_LEVEL : undefined
  return { text: typeof msg === 'string' ? `${role}${msg}${more}` : line, isError }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    // What begins with a brace and is JSON is an object.
    return JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}
