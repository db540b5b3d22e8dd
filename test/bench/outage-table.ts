import type { Product } from './candidate.ts'
import { downTimeMs, type Fault } from './outage-lab.ts'
import { quantile, spread } from '../../src/drill/quantiles.ts'

/** One fault. */
export interface Run {
  readonly product: Product
  /** When the fault was, from a moment that has nothing to do with the adverts. */
  readonly phaseMs: number
  /** The longest gap: from the last answered probe before to the first answered one after, less the period. 0 without a loss. */
  readonly outageMs: number
  readonly lost: number
  /** Of more than 10 ms. */
  readonly gaps: number
  readonly sent: number
  /** The worst delay of the sender in that time, in ms. */
  readonly lateness: number
  /** Whether the sender was in time. */
  readonly isValid: boolean
}

/** The same probe without a fault. */
export interface Floor {
  readonly product: Product
  readonly when: 'before' | 'after'
  readonly sent: number
  readonly lost: number
  readonly longestMs: number
  readonly lateness: number
}

export interface Measured {
  readonly product: Product
  readonly fault: Fault
  readonly intervalMs: number
  /** Of this program, in the lab at once. */
  readonly pairs: number
  /** The valid ones. */
  readonly runs: readonly Run[]
  readonly invalid: number
  readonly floor: readonly Floor[]
}

const ms = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(1))

/** How long the outage should be by the RFC; after a fault just before the next advert, and just after one. */
function theoryText({ fault, intervalMs, product }: Measured): string {
  const down = downTimeMs(intervalMs)
  switch (fault) {
    case 'link loss':
      return `${ms(down - intervalMs)}–${ms(down)}`
    case 'graceful stop':
      return product === 'tanist' ? '0' : ms(down - 3 * intervalMs)
    case 'hand-over':
      return product === 'tanist' ? '0' : '–'
  }
}

/** In ms. */
export function outageTable(measured: readonly Measured[]): string {
  const rows = measured.map((each) => {
    const { min, median, p95, max } = spread(each.runs.map(({ outageMs }) => outageMs))
    const lost = spread(each.runs.map((run) => run.lost))
    const floor = Math.max(...each.floor.map(({ longestMs }) => longestMs))
    const { fault, intervalMs, product, runs, invalid } = each
    const name = product === 'tanist' ? '**Tanist**' : product
    const figures = [min, median, p95, max].map(ms)
    const count = invalid === 0 ? `${runs.length}` : `${runs.length} (+ ${invalid})`
    const cells = [fault, `${intervalMs / 1000} s`, name, count, ...figures, `${lost.median}`, `${lost.max}`]
    return `| ${[...cells, theoryText(each), ms(floor)].join(' | ')} |`
  })
  return [
    '| fault | adverts | | n (+ invalid) | min | p50 | p95 | max | lost, p50 | lost, max | by the RFC | floor |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

export function floorText(measured: readonly Measured[]): string {
  const floors = [...new Set(measured.flatMap(({ floor }) => floor))]
  const lost = floors.reduce((sum, each) => sum + each.lost, 0)
  const sent = floors.reduce((sum, each) => sum + each.sent, 0)
  const longest = Math.max(...floors.map(({ longestMs }) => longestMs))
  const late = Math.max(...floors.map(({ lateness }) => lateness))
  return `Without a fault, before and after: ${lost} of ${sent} probes lost, longest gap ${ms(longest)} ms, sender at most ${ms(late)} ms late.`
}

export interface Claim {
  readonly holds: boolean
  readonly text: string
}

/** What is promised of Tanist. The floor is that of the same interval. */
export function judge(measured: readonly Measured[]): readonly Claim[] {
  return measured.flatMap(({ product, fault, intervalMs, runs }): readonly Claim[] => {
    if (product !== 'tanist' || runs.length === 0) return []
    const at = `${fault} at ${intervalMs / 1000} s`
    switch (fault) {
      case 'link loss': {
        const p95 = quantile(
          runs.map(({ outageMs }) => outageMs),
          0.95,
        )
        const limit = downTimeMs(intervalMs) * 1.05 + 10
        return [{ holds: p95 <= limit, text: `${at}: p95 ${ms(p95)} ms is at most ${ms(limit)} ms` }]
      }
      case 'graceful stop':
      case 'hand-over': {
        const lost = runs.reduce((sum, run) => sum + run.lost, 0)
        return [{ holds: lost === 0, text: `${at}: ${lost} lost in ${runs.length} runs` }]
      }
    }
  })
}
