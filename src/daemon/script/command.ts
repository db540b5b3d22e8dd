import { type ChildProcess, spawn } from 'node:child_process'
import type { Command, CommandPolicy } from '../../model/command.ts'
import type { CommandRun } from '../messages.ts'
import { commandEnvironment } from './environment.ts'
import { CommandOutput } from './command-output.ts'
import { Identities, type Identity } from './identities.ts'
import { ProcessGroup } from './process-group.ts'
import { findProgram } from './program.ts'

/** How a command ended. */
export interface CommandEnd {
  /** `exit status 1`, `killed by SIGTERM after its time limit of 1 s`, `not started: there is no user web here`. */
  readonly end: string
  /** `unable`: this host could not start it, which says nothing of what it would have found. */
  readonly verdict: 'good' | 'bad' | 'unable'
  /** The program has run. A bad one that has not is missing, or may not be run as whom it should. */
  readonly started: boolean
  /** Exit status; undefined when a signal has ended it, or it was not started. */
  readonly status: number | undefined
  readonly ms: number
  /** First line of its output, cut; empty when there was none. */
  readonly output: string
}

/** What the director is told of it. `queue`: for whom it ran. */
export const commandRun = (queue: string, argv: readonly string[], ended: CommandEnd): CommandRun => ({
  type: 'ran',
  queue,
  argv,
  end: ended.end,
  good: ended.verdict === 'good',
  ms: ended.ms,
  output: ended.output,
  at: Date.now(),
})

export interface RunningCommand {
  /** Resolves when the program has gone. */
  readonly ended: Promise<CommandEnd>
  /** Ends it and all processes of its group: SIGTERM, and SIGKILL when that does not help. `why`: `its time limit of 1 s`. */
  stop(why: string): void
}

/** Changes user and groups, and is in util-linux, as is the `nsenter` that a namespace needs. */
const SETPRIV = '/usr/bin/setpriv'
/** setpriv could not change the user, or start the program. */
const NOT_STARTED: ReadonlySet<number | null> = new Set([126, 127])
const SETPRIV_SAYS = /^setpriv: /
const NOT_RUN = { started: false, status: undefined, output: '' } as const

/** Starts the commands of one configuration. */
export class Commands {
  readonly #policy: CommandPolicy
  readonly #bombed: (program: string) => void
  readonly identities: Identities
  readonly #environment = commandEnvironment(process.env)

  /** `before`: those of the configuration before this one. `bombed`: what a program has left running was too much, and is killed. */
  constructor(policy: CommandPolicy, before: Commands | undefined, bombed: (program: string) => void) {
    this.#policy = policy
    this.#bombed = bombed
    this.identities = new Identities(policy, before?.identities)
  }

  /** `args` stand behind those of the command. */
  start(command: Command, args: readonly string[]): RunningCommand {
    const [name = '', ...own] = command.argv
    const begun = performance.now()
    const stopped = Promise.withResolvers<string>()
    let group: ProcessGroup | undefined
    let why: string | undefined
    const run = async (): Promise<CommandEnd> => {
      const found = await Promise.race([this.#prepare(command, name), stopped.promise])
      const prepared = why === undefined && typeof found === 'object' ? found : { error: `waited for ${why}` }
      if ('error' in prepared) {
        const end = `not started: ${prepared.error}`
        return { ...NOT_RUN, end, verdict: 'bad', ms: performance.now() - begun }
      }
      const { identity, file } = prepared
      const launch = [...this.#setpriv(identity), '--', file, ...own, ...args]
      const started = (id: number) => (group = new ProcessGroup(id, () => this.#bombed(file)))
      return await launched(launch, this.#environment, identity, started, () => why)
    }
    return {
      ended: run(),
      stop(reason) {
        why ??= reason
        if (group === undefined) stopped.resolve(reason)
        else group.end()
      },
    }
  }

  async #prepare(
    command: Command,
    name: string,
  ): Promise<{ readonly identity: Identity; readonly file: string } | { readonly error: string }> {
    const identity = await this.identities.of(command)
    if ('error' in identity) return identity
    const program = await findProgram(name, this.#policy.secure && identity.uid === 0)
    return 'error' in program ? program : { identity, file: program.file }
  }

  /**
   * setpriv, and not libuv's own change of user: it knows supplementary groups, has the kernel end the program with this process, and is
   * what waits when the program lies on a file system that hangs.
   */
  #setpriv({ uid, gid, hasEntry }: Identity): readonly string[] {
    const withParent = ['--pdeathsig', 'TERM']
    const isSame = uid === process.getuid?.() && gid === process.getgid?.()
    const groups = this.#policy.supplementaryGroups && hasEntry ? '--init-groups' : '--clear-groups'
    return isSame && !this.#policy.supplementaryGroups
      ? withParent
      : ['--reuid', `${uid}`, '--regid', `${gid}`, groups, ...withParent]
  }
}

async function launched(
  args: readonly string[],
  env: Record<string, string>,
  { uid, gid }: Identity,
  started: (id: number) => ProcessGroup,
  stoppedBy: () => string | undefined,
): Promise<CommandEnd> {
  const begun = performance.now()
  const unable = (error: unknown): CommandEnd => ({
    ...NOT_RUN,
    end: `not started: ${error instanceof Error ? error.message : String(error)}`,
    verdict: 'unable',
    ms: performance.now() - begun,
  })
  let output: CommandOutput | undefined
  let child: ChildProcess
  try {
    output = new CommandOutput(uid, gid)
    const { writer } = output
    // Of its own session: a signal for the daemon's terminal or group is none for it, and its group has its number.
    child = spawn(SETPRIV, args, { cwd: '/', env, detached: true, stdio: ['ignore', writer, writer] })
  } catch (error) {
    return unable(error)
  } finally {
    output?.started()
  }
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return
      output.finish()
      resolve(unable(error))
    })
    if (child.pid === undefined) return
    const group = started(child.pid)
    child.once('exit', (status, signal) => {
      group.leaderEnded()
      const first = output.finish()
      const ms = performance.now() - begun
      const why = stoppedBy()
      if (status !== null && NOT_STARTED.has(status) && SETPRIV_SAYS.test(first)) {
        resolve({ ...NOT_RUN, end: `not started: ${first.replace(SETPRIV_SAYS, '')}`, verdict: 'bad', ms })
        return
      }
      const how = signal === null ? `exit status ${status}` : `killed by ${signal}`
      resolve({
        end: why === undefined ? how : `${how} after ${why}`,
        verdict: status === 0 && why === undefined ? 'good' : 'bad',
        started: true,
        status: status ?? undefined,
        ms,
        output: first,
      })
    })
  })
}
