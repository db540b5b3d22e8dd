import type { Command } from 'commander'
import type { ControlClient } from '../control/client.ts'
import type { RoleAnswers, RoleRefusal } from '../control/roles.ts'
import type { FailedBack, HandedOver } from '../model/duty.ts'

/** What was asked is not so. */
const EXIT_NOT_DONE = 1

/** Adds what moves roles: `failover`, `failback`, `maintenance`. */
export function addRoleCommands(program: Command, client: () => ControlClient): void {
  program
    .command('failover [name...]')
    .description(
      'hand the role of instances, or sync groups, to another director, and do not take it back (default: of all that are master here); the addresses stay until the other one is master',
    )
    .option('--json', 'as JSON')
    .action(async (names: string[], { json }: { json?: true }) => {
      const answer = await client().failOver(names)
      if (json === true) write(answer)
      else if ('failure' in answer) complain(answer)
      else
        for (const { instance, result } of answer.results) process.stdout.write(`${handOverLine(instance, result)}\n`)
      if ('failure' in answer || !isHandedOver(answer)) process.exitCode = EXIT_NOT_DONE
    })

  program
    .command('failback [name...]')
    .description(
      'take the role of instances, or sync groups, back from directors of lower priority, also with nopreempt (default: of all)',
    )
    .option('--json', 'as JSON')
    .action(async (names: string[], { json }: { json?: true }) => {
      const answer = await client().failBack(names)
      if (json === true) write(answer)
      else if ('failure' in answer) complain(answer)
      else
        for (const { instance, result } of answer.results) process.stdout.write(`${failBackLine(instance, result)}\n`)
      if ('failure' in answer || !isMaster(answer)) process.exitCode = EXIT_NOT_DONE
    })

  const maintenance = program
    .command('maintenance')
    .description('keep this director out of all roles, also after a restart, until it is ended')
  maintenance
    .command('on')
    .description('hand all roles over, then take none; where nobody follows, nothing changes')
    .option('--force', 'even where nobody follows: nobody has the addresses then')
    .option('--json', 'as JSON')
    .action(async ({ force, json }: { force?: true; json?: true }) => {
      const answer = await client().maintain(true, force === true)
      if (json === true) write(answer)
      else {
        for (const { instance, result } of answer.results) {
          if (result.outcome !== 'not-master') process.stdout.write(`${handOverLine(instance, result)}\n`)
        }
        process.stdout.write(answer.maintenance ? 'in maintenance\n' : 'not in maintenance\n')
      }
      if (!answer.maintenance) process.exitCode = EXIT_NOT_DONE
    })
  maintenance
    .command('off')
    .description('take part again, as the configuration says')
    .action(async () => {
      await client().maintain(false, false)
      process.stdout.write('not in maintenance\n')
    })
}

const write = (answer: object) => process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`)
const complain = ({ failure }: RoleRefusal) => process.stderr.write(`tanist: ${failure}\n`)

const isHandedOver = ({ results }: RoleAnswers<HandedOver>) =>
  results.length > 0 && results.every(({ result }) => result.outcome === 'handed-over')

const isMaster = ({ results }: RoleAnswers<FailedBack>) =>
  results.length > 0 && results.every(({ result }) => result.outcome === 'taken' || result.outcome === 'already-master')

/** `web: 10.0.0.2 is master now, after 0.6 s`. */
export function handOverLine(instance: string, result: HandedOver): string {
  switch (result.outcome) {
    case 'handed-over':
      return `${instance}: ${result.to} is master now, after ${seconds(result.ms)}`
    case 'nobody':
      return `${instance}: nobody has taken over within ${seconds(result.ms)}; this director is still master`
    case 'given-up':
      return `${instance}: given up after ${seconds(result.ms)}; no other master was heard`
    case 'not-master':
      return `${instance}: is not master here; there is nothing to hand over`
  }
}

/** `web: takes over`. */
export function failBackLine(instance: string, result: FailedBack): string {
  switch (result.outcome) {
    case 'taken':
      return `${instance}: this director takes over`
    case 'already-master':
      return `${instance}: this director is master already`
    case 'outranked':
      return `${instance}: ${result.by} stays master with priority ${result.priority}`
    case 'waits':
      return `${instance}: ${result.reason}`
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
