import type { Millis } from '../time.ts'
import { actingTimes, brokenTimes, undoing } from './breaks.ts'
import type { Step } from './drill.ts'
import { longestWith } from './figures/owners.ts'
import { cannotTell, counted, msText, type Verdict } from './figures/seen.ts'
import { type Gap, gapsIn, probesOf } from './gaps.ts'
import { type Interval, interval, isWithin, union, widened } from './intervals.ts'
import { readLogLine } from './log-line.ts'
import { stretchesOf, timesOf, unknownDirectors } from './ownership.ts'
import { judgeProcesses } from './processes.ts'
import { type DirectorName, DIRECTORS, type DirectorSample, type Judgement, type Recording } from './recording.ts'

/** A recording before it is judged. */
export type Unjudged = Omit<Recording, 'judgements'>

/** What is looked at after every drill, whatever it claims. */
const INVARIANTS = {
  I1: { text: 'exactly one director answers for each virtual address', judge: oneAnswers },
  I2: { text: 'how long an address had two owners, or none, is known', judge: ownersAreKnown },
  I3: { text: 'both directors have the same table', judge: sameTables },
  I4: { text: 'what the probe sent was forwarded by the core', judge: coreForwards },
  I5: { text: 'every process runs again, with no more descriptors and memory than before', judge: judgeProcesses },
  I6: { text: 'the configuration files are what they were', judge: sameFiles },
  I7: { text: 'what the directors say and what the probe saw tell the same story', judge: sameStory },
  I8: { text: 'no error is logged that no step explains', judge: noStrangeErrors },
} as const satisfies Readonly<
  Record<string, { readonly text: string; judge(recording: Unjudged, steps: readonly Step[]): Verdict }>
>

/** All of them, when everything is undone. `steps`: those of the drill. */
export const judgeInvariants = (recording: Unjudged, steps: readonly Step[]): readonly Judgement[] =>
  Object.entries(INVARIANTS).map(([of, { text, judge }]) => ({ text, of, ...judge(recording, steps) }))

const whole = ({ duration }: Unjudged): Interval => interval(0, duration)

const keepalivedsOf = ({ directors }: Unjudged): readonly DirectorName[] =>
  DIRECTORS.filter((name) => directors[name] === 'keepalived')

const lastOf = (samples: readonly DirectorSample[], director: DirectorName): DirectorSample | undefined =>
  samples.findLast((sample) => sample.director === director)

function oneAnswers({ virtualAddresses, answering }: Unjudged): Verdict {
  if (virtualAddresses.length === 0) return cannotTell('there is no virtual address')
  const answers = virtualAddresses.map((address) => ({
    address,
    macs: answering.find((each) => each.address === address)?.macs,
  }))
  const wrong = answers.filter(({ macs }) => macs !== undefined && new Set(macs).size !== 1)
  if (wrong.length > 0) {
    const found = wrong.map(({ address, macs = [] }) =>
      macs.length === 0 ? `nobody answers for ${address}` : `${[...new Set(macs)].join(' and ')} answer for ${address}`,
    )
    return { holds: false, found: found.join(', ') }
  }
  const unasked = answers.filter(({ macs }) => macs === undefined)
  if (unasked.length > 0) return cannotTell(`nobody asked for ${unasked.map(({ address }) => address).join(', ')}`)
  return { holds: true, found: `one answers for each of ${counted(answers.length, 'address', 'addresses')}` }
}

/** How long is too long a drill claims; what is known here is for people. */
function ownersAreKnown(recording: Unjudged): Verdict {
  const two = longestWith('both', recording, whole(recording))
  const none = longestWith('none', recording, whole(recording))
  if ('found' in two) return two
  if ('found' in none) return none
  return { holds: true, found: `two owners for ${msText(two.ms)}, none for ${msText(none.ms)}` }
}

/** Lines of a table that are shown. */
const SHOWN = 5

function sameTables(recording: Unjudged): Verdict {
  const [other] = keepalivedsOf(recording)
  if (other !== undefined) return cannotTell(`${other} is keepalived: its table is the kernel's, and shaped otherwise`)
  const [first, second] = DIRECTORS.map((name) => lastOf(recording.afterwards, name)?.table)
  if (first === undefined || second === undefined) return cannotTell('the table of a director was not read')
  const only = (those: readonly string[], others: readonly string[], name: string) =>
    those.filter((line) => !others.includes(line)).map((line) => `only ${name}: ${line}`)
  const differences = [...only(first, second, 'director1'), ...only(second, first, 'director2')]
  if (differences.length === 0 && first.length === second.length) {
    return { holds: true, found: `${counted(first.length, 'line')} in both` }
  }
  const more = differences.length > SHOWN ? `; and ${differences.length - SHOWN} more` : ''
  return {
    holds: false,
    found: `${first.length} and ${second.length} lines; ${differences.slice(0, SHOWN).join('; ')}${more}`,
  }
}

/** What a probe by ICMP is answered by is the director itself. */
function coreForwards(recording: Unjudged): Verdict {
  const [other] = keepalivedsOf(recording)
  if (other !== undefined)
    return cannotTell(`${other} is keepalived: it forwards by IPVS, whose packets are not counted here`)
  const through = probesOf(recording.traffic).filter(({ by }) => by !== 'icmp')
  if (through.length === 0) return cannotTell('no probe went through the core')
  const answered = through.reduce(
    (sum, { sent, gaps }) => sum + sent - gaps.reduce((all, { lost }) => all + lost, 0),
    0,
  )
  if (answered <= 0) return cannotTell('no probe was answered')
  const counts = DIRECTORS.map((name) => {
    const [was, is] = [lastOf(recording.before, name)?.forwarded ?? 0, lastOf(recording.afterwards, name)?.forwarded]
    // A counter that is lower than before has begun anew, by a stop that removes the core or a restart of the machine.
    return is === undefined ? undefined : is < was ? is : is - was
  })
  const forwarded = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
  if (forwarded === 0 && counts.includes(undefined)) return cannotTell('the counters of a director were not read')
  return {
    holds: forwarded > 0,
    found: `${counted(forwarded, 'packet')} forwarded, ${counted(answered, 'probe')} answered`,
  }
}

function sameFiles({ before, afterwards }: Unjudged): Verdict {
  const digests = DIRECTORS.map((name) => ({
    name,
    was: lastOf(before, name)?.fileDigest,
    is: lastOf(afterwards, name)?.fileDigest,
  }))
  const others = digests.filter(({ was, is }) => was !== undefined && was !== is)
  if (others.length > 0) {
    const found = others.map(
      ({ name, is }) => `the file of ${name} is ${is === undefined ? 'not there' : 'another one'}`,
    )
    return { holds: false, found: found.join(', ') }
  }
  const unknown = digests.filter(({ was }) => was === undefined)
  if (unknown.length > 0)
    return cannotTell(`the file of ${unknown.map(({ name }) => name).join(' and ')} was not read before`)
  return { holds: true, found: 'both are' }
}

/** Shorter ones do not need a story. In ms, beyond what was the machine's own. */
const GAP_WITH_A_STORY = 100
/** Neighbours believe news, and a kernel tells it, within this time, in ms. */
const STORY_TOLERANCE = 1000

/**
 * Each gap of a probe lies in a time in which, by their kernels, no director or both had the address of the probe, in which
 * something on the way was broken by a step, or in which a step was just being done; all of these with a second before and after. That is
 * where a gap begins and where it ends: one that outlasts what has caused it is a story of its own. What happens while all is being undone at
 * the end is not looked at.
 */
function sameStory(recording: Unjudged, steps: readonly Step[]): Verdict {
  const { events, active, promises, duration, traffic } = recording
  const probes = probesOf(traffic)
  if (probes.length === 0) return cannotTell('no probe ran through the directors')
  const unknown = unknownDirectors(events)
  if (unknown.length > 0) return cannotTell(`nothing was seen of the addresses of ${unknown.join(' and ')}`)
  const broken = brokenTimes(steps, events, active, promises, duration)
  const end = undoing(events, duration)
  const stories = new Map(
    probes.map(({ target }) => [
      target,
      union(
        [...ownerlessTimes(target, recording), ...broken, ...(end === undefined ? [] : [end])].map((each) =>
          widened(each, STORY_TOLERANCE, STORY_TOLERANCE),
        ),
      ),
    ]),
  )
  const gaps = probes
    .flatMap((probe) => gapsIn(whole(recording), probe, traffic))
    .filter(({ ms, noise }) => ms - noise >= GAP_WITH_A_STORY)
  const strange = gaps.filter((gap) => !(stories.get(gap.probe.target) ?? []).some((story) => isWithin(gap, story)))
  const [first] = strange
  if (first === undefined) {
    return {
      holds: true,
      found: `${counted(gaps.length, 'gap')} of ${GAP_WITH_A_STORY} ms or more, with a reason each`,
    }
  }
  return { holds: false, found: `${counted(strange.length, 'gap')} without a reason, the first ${gapText(first)}` }
}

const gapText = ({ from, ms, probe }: Gap): string =>
  `of ${msText(ms)} at ${msText(from)} (${probe.by} to ${probe.target})`

/** When no director had the address of a probe, or both; of a probe of which it is not known, any address. */
function ownerlessTimes(target: string, { events, virtualAddresses, duration }: Unjudged): readonly Interval[] {
  const own = virtualAddresses.filter((address) => isAt(target, address))
  const stretches = stretchesOf(events, duration)
  return (own.length > 0 ? own : virtualAddresses).flatMap((address) => [
    ...timesOf('both', address, stretches),
    ...timesOf('none', address, stretches),
  ])
}

/** With a port or without. */
const isAt = (target: string, address: string): boolean =>
  target === address ||
  target.startsWith(`[${address}]`) ||
  (target.startsWith(`${address}:`) && !address.includes(':'))

/** What a step does is logged within this time, in ms. */
const ERRORS_FOLLOW_WITHIN = 10_000

/**
 * Errors are expected while a step acts, or what it has begun goes on by itself, and for 10 s afterwards; a mend is a step, too. Lines that tell no
 * level are no errors.
 */
function noStrangeErrors(recording: Unjudged, steps: readonly Step[]): Verdict {
  const { directors, events, active, duration } = recording
  const end = undoing(events, duration)
  const acting = actingTimes(steps, events, active, duration).map((each) => widened(each, 0, ERRORS_FOLLOW_WITHIN))
  const explained = union([...acting, ...(end === undefined ? [] : [end])])
  const isExplained = (at: Millis) => explained.some(({ from, to }) => at >= from && at <= to)
  const errors = events.flatMap((event) => {
    if (event.type !== 'log' || directors[event.director] !== 'tanist') return []
    const { isError, text } = readLogLine(event.line)
    return isError === true ? [{ at: event.at, text, director: event.director }] : []
  })
  const strange = errors.filter(({ at }) => !isExplained(at))
  const [first] = strange
  if (first !== undefined) {
    const found = `${counted(strange.length, 'error')} without a reason, the first of ${first.director} at ${msText(first.at)}: ${first.text}`
    return { holds: false, found }
  }
  const found = `${counted(errors.length, 'error')}, with a reason each`
  const [other] = keepalivedsOf(recording)
  return other === undefined
    ? { holds: true, found: errors.length === 0 ? 'no error' : found }
    : cannotTell(`${other} is keepalived, whose lines tell no level`)
}
