import { AF_UNIX, Socket, SOCK_DGRAM } from '../linux/socket.ts'
import type { TextLine } from './journal.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A message as syslog(3) writes it to /dev/log: priority, local time, program, number of the process. */
export function syslogMessage(facility: number, { priority, text }: TextLine, at: Date, pid: number): string {
  const day = `${MONTHS[at.getMonth()]} ${String(at.getDate()).padStart(2)}`
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':')
  return `<${facility * 8 + priority}>${day} ${time} tanistd[${pid}]: ${text}`
}

/** The log of a process in syslog. A message that cannot be sent at once is lost and counted. */
export class Syslog {
  readonly #facility: number
  readonly #lost: (lines: number) => void
  readonly #socket = new Socket('syslog', AF_UNIX, SOCK_DGRAM, 0)
  readonly #address: Uint8Array
  #dropped = 0
  #isTold = false

  /** `lost` is told how many messages were lost when they get through again. `path`: where syslog daemons, and the journal, listen. */
  constructor(facility: number, lost: (lines: number) => void, path = '/dev/log') {
    this.#address = unixAddress(path)
    this.#facility = facility
    this.#lost = lost
  }

  write(lines: readonly TextLine[]): void {
    let delivered = false
    for (const line of lines) {
      const message = syslogMessage(this.#facility, line, new Date(), process.pid)
      const error = this.#socket.send(Buffer.from(message), this.#address)
      if (error === undefined) delivered = true
      else this.#fail(error)
    }
    if (!delivered || this.#dropped === 0) return
    const dropped = this.#dropped
    this.#dropped = 0
    this.#lost(dropped)
  }

  /** Once a process it is said where somebody may read it. */
  #fail(error: Error): void {
    this.#dropped++
    if (this.#isTold) return
    this.#isTold = true
    process.stderr.write(`tanistd: no syslog: ${error.message}\n`)
  }
}

/** struct sockaddr_un. */
export const unixAddress = (path: string): Uint8Array =>
  Buffer.concat([Uint8Array.of(AF_UNIX, 0), Buffer.from(`${path}\0`)])
