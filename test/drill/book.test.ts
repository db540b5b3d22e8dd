import { readFileSync } from 'node:fs'
import { globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { readDrill } from '../../src/drill/language/read.ts'
import { stepSentence, claimSentence, trafficSentence } from '../../src/drill/language/sentences.ts'
import { pairTexts } from '../../src/drill/pair-texts.ts'
import { surroundings } from '../support/surroundings.ts'

const BOOK = join(import.meta.dirname, '../../conf/drills')
const files = globSync('*.yaml', { cwd: BOOK }).toSorted()
const readFile = (file: string) => {
  const path = join(BOOK, file)
  return readDrill({ name: path, text: readFileSync(path, 'utf8') })
}
const drills = files.flatMap((file) => readFile(file).drill ?? [])

describe('of the drill book', () => {
  test.each(files)('%s has no mistake', (file) => {
    expect(readFile(file).diagnostics.map((each) => formatDiagnostic(each))).toEqual([])
  })

  test.each(drills.filter(({ pair }) => pair !== undefined).map((drill) => [basename(drill.file), drill] as const))(
    'the configurations of %s load without a mistake or a warning',
    (_name, { pair, file }) => {
      if (pair === undefined) return
      const texts = pairTexts(pair, (path) => readFileSync(join(dirname(file), path), 'utf8'))
      const wrong = texts.flatMap((source) => loadConfig(source, surroundings()).diagnostics)
      expect(wrong.map((each) => formatDiagnostic(each))).toEqual([])
      const [first, second] = texts.map((source) => loadConfig(source, surroundings()).config)
      expect(first?.instances.length).toBeGreaterThan(0)
      expect(first?.instances.map(({ priority }) => priority)).toEqual(first?.instances.map(() => pair.priorities?.[0]))
      expect(second?.instances.map(({ priority }) => priority)).toEqual(
        first?.instances.map(() => pair.priorities?.[1]),
      )
    },
  )

  test('each change of a configuration changes something', () => {
    const idle = drills.flatMap(({ pair, file }) => {
      if (pair === undefined) return []
      const read = (path: string) => readFileSync(join(dirname(file), path), 'utf8')
      return pair.changes.filter((_, i) => {
        const without = { ...pair, changes: pair.changes.toSpliced(i, 1) }
        return pairTexts(pair, read)[0].text === pairTexts(without, read)[0].text
      })
    })
    expect(idle).toEqual([])
  })

  test('the numbers are those from 1 to 60, each once', () => {
    expect(drills.map(({ number }) => number)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  })

  test('at least fifty can run, with a pair, steps and claims; the others say why not', () => {
    const running = drills.filter(({ cannotRun }) => cannotRun === undefined)
    expect(running.length).toBeGreaterThanOrEqual(50)
    const idle = running.filter(({ pair, steps, claims }) => pair === undefined || steps.length * claims.length === 0)
    expect(idle.map(({ name }) => name)).toEqual([])
  })

  test('every drill says what it promises, and why it matters in two to four sentences', () => {
    const wrong = drills.filter(({ why, promise }) => {
      const sentences = why.split(/[.?!](?:\s|$)/).filter((each) => each.trim() !== '').length
      return promise === undefined || sentences < 2 || sentences > 4
    })
    expect(wrong.map(({ name }) => name)).toEqual([])
  })

  test('every drill waits for no longer than a minute, without what it waits for', () => {
    const waits = drills.map(({ name, steps }) => {
      const waited = steps.map((step) => (step.action === 'wait' ? step.arguments.for : 0))
      return { name, ms: waited.reduce<number>((sum, each) => sum + each, 0) }
    })
    expect(waits.filter(({ ms }) => ms > 50_000)).toEqual([])
  })

  test('every step, claim and kind of traffic is told in a sentence', () => {
    const all = drills.flatMap(({ steps, claims, traffic }) => [
      ...steps.map((step) => stepSentence(step)),
      ...claims.map(({ claim }) => claimSentence(claim)),
      ...traffic.map((each) => trafficSentence(each)),
    ])
    expect(all.filter((each) => /undefined|\[object|NaN/.test(each) || each === '')).toEqual([])
  })

  test('every file begins with what tells editors its schema', () => {
    const first = '# yaml-language-server: $schema=drill.schema.json\n'
    expect(files.filter((file) => !readFileSync(join(BOOK, file), 'utf8').startsWith(first))).toEqual([])
  })
})
