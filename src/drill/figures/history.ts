import { directorsMeant } from '../directors.ts'
import type { Interval } from '../intervals.ts'
import { readLogLine } from '../log-line.ts'
import type { DirectorName, DirectorSample, RecordedEvent } from '../recording.ts'
import { cannotTell, counted, type Judge, type Seen, within } from './seen.ts'

type Called = Extract<RecordedEvent, { readonly type: 'called' }>

/** A rate over less than a second would make one line too many of it. */
const SHORTEST_FOR_A_RATE = 1000

export const logLines: Judge<'log lines'> = ({ of, 'at most': most }, seen, part) => {
  const seconds = Math.max(SHORTEST_FOR_A_RATE, part.to - part.from) / 1000
  const rates = directorsMeant(of, seen.active).map((name) => ({
    name,
    rate: linesIn(part, name, seen).length / seconds,
  }))
  const found = rates.map(({ name, rate }) => `${Math.round(rate * 10) / 10} lines a second in the log of ${name}`)
  return { holds: rates.every(({ rate }) => rate <= most), found: `${found.join(', ')}, of at most ${most}` }
}

export const logNever: Judge<'log never'> = ({ of, says }, seen, part) => {
  const found = directorsMeant(of, seen.active).flatMap((name) =>
    linesIn(part, name, seen)
      .filter((line) => says.test(line))
      .map((line) => ({ name, line })),
  )
  const [first] = found
  if (first === undefined) return { holds: true, found: 'no such line' }
  return { holds: false, found: `${counted(found.length, 'such line')}, the first of ${first.name}: ${first.line}` }
}

/** Each of the directors that are meant has such a line. */
export const log: Judge<'log'> = ({ of, says }, seen, part) => {
  const lines = directorsMeant(of, seen.active).map((name) => ({
    name,
    line: linesIn(part, name, seen).find((line) => says.test(line)),
  }))
  const without = lines.filter(({ line }) => line === undefined)
  if (without.length > 0) return { holds: false, found: `no such line in the log of ${namesOf(without)}` }
  return { holds: true, found: lines.map(({ name, line = '' }) => `${name}: ${line}`).join('; ') }
}

const linesIn = (part: Interval, director: DirectorName, { events }: Seen): readonly string[] =>
  within(part, events).flatMap((event) =>
    event.type === 'log' && event.director === director ? [readLogLine(event.line).text] : [],
  )

/** Each of the directors that are meant has run it. */
export const called: Judge<'called'> = ({ of, ...what }, seen, part) => {
  const calls = directorsMeant(of, seen.active).map((name) => ({ name, calls: callsIn(part, name, what, seen) }))
  const without = calls.filter(({ calls }) => calls.length === 0)
  if (without.length > 0) return { holds: false, found: `no such command was run on ${namesOf(without)}` }
  const found = calls.map(({ name, calls }) => `${callText(calls[0])} on ${name} (${calls.length})`)
  return { holds: true, found: found.join(', ') }
}

export const neverCalled: Judge<'never called'> = ({ of, ...what }, seen, part) => {
  const calls = directorsMeant(of, seen.active).flatMap((name) => callsIn(part, name, what, seen))
  const [first] = calls
  if (first === undefined) return { holds: true, found: 'no such command was run' }
  return { holds: false, found: `${counted(calls.length, 'call')}, the first on ${first.director}: ${callText(first)}` }
}

const callsIn = (
  part: Interval,
  director: DirectorName,
  { command, with: pattern }: { readonly command: string; readonly with: RegExp | undefined },
  { events }: Seen,
): readonly Called[] =>
  within(part, events).filter(
    (event): event is Called =>
      event.type === 'called' &&
      event.director === director &&
      event.command.includes(command) &&
      (pattern === undefined || pattern.test(event.arguments.join(' '))),
  )

const callText = (call: Called | undefined): string =>
  call === undefined ? '' : [call.command, ...call.arguments].join(' ')

const namesOf = (directors: readonly { readonly name: DirectorName }[]): string =>
  directors.map(({ name }) => name).join(' and ')

export const memory: Judge<'memory'> = ({ of, 'at most': most }, { active, before, afterwards }) => {
  const growths = directorsMeant(of, active).map((name) => {
    const [was, is] = [residentOf(name, before), residentOf(name, afterwards)]
    return { name, growth: was === undefined || is === undefined ? undefined : ((is - was) * 100) / was, was, is }
  })
  const unknown = growths.filter(({ growth }) => growth === undefined)
  if (unknown.length > 0)
    return cannotTell(`the memory of ${namesOf(unknown)} was not seen before and now: it did not run`)
  const found = growths.map(
    ({ name, growth = 0, was = 0, is = 0 }) =>
      `${name} ${mebibytes(is)} MiB after ${mebibytes(was)} MiB, ${growth < 0 ? 'less' : `${Math.round(growth)} % more`}`,
  )
  return {
    holds: growths.every(({ growth = 0 }) => growth <= most),
    found: `${found.join(', ')}, of at most ${most} %`,
  }
}

/** Of all its processes; undefined: it did not run. */
function residentOf(director: DirectorName, samples: readonly DirectorSample[]): number | undefined {
  const sum = samples
    .findLast((sample) => sample.director === director)
    ?.processes?.reduce((all, { residentBytes }) => all + residentBytes, 0)
  return sum === 0 ? undefined : sum
}

const mebibytes = (bytes: number): number => Math.round(bytes / (1 << 20))
