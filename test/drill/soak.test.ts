import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { readDrill } from '../../src/drill/language/read.ts'
import { randomDrill, type SoakFacts } from '../../src/drill/soak.ts'

const FACTS: SoakFacts = {
  servers: 3,
  scripts: ['chk_service', 'chk other'],
  hasWeights: true,
  seconds: { takeover: 3.8, recovery: 9.25 },
}
const WITHOUT: SoakFacts = { ...FACTS, servers: 0, scripts: [], hasWeights: false }

const mistakes = (text: string) =>
  readDrill({ name: 'soak.yaml', text }).diagnostics.map((each) => formatDiagnostic(each))

test('every drill that chance makes reads without a mistake', () => {
  for (const facts of [FACTS, WITHOUT]) {
    for (let number = 1; number <= 1000; number++) {
      const { text } = randomDrill(1, number, facts)
      expect(mistakes(text), text).toEqual([])
    }
  }
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.nat(999_999_999), (seed, number) => {
      const { text } = randomDrill(seed, number, FACTS)
      expect(mistakes(text), text).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test('the same seed and number are the same drill, and others another one', () => {
  const texts = Array.from({ length: 100 }, (_, i) => randomDrill(7, i + 1, FACTS).text)
  expect(Array.from({ length: 100 }, (_, i) => randomDrill(7, i + 1, FACTS).text)).toEqual(texts)
  expect(new Set(texts).size).toBe(100)
  expect(randomDrill(8, 1, FACTS).text).not.toBe(texts[0])
})

test('every fault comes, and no fault of what a pair has not', () => {
  const names = (facts: SoakFacts) =>
    new Set(Array.from({ length: 1000 }, (_, i) => randomDrill(1, i + 1, facts).name.split(/, then |, later /)).flat())
  const [all, few] = [names(FACTS), names(WITHOUT)]
  const foreign = ['server broken', 'server flaps', 'drain', 'other weights', 'script fails']
  expect([...all].filter((name) => !few.has(name)).toSorted()).toEqual(foreign.toSorted())
  expect(all.size).toBeGreaterThanOrEqual(22)
})

test('a drill whose faults cost nothing allows no loss, and the others no more than their faults together', () => {
  for (let number = 1; number <= 1000; number++) {
    const { drill } = readDrill({ name: 'soak.yaml', text: randomDrill(1, number, FACTS).text })
    const claims = (drill?.claims ?? []).map(({ text }) => text)
    expect(claims.filter((claim) => /^(lost|outage)/.test(claim))).toHaveLength(1)
    const most = Number(/outage: (\d+) ms/.exec(claims.join('\n'))?.[1] ?? 0)
    expect(most).toBeLessThan(3 * (16_000 + 3800 + 9250) + 1000)
  }
})
