/** syslog(3)'s facilities that keepalived's `-S` names, by their codes. */
const FACILITIES: Readonly<Record<string, number>> = {
  user: 1,
  daemon: 3,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`local${n}`, 16 + n])),
}

/** The code of `daemon`, `user`, `local3` or `3`, which is `local3`; undefined for another word. */
export const facilityOf = (text: string): number | undefined => FACILITIES[/^[0-7]$/.test(text) ? `local${text}` : text]

/** Where the processes of a daemon write their logs. */
export interface LogTargets {
  /** Standard output, which systemd has connected to the journal. */
  readonly console: boolean
  /** Facility of the lines that go to syslog; undefined: none do. */
  readonly facility?: number
  /** File of the director; those of its children have the name of their part in it. */
  readonly file?: string
}

/** What tanistd tells its children, which inherit its environment. */
const VARIABLE = 'TANIST_LOG_TO'

export function setLogTargets(targets: LogTargets): void {
  process.env[VARIABLE] = JSON.stringify(targets)
}

/** Those that this process was started with; standard output alone if nothing is said. */
export function logTargets(): LogTargets {
  const text = process.env[VARIABLE]
  // Nobody but `setLogTargets` writes it.
  return text === undefined ? { console: true } : (JSON.parse(text) as LogTargets)
}
