import type { Millis } from '../time.ts'

/** A command of the configuration. It is executed, not given to a shell. */
export interface Command {
  /** The program and its arguments; at least one. */
  readonly argv: readonly string[]
  /** As whom: a name or a number. The script user of the configuration when undefined. */
  readonly user: string | undefined
  /** The primary group of the user when undefined. */
  readonly group: string | undefined
}

/** How all commands of a configuration are run. */
export interface CommandPolicy {
  /** `script_user`; undefined: the user `keepalived_script` if there is one, else root. */
  readonly user: { readonly user: string; readonly group: string | undefined } | undefined
  /** Refuse to run a command as root if others may write to a part of its path. */
  readonly secure: boolean
  /** Give it the other groups of its user, too. */
  readonly supplementaryGroups: boolean
}

/** A command that runs once, and how long it may take. */
export interface TimedCommand {
  readonly command: Command
  readonly timeout: Millis
}
