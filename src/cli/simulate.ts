import { InvalidArgumentError } from 'commander'
import { formatDiagnostic } from '../config/diagnostic.ts'
import { defaultConfigId, readConfigToTest } from '../host/config-file.ts'
import { FAULT_KINDS, type FaultKind } from '../simulate/fault.ts'
import { storyText } from '../simulate/history.ts'
import type { DirectorSetup } from '../simulate/setup.ts'
import { type Ordeal, simulate } from '../simulate/simulate.ts'
import type { RouterTally } from '../simulate/tally.ts'
import type { Outcome } from '../simulate/world.ts'

/** Something was that must never be. */
const EXIT_VIOLATED = 1
/** A file cannot be read, or is refused: as `tanistd -t` ends. */
const EXIT_UNREADABLE = 4
const EXIT_REFUSED = 5

/** Lines of the story that people see of what must never be. */
const LINES = 30

export interface SimulateOptions {
  readonly hours: number
  readonly seed: number
  readonly faults: readonly FaultKind[]
  readonly rate: number
  readonly json?: true
}

/** `tanist simulate A.conf B.conf`: prints what would become of these directors. Returns the exit status. */
export function simulateFiles(files: readonly string[], options: SimulateOptions): number {
  const directors: DirectorSetup[] = []
  for (const file of files) {
    const read = readConfigToTest(file, defaultConfigId())
    if ('unreadable' in read) {
      process.stderr.write(`tanist: ${read.unreadable}\n`)
      return EXIT_UNREADABLE
    }
    const { config, diagnostics } = read.loaded
    if (config === undefined) {
      for (const each of diagnostics) process.stderr.write(`${formatDiagnostic(each, process.stderr.isTTY)}\n`)
      return EXIT_REFUSED
    }
    if (config.instances.length === 0) {
      process.stderr.write(`tanist: ${file} has no instance that could be simulated\n`)
      return EXIT_REFUSED
    }
    directors.push({ name: nameOf(file, files), configs: [config] })
  }
  const { hours, seed, faults: kinds, rate: faultsPerHour } = options
  const ordeal = { hours, seed, kinds, faultsPerHour }
  const outcome = simulate(directors, ordeal)
  process.stdout.write(options.json === true ? jsonOf(outcome, ordeal) : textOf(outcome, ordeal))
  return outcome.violations.length > 0 ? EXIT_VIOLATED : 0
}

/** Kinds of faults as the command line has them: `crash,unplug`. Throws what commander shows as a mistake. */
export function faultKindsOf(text: string): readonly FaultKind[] {
  return text.split(',').map((name) => {
    const found = (Object.keys(FAULT_KINDS) as FaultKind[]).find((kind) => kind === name)
    if (found !== undefined) return found
    throw new InvalidArgumentError(`${name} is none of ${Object.keys(FAULT_KINDS).join(', ')}`)
  })
}

/** A number above 0. Throws as `faultKindsOf`. */
export function amountOf(text: string): number {
  const amount = Number(text)
  if (amount > 0 && Number.isFinite(amount)) return amount
  throw new InvalidArgumentError('a number above 0')
}

/** A whole number. Throws as `faultKindsOf`. */
export function seedOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number')
}

/** The last part of its path, where that tells the files apart. */
function nameOf(file: string, files: readonly string[]): string {
  const short = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/\.conf$/, '')
  return files.filter((other) => short(other) === short(file)).length > 1 ? file : short(file)
}

const jsonOf = ({ routers, violations, faults, hash }: Outcome, { seed, hours, kinds }: Ordeal): string =>
  `${JSON.stringify({ seed, hours, kinds, faults, instances: routers, violations, hash }, undefined, 2)}\n`

function textOf({ routers, violations, faults, story }: Outcome, { seed, hours }: Ordeal): string {
  const head = `${hours} hours with ${faults} faults (seed ${seed}); times in seconds\n\n`
  const table = [TITLE, ...routers.map(rowOf)]
  const widths = TITLE.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const wrong = violations.map(({ at, text }) => `after ${(at / 1000).toFixed(3)} s: ${text}\n`)
  const [first] = violations
  const before = first === undefined ? [] : story.filter(({ at }) => at <= first.at).slice(-LINES)
  const verdict =
    first === undefined
      ? 'Nothing was that must never be.\n'
      : `What must never be:\n${wrong.join('')}\n${storyText(before)}`
  return `${head}${lines.join('\n')}\n\n${verdict}`
}

const TITLE = [
  'INSTANCE',
  'LONGEST WITHOUT MASTER',
  'LONGEST WITH TWO',
  'IN ALL WITHOUT',
  'WITH TWO',
  'TAKE-OVERS',
  'BECAME MASTER',
]

const rowOf = ({ name, withoutMaster, withTwo, takeovers, byDirector }: RouterTally): readonly string[] => [
  name,
  seconds(withoutMaster.longest),
  seconds(withTwo.longest),
  seconds(withoutMaster.total),
  seconds(withTwo.total),
  String(takeovers),
  Object.entries(byDirector)
    .map(([director, times]) => `${director} ${times}`)
    .join(', '),
]

const seconds = (ms: number) => (ms / 1000).toFixed(3)
