import { type Channel, type Departure } from './sequence.ts'

/** Something that was seen of a director. */
export interface Happened {
  /** In ms since the step began. */
  readonly at: number
  readonly text: string
}

/** What was seen in one step, by channel, in its order. */
export interface StepRecord {
  readonly step: string
  readonly channels: Readonly<Record<Channel, readonly Happened[]>>
}

export type Recording = readonly StepRecord[]

/** How long a stop may take is said elsewhere: keepalived always waits a second. */
const EXIT_MS = 10_000

const CHANNELS: readonly Channel[] = ['scripts', 'pipe', 'addresses', 'adverts', 'exit']

export interface Rules {
  readonly toleranceMs: number
  /** Start and stop may differ by so much more. */
  readonly edgeMs?: number
  /** What is told several times in a row counts once. */
  readonly repeats?: boolean
  readonly byDesign?: readonly Departure[]
}

const withoutRepeats = (list: readonly Happened[]) => list.filter(({ text }, i) => text !== list[i - 1]?.text)

/**
 * Where the second one differs from the first: another text, another order, or a time that is further away than `toleranceMs`. A
 * `Departure` says what is told there instead; its times do not count. Empty: nowhere.
 */
export function differences(
  judge: Recording,
  other: Recording,
  { toleranceMs, edgeMs = 0, repeats = false, byDesign: departures = [] }: Rules,
): readonly string[] {
  return judge.flatMap((record, step) => {
    const isEdge = step === 0 || step === judge.length - 1
    return CHANNELS.flatMap((channel) => {
      const heard = (list: readonly Happened[]) => (repeats ? withoutRepeats(list) : list)
      const expected = heard(record.channels[channel])
      const found = heard(other[step]?.channels[channel] ?? [])
      const departure = departures.find((each) => each.step === step && each.channel === channel)
      const same =
        departure === undefined
          ? areAlike(expected, found, channel === 'exit' ? EXIT_MS : toleranceMs + (isEdge ? edgeMs : 0))
          : String(departure.tells) === String(texts(found)) && String(texts(found)) !== String(texts(expected))
      return same ? [] : [`${step}. ${record.step}: ${channel}\n${sideBySide(expected, found)}`]
    })
  })
}

const texts = (list: readonly Happened[]) => list.map(({ text }) => text)

function areAlike(a: readonly Happened[], b: readonly Happened[], toleranceMs: number): boolean {
  return (
    a.length === b.length &&
    a.every(({ at, text }, i) => {
      const other = b[i]
      return other !== undefined && other.text === text && Math.abs(other.at - at) <= toleranceMs
    })
  )
}

/** One line for each thing, those of the judge first. */
function sideBySide(expected: readonly Happened[], found: readonly Happened[]): string {
  const lines = (sign: string, list: readonly Happened[]) =>
    list.length === 0 ? [`  ${sign} (nothing)`] : list.map((each) => `  ${sign} ${line(each)}`)
  return [...lines('-', expected), ...lines('+', found)].join('\n')
}

const line = ({ at, text }: Happened) => `${at.toFixed(0).padStart(6)} ms  ${text}`

/** All of a recording, for people. */
export function show(recording: Recording): string {
  return recording
    .map(({ step, channels }, i) => {
      const seen = CHANNELS.flatMap((channel) =>
        channels[channel].map((each) => `    ${channel.padEnd(10)} ${line(each)}`),
      )
      return [`  ${i}. ${step}`, ...seen].join('\n')
    })
    .join('\n')
}
