/** The files that keepalived's signals ask for. */
export type DumpKind = 'state' | 'stats' | 'json'

/** What a file says of them. */
export interface DumpConfig {
  /** Their paths; one that is not absolute is in the folder for such files. */
  readonly files: Readonly<Record<DumpKind, string>>
  /** The format of the JSON: an array of instances, or an object that has it. */
  readonly jsonVersion: 1 | 2
  /** Names of the instances that send mail. */
  readonly mailing: readonly string[]
}
