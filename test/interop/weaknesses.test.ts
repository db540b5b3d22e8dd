/**
 * What was measured to break keepalived, done to a pair of keepalived and to a pair of Tanist in the same run, each in a lab of its own:
 * Tanist keeps what it promises. What keepalived comes to is printed beside it, and not judged.
 */
import { afterAll, describe, expect, test, vi } from 'vitest'
import { allKilled, logBlocked, removedByHand, vrrpKilled } from './weaknesses/crashes.ts'
import { cutOffOnce, deafOnce, frozenBackup, lossyDefault, lossyPatient } from './weaknesses/deafness.ts'
import type { Drill } from './weaknesses/drill.ts'
import { longInterval, noInterval } from './weaknesses/packets.ts'

/** They wait nearly all of their time. */
vi.setConfig({ maxConcurrency: 4, testTimeout: 240_000 })

/** What a processor that others have would spoil. */
const ALONE = [vrrpKilled, removedByHand, frozenBackup]
const TOGETHER = [longInterval, deafOnce, cutOffOnce, lossyDefault, lossyPatient, allKilled, logBlocked, noInterval]

const lines = new Map<Drill, string>()
afterAll(() => {
  const rows = [...ALONE, ...TOGETHER].flatMap((drill) => lines.get(drill) ?? [])
  process.stdout.write(`\n| weakness | keepalived | Tanist | promised |\n|---|---|---|---|\n${rows.join('\n')}\n`)
})

/** A busy machine. */
const RETRY = 2

async function compare(drill: Drill): Promise<void> {
  const [keepalived, tanist] = await Promise.all([drill.run('keepalived'), drill.run('tanist')])
  const row = [drill.weakness, keepalived.text, tanist.text, drill.promised]
  lines.set(drill, `| ${row.join(' | ')} |`)
  expect(tanist.value, lines.get(drill)).toBeLessThanOrEqual(drill.limit(keepalived))
}

describe('beside keepalived, alone', () => {
  test.each(ALONE)('$weakness', { retry: RETRY }, compare)
})

describe.concurrent('beside keepalived', () => {
  test.each(TOGETHER)('$weakness', { retry: RETRY }, compare)
})
