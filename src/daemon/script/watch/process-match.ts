import { Buffer } from 'node:buffer'
import type { ProcessInfo } from '../../../linux/processes.ts'
import type { ProcessTracker } from '../../../model/tracking.ts'

/** The kernel cuts the name of a process (TASK_COMM_LEN). */
const NAME_BYTES = 15

/** Tells whether a process is one of those that a tracker counts. */
export type Matcher = (process: Pick<ProcessInfo, 'name' | 'commandLine'>) => boolean

/** How much of a command line must be known: one byte more than what is compared, so that a longer one is seen. */
export function commandBytes(trackers: readonly ProcessTracker[]): number {
  const lengths = trackers.flatMap(({ fullCommand, command }) => (fullCommand ? [zeroEnded(command).length + 1] : []))
  return Math.max(0, ...lengths)
}

/**
 * By the name of a process, or by its command line, byte by byte. A name that is longer than those of the kernel is compared with
 * what the kernel leaves of it; keepalived never finds one.
 */
export function matcherOf({ command, fullCommand, parameters }: ProcessTracker): Matcher {
  const [program = ''] = command
  if (!fullCommand) {
    const name = bytesOf(program).slice(0, NAME_BYTES)
    return (process) => process.name === name
  }
  const all = zeroEnded(command)
  const alone = zeroEnded([program])
  // Without parameters there is none that could be the first one.
  switch (command.length === 1 && parameters !== 'equal' ? 'ignored' : parameters) {
    case 'ignored':
      // A process that writes over its command line may leave no zero byte.
      return ({ commandLine }) => commandLine.startsWith(alone) || `${commandLine}\0` === alone
    case 'equal':
      return ({ commandLine }) => commandLine === all
    case 'partial':
      return ({ commandLine }) => commandLine.startsWith(all)
    case 'initial':
      return ({ commandLine }) => commandLine.startsWith(all.slice(0, -1))
  }
}

/** As characters of Latin 1, as `ProcessInfo` has them. */
const bytesOf = (text: string) => Buffer.from(text).toString('latin1')
const zeroEnded = (words: readonly string[]) => words.map((word) => `${bytesOf(word)}\0`).join('')
