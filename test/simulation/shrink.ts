import type { Fault } from '../../src/simulate/fault.ts'
import type { Rule } from '../../src/simulate/judge.ts'
import { play, type Scenario } from './scenario.ts'

/** BOUNDED: so many runs; each is shorter than the one before. */
const MOST_RUNS = 4000

/** With less to do, chance decides otherwise: so many other seeds may show the same. */
const SEEDS = 6

/** A pause between two faults need not be longer, in ms. */
const PAUSE = 30_000

/** The smallest scenario that still violates the same rule: shorter, with fewer faults, directors and instances. */
export function shrink(scenario: Scenario, rule: Rule): Scenario {
  let runs = 0
  let best = scenario
  const take = (change: (from: Scenario) => Scenario | undefined): boolean => {
    const next = change(best)
    if (next === undefined) return false
    for (let i = 0; i < SEEDS && runs < MOST_RUNS; i++, runs++) {
      const trial = { ...next, seed: i === 0 ? next.seed : i }
      const found = violationOf(trial)
      if (found?.rule !== rule) continue
      best = { ...trial, end: Math.ceil(found.at) + 1, faults: next.faults.filter(({ at }) => at <= found.at) }
      return true
    }
    return false
  }
  take((from) => from)
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false
    for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let i = 0; i < best.faults.length;) {
        const place = i
        if (take((from) => ({ ...from, faults: from.faults.toSpliced(place, size) }))) isSmaller = true
        else i += size
      }
    }
    for (let i = best.directors.length - 1; i >= 0; i--)
      isSmaller = take((from) => withoutDirector(from, i)) || isSmaller
    for (const name of instancesOf(best)) isSmaller = take((from) => withoutInstance(from, name)) || isSmaller
    for (let i = 0; i < best.directors.length; i++) isSmaller = take((from) => withoutReloads(from, i)) || isSmaller
    for (let i = 0; i < best.faults.length; i++) isSmaller = take((from) => sooner(from, i)) || isSmaller
  }
  return best
}

/** The first one; a configuration that is refused violates nothing. */
function violationOf(scenario: Scenario): { readonly rule: Rule; readonly at: number } | undefined {
  try {
    return play(scenario).violations[0]
  } catch {
    return undefined
  }
}

function withoutDirector(scenario: Scenario, gone: number): Scenario | undefined {
  if (scenario.directors.length <= 2) return undefined
  const place = (host: number) => (host > gone ? host - 1 : host)
  const faults = scenario.faults.flatMap((fault): Fault[] => {
    if ('host' in fault && fault.host === gone) return []
    if (fault.kind !== 'cut') return ['host' in fault ? { ...fault, host: place(fault.host) } : fault]
    return fault.to === gone ? [] : [{ ...fault, host: place(fault.host), to: place(fault.to) }]
  })
  // A segment is named after the first director on it.
  if (gone === 0) return undefined
  const named = faults.map((fault) =>
    fault.kind === 'cut' ? { ...fault, segment: segmentOf(fault.segment, place) } : fault,
  )
  return { ...scenario, directors: scenario.directors.toSpliced(gone, 1), faults: named }
}

function withoutReloads({ directors, faults, ...rest }: Scenario, host: number): Scenario | undefined {
  if (directors[host]?.configs.length === 1) return undefined
  return {
    ...rest,
    directors: directors.map((each, i) => (i === host ? { ...each, configs: each.configs.slice(0, 1) } : each)),
    faults: faults.filter((fault) => fault.kind !== 'reload' || fault.host !== host),
  }
}

function segmentOf(segment: string, place: (host: number) => number): string {
  const [host = '', ...device] = segment.split(' ')
  return [place(Number(host)), ...device].join(' ')
}

const instancesOf = ({ directors }: Scenario): readonly string[] => [
  ...new Set(
    directors.flatMap(({ configs }) =>
      configs.flatMap((text) => [...text.matchAll(/^vrrp_instance (\w+)/gm)].map(([, name = '']) => name)),
    ),
  ),
]

function withoutInstance(scenario: Scenario, name: string): Scenario | undefined {
  if (instancesOf(scenario).length < 2) return undefined
  const without = (text: string) =>
    text
      .split(/(?<=^\}\n)/m)
      .filter((block) => !block.startsWith(`vrrp_instance ${name} `))
      .map((block) => (block.startsWith('vrrp_sync_group') ? block.replace(`    ${name}\n`, '') : block))
      .filter((block) => !/group \{\n( {4}\w+\n)? {2}\}/.test(block))
      .join('')
  const directors = scenario.directors.map(({ name: host, configs }) => ({ name: host, configs: configs.map(without) }))
  return { ...scenario, directors }
}

/** With a shorter pause before a fault. */
function sooner(scenario: Scenario, place: number): Scenario | undefined {
  const at = scenario.faults[place]?.at ?? 0
  const by = at - (scenario.faults[place - 1]?.at ?? 0) - PAUSE
  if (by < 1000) return undefined
  const faults = scenario.faults.map((fault, i) => (i < place ? fault : { ...fault, at: fault.at - by }))
  return { ...scenario, faults, end: scenario.end }
}
