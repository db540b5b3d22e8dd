/** What the daemon was given for itself: a program that heeds it would speak to systemd, or debug, in its place. */
const OWN = /^(NODE_.*|TANIST_.*|NOTIFY_SOCKET|WATCHDOG_(USEC|PID)|LISTEN_(FDS|PID|FDNAMES)|JOURNAL_STREAM)$/
/** Changes what programs of other users do; keepalived takes them away, too. */
const UNSAFE = /^(IFS|LD_.*)$/

/** The environment of every command: that of the daemon, without what is only for it. */
export function commandEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const left: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !OWN.test(name) && !UNSAFE.test(name)) left[name] = value
  }
  return left
}
