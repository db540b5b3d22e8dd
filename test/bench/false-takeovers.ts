/**
 * False take-overs: how often a backup becomes master although its master lives, when adverts are lost, late, or one of the two gets too little
 * of a core; Tanist beside keepalived in the same run, at several advert intervals, with down_timer_adverts 3 and 6. Many instances of a pair
 * are watched at once, so the hours are those of instances. See docs/performance.md.
 *
 *     npm run bench:false-takeovers -- [--seconds 40] [--intervals 1,0.1,0.05,0.01] [--kinds loss,delay,quota,hogs] [--seed 1]
 */
import { parseArgs } from 'node:util'
import { PRODUCTS } from './candidate.ts'
import {
  BACKUP_PRIORITY,
  classesOf,
  type Disturbance,
  hasQuotas,
  hasSecondCore,
  type Lot,
  TakeoverLab,
} from './false-takeover-lab.ts'
import { machine, machineText, writeResults } from './result-file.ts'
import { type Cell, takeoverTable } from './takeover-table.ts'
import { expectedByDelay, expectedByLoss } from './takeover-odds.ts'

const DOWN_TIMER_ADVERTS = [3, 6]
/** All VRIDs of a link. */
const MOST_INSTANCES = 255
/** Of a pair at once, so that a disturbance is the only one. */
const MOST_ADVERTS_PER_SECOND = 1600
const FEWEST_OF_A_LOT = 2

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '40' },
    intervals: { type: 'string', default: '1,0.1,0.05,0.01' },
    kinds: { type: 'string', default: 'loss,delay,quota,hogs' },
    seed: { type: 'string', default: '1' },
  },
})
const seconds = Number(values.seconds)
const seed = Number(values.seed)
const kinds = values.kinds.split(',')
const intervals = values.intervals.split(',').map((each) => 1000 * Number(each))

const DISTURBANCES: readonly Disturbance[] = [
  { kind: 'loss', percents: [5, 10, 20, 30] },
  { kind: 'delay', longestMs: [20, 100, 400, 1600], seed },
  { kind: 'quota', percent: 10, of: 'master' },
  { kind: 'quota', percent: 10, of: 'backup' },
  { kind: 'hogs', count: 8, realtime: false },
  { kind: 'hogs', count: 8, realtime: true },
]

/** Starved processes have few instances: what they do themselves would starve them. */
const STARVED_INSTANCES = 10

/** As many instances as fit, equally many for each class and each number of adverts. */
function lotsFor(disturbance: Disturbance, intervalMs: number): readonly Lot[] {
  const classes = classesOf(disturbance)
  const lots = classes * DOWN_TIMER_ADVERTS.length
  const isStarved = disturbance.kind === 'quota' || disturbance.kind === 'hogs'
  const most = isStarved ? STARVED_INSTANCES : Math.min(MOST_INSTANCES, (MOST_ADVERTS_PER_SECOND * intervalMs) / 1000)
  const count = Math.max(FEWEST_OF_A_LOT, Math.floor(most / lots))
  return Array.from({ length: classes }, (_, i) =>
    DOWN_TIMER_ADVERTS.map((downTimerAdverts, j): Lot => {
      return { first: 1 + (i * DOWN_TIMER_ADVERTS.length + j) * count, count, downTimerAdverts, class: i }
    }),
  ).flat()
}

function nameOf(disturbance: Disturbance, i: number): string {
  switch (disturbance.kind) {
    case 'loss':
      return `${disturbance.percents[i]} % of adverts lost`
    case 'delay':
      return `adverts up to ${disturbance.longestMs[i]} ms late`
    case 'quota':
      return `${disturbance.of} has ${disturbance.percent} % of a core`
    case 'hogs':
      return `${disturbance.count} hogs on the core, ${disturbance.realtime ? 'real-time priority' : 'no priority'}`
  }
}

/** In an hour of one instance, where that can be computed. */
function expectedOf(disturbance: Disturbance, { class: i, downTimerAdverts }: Lot, intervalMs: number) {
  switch (disturbance.kind) {
    case 'loss':
      return expectedByLoss((disturbance.percents[i] ?? 0) / 100, downTimerAdverts, intervalMs)
    case 'delay':
      return expectedByDelay(disturbance.longestMs[i] ?? 0, downTimerAdverts, intervalMs, BACKUP_PRIORITY)
    case 'quota':
    case 'hogs':
      return undefined
  }
}

/** Both programs at the same time, each in a lab of its own. */
async function measure(disturbance: Disturbance, intervalMs: number): Promise<Cell[]> {
  const lots = lotsFor(disturbance, intervalMs)
  const labs = PRODUCTS.map((product) => ({ product, lab: new TakeoverLab(lots, disturbance) }))
  try {
    await Promise.all(labs.map(({ product, lab }) => lab.start(product, intervalMs)))
    const seen = await Promise.all(
      labs.map(async ({ product, lab }) => ({ product, found: await lab.observe(seconds) })),
    )
    return seen.flatMap(({ product, found }) =>
      found.map(({ lot, takeovers }): Cell => {
        const { class: i, count, downTimerAdverts } = lot
        const hours = (count * seconds) / 3600
        const expected = expectedOf(disturbance, lot, intervalMs)
        return {
          disturbance: nameOf(disturbance, i),
          intervalMs,
          downTimerAdverts,
          product,
          takeovers,
          hours,
          expected,
        }
      }),
    )
  } finally {
    await Promise.all(labs.map(({ lab }) => lab.close()))
  }
}

// Labs end with the process, if it has the time to.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const begun = performance.now()
const on = machine()
console.log(machineText(on))
const cells: Cell[] = []
const missing: string[] = []
const wanted = DISTURBANCES.filter(({ kind }) => {
  if (!kinds.includes(kind)) return false
  if (kind === 'quota' && !hasQuotas()) missing.push('quotas: this machine has no CPU controller of cgroup v1')
  if (kind === 'hogs' && !hasSecondCore()) missing.push('hogs: there is one core alone')
  return !((kind === 'quota' && !hasQuotas()) || (kind === 'hogs' && !hasSecondCore()))
})
for (const disturbance of wanted) {
  for (const intervalMs of intervals) {
    cells.push(...(await measure(disturbance, intervalMs)))
    console.log(
      `${disturbance.kind} at ${intervalMs / 1000} s: ${((performance.now() - begun) / 60_000).toFixed(1)} minutes`,
    )
  }
}
const markdown = [
  machineText(on),
  `${seconds} s each, seed ${seed} (delays; losses are the kernel's own chance); bridge, multicast, physical MACs, VRRPv3, priorities 200 and 100`,
  takeoverTable(cells),
  ...missing.map((text) => `Not measured: ${text}.`),
].join('\n\n')
console.log(`\n${markdown}`)
writeResults('false-takeovers', `${markdown}\n`, { machine: on, seed, seconds, cells, missing })
