import type { Judgement, Recording } from '../recording.ts'
import { lines, type Markup, markup } from './markup.ts'
import { endingText, timelineOf, titleOf } from './timeline.ts'
import { dateAndTime, programsOf } from './units.ts'

interface Case {
  readonly name: string
  readonly seconds: number
  readonly failure: { readonly message: string; readonly type: string } | undefined
  /** Why it could not be judged. */
  readonly skipped: string | undefined
}

function judged({ text, of, holds, found }: Judgement, prefix: string): Case {
  const isFailure = holds === false || (of === 'claim' && holds === undefined)
  return {
    name: `${prefix}${of === 'claim' ? '' : `${of}: `}${text}`,
    seconds: 0,
    failure: isFailure ? { message: found, type: holds === false ? 'not true' : 'not judged' } : undefined,
    skipped: !isFailure && holds === undefined ? found : undefined,
  }
}

/** The run itself is a case, too: it has all of its time, and fails when it did not come to its end. */
function casesOf(recording: Recording, prefix: string): readonly Case[] {
  const { events, ending, duration, judgements } = recording
  const reason = events.find((event) => event.type === 'failed')?.reason
  const message = [endingText(ending), reason].filter((each) => each !== undefined).join(' ')
  return [
    {
      name: `${prefix}the drill comes to its end`,
      seconds: duration / 1000,
      failure: ending === 'finished' ? undefined : { message, type: ending },
      skipped: undefined,
    },
    ...judgements.map((each) => judged(each, prefix)),
  ]
}

function caseElement({ name, seconds, failure, skipped }: Case, file: string): Markup {
  const open = markup`<testcase classname="${file}" name="${name}" time="${seconds.toFixed(3)}"`
  if (failure !== undefined) {
    return markup`    ${open}><failure message="${failure.message}" type="${failure.type}">${failure.message}</failure></testcase>\n`
  }
  if (skipped !== undefined) return markup`    ${open}><skipped message="${skipped}"/></testcase>\n`
  return markup`    ${open}/>\n`
}

/** A case is named after its run only when there are several. */
function prefixOf(recording: Recording, index: number, count: number): string {
  return count === 1 ? '' : `run ${index + 1} (${programsOf(recording.directors)}, seed ${recording.seed}): `
}

function suite(file: string, runs: readonly Recording[]): Suite {
  const [first] = runs
  const cases = runs.flatMap((run, i) => casesOf(run, prefixOf(run, i, runs.length)))
  const failures = cases.filter(({ failure }) => failure !== undefined).length
  const skipped = cases.filter((each) => each.skipped !== undefined).length
  const seconds = runs.reduce((sum, { duration }) => sum + duration / 1000, 0)
  const startedAt = runs.reduce((earliest, each) => Math.min(earliest, each.startedAt), first?.startedAt ?? 0)
  const said = runs.flatMap((run, i) => [
    ...(runs.length === 1 ? [] : [prefixOf(run, i, runs.length).trim()]),
    ...timelineOf(run, { hasColours: false, isVerbose: false }),
    '',
  ])
  const name = first === undefined ? file : titleOf(first.drill)
  const timestamp = dateAndTime(startedAt).replace(' ', 'T')
  const element = markup`  <testsuite name="${name}" file="${file}" tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds.toFixed(3)}" timestamp="${timestamp}">
${cases.map((each) => caseElement(each, file))}    <system-out>${lines(said)}</system-out>
  </testsuite>
`
  return { element, tests: cases.length, failures, skipped, seconds }
}

interface Suite {
  readonly element: Markup
  readonly tests: number
  readonly failures: number
  readonly skipped: number
  readonly seconds: number
}

/** All runs as JUnit XML: a suite for each file of a drill, a case for each claim and each invariant of each run. */
export function junit(recordings: readonly Recording[]): string {
  const files = [...new Set(recordings.map(({ drill }) => drill.file))]
  const suites = files.map((file) =>
    suite(
      file,
      recordings.filter(({ drill }) => drill.file === file),
    ),
  )
  const sum = (of: 'tests' | 'failures' | 'skipped' | 'seconds') => suites.reduce((all, each) => all + each[of], 0)
  const { markup: text } =
    markup`<testsuites name="tanist drill run" tests="${sum('tests')}" failures="${sum('failures')}" errors="0" skipped="${sum('skipped')}" time="${sum('seconds').toFixed(3)}">
${suites.map(({ element }) => element)}</testsuites>
`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${text}`
}
