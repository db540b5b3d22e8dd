import { execFile } from 'node:child_process'
import type { Command, CommandPolicy } from '../../model/command.ts'

/** As whom a program runs. */
export interface Identity {
  readonly uid: number
  readonly gid: number
  /** Whether the user is known by name, so that they can be a member of groups. */
  readonly hasEntry: boolean
}

/** Who cannot be found out, and why: nobody runs for them. */
export interface UnknownIdentity {
  readonly error: string
}

/** keepalived's, where the configuration does not say a user. */
const DEFAULT_USER = 'keepalived_script'
const ROOT: Identity = { uid: 0, gid: 0, hasEntry: true }

/** A directory service that does not answer is given up. */
const LOOKUP_MS = 10_000
/** A group may have hundreds of thousands of members. */
const LONGEST_ENTRY = 64 * 1024 * 1024
/** getent(1): a key is not in the database. */
const NOT_FOUND = 2

type Entry = readonly string[] | 'missing' | UnknownIdentity

/**
 * Users and groups by name or number. `getent` looks them up, because it asks what the C library asks (LDAP, SSSD), as a program of its
 * own: a directory that hangs holds up nobody but the command that waits for it. BOUNDED by the users of a configuration.
 */
export class Identities {
  readonly #policy: CommandPolicy
  readonly #entries = new Map<string, Promise<Entry>>()
  /** What was found last: holds when nobody answers. */
  readonly #found: Map<string, readonly string[]>

  /** `before`: of the configuration before, so that a reload while a directory does not answer is none that nobody may run. */
  constructor(policy: CommandPolicy, before: Identities | undefined) {
    this.#policy = policy
    this.#found = new Map(before === undefined ? [] : before.#found)
  }

  async of({ user, group }: Pick<Command, 'user' | 'group'>): Promise<Identity | UnknownIdentity> {
    if (user !== undefined) return await this.#named(user, group)
    if (this.#policy.user !== undefined) return await this.#named(this.#policy.user.user, this.#policy.user.group)
    const entry = await this.#entry('passwd', DEFAULT_USER)
    return entry === 'missing' ? ROOT : identityOf(entry, DEFAULT_USER)
  }

  async #named(user: string, group: string | undefined): Promise<Identity | UnknownIdentity> {
    const entry = await this.#entry('passwd', user)
    const isNumber = /^\d+$/.test(user)
    if (group === undefined) {
      if (entry !== 'missing') return identityOf(entry, user)
      return { error: isNumber ? `user ${user} is not known here, so its group must be named` : noSuch('user', user) }
    }
    if (entry === 'missing' && !isNumber) return { error: noSuch('user', user) }
    const known = entry === 'missing' ? { uid: Number(user), hasEntry: false } : identityOf(entry, user)
    if ('error' in known) return known
    const gid = await this.#groupId(group)
    return typeof gid === 'number' ? { ...known, gid } : gid
  }

  async #groupId(group: string): Promise<number | UnknownIdentity> {
    if (/^\d+$/.test(group)) return Number(group)
    const entry = await this.#entry('group', group)
    if (entry === 'missing') return { error: noSuch('group', group) }
    return 'error' in entry ? entry : Number(entry[2])
  }

  /** What is found stays so until the next configuration, as does that there is no default user; others are looked for again. */
  async #entry(database: 'passwd' | 'group', key: string): Promise<Entry> {
    const name = `${database} ${key}`
    const asked = this.#entries.get(name) ?? lookUp(database, key)
    this.#entries.set(name, asked)
    const entry = await asked
    if (entry === 'missing') {
      if (key !== DEFAULT_USER) this.#entries.delete(name)
      return entry
    }
    if ('error' in entry) {
      this.#entries.delete(name)
      return this.#found.get(name) ?? entry
    }
    this.#found.set(name, entry)
    return entry
  }
}

const noSuch = (what: string, name: string) => `there is no ${what} ${name} here`

function identityOf(entry: Exclude<Entry, 'missing'>, user: string): Identity | UnknownIdentity {
  if ('error' in entry) return entry
  const [uid, gid] = [Number(entry[2]), Number(entry[3])]
  const isWhole = Number.isInteger(uid) && Number.isInteger(gid)
  return isWhole ? { uid, gid, hasEntry: true } : { error: `the entry of user ${user} cannot be read` }
}

/** The fields of a line of passwd(5) or group(5). */
async function lookUp(database: 'passwd' | 'group', key: string): Promise<Entry> {
  return await new Promise((resolve) => {
    const options = { timeout: LOOKUP_MS, killSignal: 'SIGKILL', maxBuffer: LONGEST_ENTRY } as const
    const failed = (error: unknown) => resolve({ error: `cannot look up ${key}: ${String(error)}` })
    try {
      execFile('getent', [database, '--', key], options, (error, output) => {
        if (error === null) resolve(output.trim().split(':'))
        else if (error.code === NOT_FOUND) resolve('missing')
        else if (error.killed === true) failed(`it took more than ${LOOKUP_MS / 1000} s`)
        else failed(error)
      })
    } catch (error) {
      failed(error) // a name that cannot be an argument
    }
  })
}
