import type { Command } from 'commander'
import type { CheckAnswer, CheckedNow } from '../control/check-now.ts'
import { ControlError, type ControlClient } from '../control/client.ts'
import { weightAskedText } from '../model/check.ts'
import type { Millis } from '../time.ts'

/** A check fails; or this host could not ask, or the daemon could not be asked. */
const EXIT_FAILS = 1
const EXIT_NOT_ASKED = 2

/** Stands for every virtual server that has the real server, as nothing does. */
const ALL = 'all'

/** Adds `check`: what the checkers of real servers find now. */
export function addCheckCommand(program: Command, client: () => ControlClient): void {
  program
    .command('check')
    .usage('[options] [service] <server>')
    .argument(
      '<names...>',
      `virtual server (ADDRESS:PORT, ADDRESS, FWM MARK, or ${ALL}), and real server (ADDRESS:PORT, or ADDRESS)`,
    )
    .description('have every checker of a real server ask once, now, and show each step; it changes nothing')
    .option('--json', 'as JSON')
    .action(async (names: readonly string[], { json }: { json?: true }) => {
      if (names.length > 2) program.error('tanist: one virtual server and one real server')
      const server = names.at(-1) ?? ''
      const service = names.length === 2 && names[0] !== ALL ? names[0] : undefined
      try {
        const answer = await client().check({ service, server })
        if ('failure' in answer) throw new ControlError(answer.failure, true)
        process.stdout.write(json === true ? `${JSON.stringify(answer, undefined, 2)}\n` : formatChecked(answer))
        process.exitCode = exitCodeOf(answer)
      } catch (error) {
        if (!(error instanceof ControlError)) throw error
        process.stderr.write(`tanist: ${error.message}\n`)
        process.exitCode = EXIT_NOT_ASKED
      }
    })
}

export function exitCodeOf({ servers }: CheckAnswer): number {
  const checks = servers.flatMap((each) => each.checks)
  if (checks.some(({ up }) => up === false)) return EXIT_FAILS
  return checks.some(({ up }) => up === undefined) ? EXIT_NOT_ASKED : 0
}

export function formatChecked({ servers }: CheckAnswer): string {
  const lines = servers.flatMap(({ service, server, checks }) => [
    `${server} of ${service}${checks.length === 0 ? ': not checked' : ''}`,
    ...checks.flatMap(linesOf),
  ])
  return [...lines, 'Nothing has changed by this: no verdict is taken from it.', ''].join('\n')
}

function linesOf(check: CheckedNow): readonly string[] {
  const { checker, steps, duration } = check
  return [
    `  ${checker}`,
    ...steps.map(({ what, after }) => stepLine(after, what)),
    stepLine(duration, verdictText(check)),
  ]
}

const stepLine = (after: Millis, what: string) => `  ${after.toFixed(1).padStart(9)} ms  ${what}`

function verdictText({ up, reason, weight, warning }: CheckedNow): string {
  if (up === undefined) return `NOT ASKED, which says nothing of the server: ${reason}`
  const asks = weight === undefined ? '' : `, asks for weight ${weightAskedText(weight)}`
  return `${up ? 'GOOD' : 'FAILED'}${asks}: ${reason}${warning === undefined ? '' : `; but ${warning}`}`
}
