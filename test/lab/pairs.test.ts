import { afterEach, expect, test } from 'vitest'
import { filesOf, pairOf, type PairOfTexts } from '../drill/corpus-pairs.ts'
import { drillOfBook, type Outcome, RehearsedPair } from '../support/rehearsal.ts'

let pair: RehearsedPair | undefined
afterEach(() => pair?.close())

const HELD: Outcome = { verdict: 'held', why: [] }

/** A few of `npm run drill:pairs`: of each kind of pair one, with drills that take a moment. */
const PAIRS: readonly (readonly [PairOfTexts, readonly string[]])[] = [
  [pairOf('conf/dr.conf'), ['32', '53']],
  [filesOf('test/config/corpus/haproxy-pair-master.conf', 'test/config/corpus/haproxy-pair-backup.conf'), ['32', '53']],
  [pairOf('test/config/corpus/gateway-vlan.conf'), ['53']],
]

test.each(PAIRS.map(([texts, numbers]) => [texts.name, texts, numbers] as const))(
  'the drills of the book hold on %s, one after the other',
  // Their probes lose nothing at all on a machine that has the time; one that is lost by the machine is not lost twice.
  { retry: 1 },
  async (_, texts, numbers) => {
    pair = new RehearsedPair(texts)
    for (const number of numbers) expect([number, await pair.run(drillOfBook(number))]).toEqual([number, HELD])
  },
)
