/**
 * How long a virtual address is not reached when its master's link fails, its master is stopped, and its role is handed over: Tanist and
 * keepalived with the same file in the same run, by turns, at several advert intervals. An ICMP probe each millisecond, faults at uniformly
 * random moments of the advert interval. See docs/performance.md.
 *
 *     npm run bench:outages -- [--runs 30] [--intervals 1,0.1,0.01] [--faults 'link loss,graceful stop,hand-over'] [--seed 1] [--together N]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { dice } from '../../src/simulate/dice.ts'
import { PRODUCTS, type Product } from './candidate.ts'
import { type Arena, type Contest, downTimeMs, type Fault, FAULTS, openArena } from './outage-lab.ts'
import { floorText, judge, type Measured, outageTable, type Run, type Floor } from './outage-table.ts'
import { machine, machineText, writeResults } from './result-file.ts'

/** A sender that was later than that has not measured anything. */
const LATEST_MS = 5
/** BOUNDED: of so many runs for each that is wanted, invalid ones included. */
const TRIES = 2
/** Of the probe without a fault, before and after. */
const FLOOR_MS = 5000
/** After a take-over and after a recovery. */
const QUIET_MS = 500
/** At such intervals all pairs have their fault in the same interval: they are far enough apart. At shorter ones they take turns. */
const AT_ONCE_FROM_MS = 1000

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '30' },
    intervals: { type: 'string', default: '1,0.1,0.01' },
    faults: { type: 'string', default: FAULTS.join(',') },
    seed: { type: 'string', default: '1' },
    together: { type: 'string', default: '4' },
  },
})
const runs = Number(values.runs)
const seed = Number(values.seed)
const intervals = values.intervals.split(',').map((each) => 1000 * Number(each))
const faults = FAULTS.filter((fault) => values.faults.split(',').includes(fault))
const roll = dice(seed)

/** One fault in each of these pairs, each at a random moment of one interval, and what the probe has seen. */
async function strike(arena: Arena, contests: readonly Contest[], fault: Fault, intervalMs: number): Promise<Run[]> {
  await arena.probe.report()
  const phases = contests.map(() => (roll(1_000_000) / 1_000_000) * intervalMs)
  await sleep(QUIET_MS / 2)
  await Promise.all(
    contests.map(async (each, i) => {
      await sleep(phases[i])
      await each.strike(fault)
    }),
  )
  // One that never is over is told as an outage of that length.
  const endAt = performance.now() + 4 * downTimeMs(intervalMs) + 5000
  await sleep(2 * intervalMs)
  while (performance.now() < endAt && !contests.every((each) => each.isOver())) await sleep(50)
  await sleep(QUIET_MS)
  const { targets, lateness, sent } = await arena.probe.report()
  const isValid = lateness <= LATEST_MS
  return contests.flatMap(({ product, number }, i) => {
    const seen = targets[number]
    if (seen === undefined) return []
    const { lost, longest, gaps } = seen
    return { product, phaseMs: phases[i] ?? 0, outageMs: longest, lost, gaps, sent, lateness, isValid }
  })
}

async function measureFloor(arena: Arena, when: Floor['when']): Promise<Floor[]> {
  await arena.probe.report()
  await sleep(FLOOR_MS)
  const { targets, sent, lateness } = await arena.probe.report()
  return PRODUCTS.map((product) => {
    const own = targets.filter((_, i) => arena.contests[i]?.product === product)
    return {
      product,
      when,
      sent: own.length * sent,
      lateness,
      lost: own.reduce((sum, { lost }) => sum + lost, 0),
      longestMs: Math.max(...own.map(({ longest }) => longest)),
    }
  })
}

async function measure(intervalMs: number): Promise<Measured[]> {
  const pairs = Number(values.together)
  const products: Product[] = Array.from({ length: pairs }, () => PRODUCTS).flat()
  const arena = await openArena(products, intervalMs)
  try {
    const turns = intervalMs < AT_ONCE_FROM_MS ? arena.contests.map((each) => [each]) : [arena.contests]
    const before = await measureFloor(arena, 'before')
    const found = new Map<Fault, Run[]>()
    for (const fault of faults) {
      const all: Run[] = []
      const isEnough = () =>
        PRODUCTS.every((product) => all.filter((run) => run.product === product && run.isValid).length >= runs)
      for (let i = 0; i < Math.ceil((TRIES * runs) / pairs) && !isEnough(); i++) {
        for (const contests of turns) all.push(...(await strike(arena, contests, fault, intervalMs)))
        // Only when nothing is measured: a start costs most of a second of a core.
        await Promise.all(arena.contests.map((each) => each.recover(fault)))
        await sleep(QUIET_MS + 5 * intervalMs)
      }
      found.set(fault, all)
      process.stdout.write(`${fault} at ${intervalMs / 1000} s: ${all.length} runs\n`)
    }
    const floors = [...before, ...(await measureFloor(arena, 'after'))]
    return faults.flatMap((fault) =>
      PRODUCTS.map((product) => {
        const own = (found.get(fault) ?? []).filter((run) => run.product === product)
        const valid = own.filter(({ isValid }) => isValid)
        const floor = floors.filter((each) => each.product === product)
        return {
          product,
          fault,
          intervalMs,
          pairs,
          runs: valid.slice(0, runs),
          invalid: own.length - valid.length,
          floor,
        }
      }),
    )
  } finally {
    await arena.close()
  }
}

// Labs end with the process, if it has the time to.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const begun = performance.now()
const on = machine()
console.log(machineText(on))
const measured: Measured[] = []
for (const intervalMs of intervals) measured.push(...(await measure(intervalMs)))
const claims = judge(measured)
const markdown = [
  machineText(on),
  `n = ${runs}, seed ${seed}; bridge, multicast, physical MACs, VRRPv3, priorities 200 and 100, vrrp_rt_priority 1; all other settings as by default`,
  outageTable(measured),
  floorText(measured),
  claims.map(({ holds, text }) => `- ${holds ? 'holds' : '**does not hold**'}: ${text}`).join('\n'),
].join('\n\n')
console.log(`\n${markdown}\n\n${((performance.now() - begun) / 60_000).toFixed(1)} minutes`)
writeResults('outages', `${markdown}\n`, { machine: on, seed, runs, measured, claims })
if (claims.some(({ holds }) => !holds)) process.exitCode = 1
