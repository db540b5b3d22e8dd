import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { storyText } from '../../src/simulate/history.ts'
import type { Rule } from '../../src/simulate/judge.ts'
import { play, scenarioText } from './scenario.ts'
import { scenarioOfSeed, SEED_LASTS } from './seed.ts'
import { shrink } from './shrink.ts'

/**
 * `npm run simulate -- --seeds N [--first S] [--seconds LIMIT]`: an hour of faults for each seed. What violates a rule is
 * shrunk, told, and written to test/scenarios.
 */

interface Share {
  readonly first: number
  readonly end: number
  readonly by: number
  /** Not begun after that, in ms since the epoch. */
  readonly until: number
}

interface Result {
  readonly seed: number
  readonly skipped: number
  readonly faults: number
  readonly violated: Rule | undefined
}

/** BOUNDED: so many failing seeds are shrunk and written. */
const MOST_WRITTEN = 3

function work({ first, end, by, until }: Share): void {
  for (let seed = first; seed < end && Date.now() < until; seed += by) {
    const { skipped, faults, violations } = play(scenarioOfSeed(seed))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads, not windows
    parentPort?.postMessage({ seed, skipped, faults, violated: violations[0]?.rule } satisfies Result)
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '86400' },
    },
  })
  const begun = Date.now()
  const first = Number(values.first)
  const by = availableParallelism()
  const share = { end: first + Number(values.seeds), by, until: begun + 1000 * Number(values.seconds) }
  const results: Result[] = []
  await Promise.all(
    Array.from({ length: by }, async (_, i) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { ...share, first: first + i } })
      worker.on('message', (result: Result) => results.push(result))
      await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
    }),
  )
  const sum = (of: (result: Result) => number) => results.reduce((total, each) => total + of(each), 0)
  const failed = results.filter(({ violated }) => violated !== undefined).toSorted((a, b) => a.seed - b.seed)
  const hours = (results.length * SEED_LASTS) / 3_600_000
  const calm = Math.round((100 * sum(({ skipped }) => skipped)) / (results.length * SEED_LASTS))
  console.log(
    `${results.length} seeds, ${hours} simulated hours (${calm} % of them calm and passed over), ${sum(({ faults }) => faults)} faults, ` +
      `${failed.length} violations, ${((Date.now() - begun) / 1000).toFixed(0)} s with ${by} workers`,
  )
  for (const { seed, violated } of failed.slice(0, MOST_WRITTEN)) if (violated !== undefined) tell(seed, violated)
  for (const { seed, violated } of failed.slice(MOST_WRITTEN)) console.log(`seed ${seed}: ${violated}`)
  if (failed.length > 0) process.exitCode = 1
}

function tell(seed: number, rule: Rule): void {
  const small = shrink(scenarioOfSeed(seed), rule)
  const folder = join(import.meta.dirname, '../scenarios')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${rule}-${seed}.json`)
  writeFileSync(file, scenarioText({ ...small, about: `seed ${seed} violated the rule ${rule}` }))
  console.log(`\nseed ${seed}: ${rule}; written to ${file}\n${storyText(play(small, true).story)}`)
}

if (isMainThread) await main()
else work(workerData as Share)
