import type { Chance } from './chance.ts'
import type { Fault, FaultKind, Trouble } from './fault.ts'
import type { Site } from './setup.ts'
import { anotherResult } from './trackers.ts'

/** How many faults of which kinds come in which time. */
export interface FaultPlan {
  readonly kinds: readonly FaultKind[]
  /** From one to the next on average, in ms. */
  readonly every: number
  /** In ms. */
  readonly end: number
}

/** Nothing new begins so shortly before the end, so that its consequences are seen. */
const LAST = 60_000

/** Some come alone, some in bursts: what has just begun to mend is hit again. */
const BURST = { share: 30, most: 5, within: 4000 }

/** Faults as chance has them, in the order of their times. */
export function drawFaults(site: Site, { kinds, every, end }: FaultPlan, chance: Chance): readonly Fault[] {
  const faults: Fault[] = []
  for (let at = chance.wait(every); at < end - LAST; at += chance.wait(every)) {
    const count = chance.percent(BURST.share) ? 2 + chance.below(BURST.most) : 1
    let time = at
    for (let i = 0; i < count; i++) {
      const trouble = draw(site, chance.pick(kinds), chance)
      if (trouble !== undefined) faults.push({ at: Math.round(time), ...trouble })
      time += chance.between(0, BURST.within)
    }
  }
  return faults.toSorted((a, b) => a.at - b.at)
}

/** Undefined where there is nothing that it could strike. */
function draw(site: Site, kind: FaultKind, chance: Chance): Trouble | undefined {
  const host = chance.below(site.directors.length)
  const lasts = Math.round(chance.percent(50) ? chance.between(50, 4000) : chance.between(4000, 30_000))
  switch (kind) {
    case 'crash':
    case 'upgrade':
    case 'theft':
      return { kind, host }
    case 'kill':
      return { kind, host, release: chance.percent(70), lasts: 1000 + lasts }
    case 'power':
    case 'stop':
      return { kind, host, lasts: 1000 + lasts }
    case 'failover':
      return { kind, host, lasts }
    case 'maintenance':
      return { kind, host, lasts, force: chance.percent(50) }
    case 'freeze':
      return { kind, host, lasts, all: chance.percent(50) }
    case 'slow':
      return { kind, host, lasts, by: Math.round(chance.between(1, 800)) }
    case 'reload':
      return { kind, host, config: chance.below(site.directors[host]?.configs.length ?? 1) }
    case 'unplug': {
      const interfaces = site.interfaces[host] ?? []
      return interfaces.length === 0 ? undefined : { kind, host, interface: chance.pick(interfaces).name, lasts }
    }
    case 'cut': {
      const interfaces = site.interfaces[host] ?? []
      if (interfaces.length === 0 || site.directors.length < 2) return undefined
      const others = site.directors.flatMap((_, other) => (other === host ? [] : [other]))
      return { kind, host, to: chance.pick(others), segment: chance.pick(interfaces).segment, lasts }
    }
    case 'lossy':
    case 'doubling':
      return { kind, percent: chance.pick([5, 10, 30, 50, 70, 90]), lasts }
    case 'jitter':
      return { kind, upTo: chance.pick([3, 30, 100, 300, 700]), lasts }
    case 'tracker': {
      const result = anotherResult(site.directors[host]?.configs ?? [], chance)
      return result === undefined ? undefined : { kind, host, result, lasts }
    }
  }
}
