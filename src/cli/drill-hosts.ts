import { errorsFirst, formatDiagnostic } from '../config/diagnostic.ts'
import type { Drill } from '../drill/drill.ts'
import { type Hosts, readHosts } from '../drill/language/hosts.ts'
import { stepSentence } from '../drill/language/sentences.ts'
import { refusalsOf, stepRefusal } from '../drill/real-machines.ts'
import { titleOf } from '../drill/report/timeline.ts'
import { readRegularFile } from '../host/regular-file.ts'
import { runReal, tellReal, type ToldStep } from '../lab/rehearse-real.ts'
import type { Told } from '../lab/told-place.ts'
import { seconds } from '../time.ts'
import { EXIT_REFUSED, type RunConsole } from './run-console.ts'

/** BOUNDED: bytes of a file that names machines. */
const MOST_BYTES = 100_000
/** Of one command that is shown. */
const LONGEST_COMMAND = 300

export interface HostOptions {
  readonly hosts: string
  readonly really: boolean
  readonly repeat: number
  readonly seed: number
  readonly limit?: number
}

const say = (...lines: readonly string[]) => process.stdout.write(lines.map((line) => `${line}\n`).join(''))
const complain = (text: string) => process.stderr.write(`tanist: ${text}\n`)

/** Runs drills on a real pair, or says what they would do there. Returns the exit status when none was begun. */
export async function runOnHosts(
  drills: readonly Drill[],
  { hosts: file, really, repeat, seed, limit }: HostOptions,
  console: RunConsole,
  interrupt: AbortSignal,
): Promise<number | undefined> {
  const hosts = hostsIn(file)
  if (hosts === undefined) return EXIT_REFUSED
  if (hosts.client.via === undefined && process.getuid?.() !== 0) {
    complain('the probe of this machine needs root; or name another client in the file')
    return EXIT_REFUSED
  }
  const onNotice = (text: string) => complain(text)
  if (!really) return await tellAll(drills, { hosts, seed, onNotice }, console, interrupt)
  if (isRefused(drills)) return EXIT_REFUSED
  for (const drill of drills) {
    for (let run = 0; run < repeat && !interrupt.aborted; run++) {
      const more = { hosts, onNotice, interrupt, limit: limit === undefined ? undefined : seconds(limit) }
      await console.runOne(drill, ({ onEvent }) => runReal(drill, { ...more, onEvent, seed: seed + run }))
    }
  }
  return undefined
}

function hostsIn(file: string): Hosts | undefined {
  const found = readRegularFile(file, MOST_BYTES)
  if ('error' in found) {
    complain(`cannot read ${file}: ${found.error}`)
    return undefined
  }
  const { hosts, diagnostics } = readHosts({ name: file, text: found.text })
  for (const each of errorsFirst(diagnostics)) process.stderr.write(`${formatDiagnostic(each, process.stderr.isTTY)}\n`)
  return hosts
}

/** None of them is begun when one has something that is not done there. */
function isRefused(drills: readonly Drill[]): boolean {
  const refused = drills.flatMap((drill) =>
    refusalsOf(drill).map(({ text, why }) => `${titleOf(drill)}: refused: ${text}: ${why}`),
  )
  for (const each of refused) complain(each)
  return refused.length > 0
}

/** Returns the exit status. */
async function tellAll(
  drills: readonly Drill[],
  real: Parameters<typeof tellReal>[1],
  console: RunConsole,
  interrupt: AbortSignal,
): Promise<number> {
  let status = 0
  for (const drill of drills) {
    if (interrupt.aborted) break
    say('', titleOf(drill))
    const refusals = refusalsOf(drill)
    for (const { text, why } of refusals) say(`  refused: ${text}: ${why}`)
    if (refusals.length > 0 || drill.cannotRun !== undefined) status = EXIT_REFUSED
    if (drill.cannotRun !== undefined) {
      say(`  refused: it cannot be run: ${drill.cannotRun}`)
      continue
    }
    try {
      const { active, steps } = await tellReal(drill, real)
      say(`  active is ${active} now (${real.hosts[active].via})`)
      let number = 0
      for (const step of steps) say(...stepLines(step, ++number))
    } catch (error) {
      console.fail(error)
      status = Math.max(status, console.exitStatus)
    }
  }
  if (status === 0) say('', 'Nothing was done. With --really it is.')
  else say('', 'Nothing was done.')
  return status
}

function stepLines({ step, told, failure }: ToldStep, number: number): readonly string[] {
  if (step === undefined) {
    return told.length === 0
      ? ['  at the end nothing is left to undo']
      : ['  at the end, if it is not so by then:', ...told.flatMap(toldLines)]
  }
  const refusal = stepRefusal(step)
  const title = `  ${number}. ${stepSentence(step)}`
  if (refusal !== undefined) return [title, `     refused: ${refusal}`]
  return [title, ...told.flatMap(toldLines), ...(failure === undefined ? [] : [`     could fail: ${failure}`])]
}

function toldLines({ place, command, undo }: Told): readonly string[] {
  const does = command === undefined ? [] : [`     on ${place}: ${shown(command)}`]
  const undone = undo === undefined || isNothing(undo) ? [] : [`     undone on ${place} by: ${shown(undo)}`]
  return [...does, ...undone]
}

const isNothing = (command: readonly string[]) => command.length === 1 && command[0] === 'true'

/** As one would type it, in one line. */
function shown(command: readonly string[]): string {
  const [sh, option, script = '', ...args] = command
  const isScript = sh === 'sh' && option === '-c' && args.length === 0
  const text = isScript ? script : command.map(quoted).join(' ')
  const line = text.replaceAll('\n', '; ')
  return line.length > LONGEST_COMMAND ? `${line.slice(0, LONGEST_COMMAND)}…` : line
}

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
