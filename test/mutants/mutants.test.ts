import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mutant, MUTANTS } from './mutants.ts'

/**
 * Wrong engines, each a copy of the sources with one text changed: simulation or conformance finds every one. A text that is not
 * there any more fails its test, so that mutants follow the code.
 */

const ROOT = join(import.meta.dirname, '../..')
/** What both need; below `test`. */
const TESTS = [
  'conformance/bench.ts',
  'conformance/bytes.ts',
  'conformance/rfc3768.test.ts',
  'conformance/rfc9568.test.ts',
]
const MORE_TESTS = [
  'simulation/draw-site.ts',
  'simulation/scenario.ts',
  'simulation/seed.ts',
  'support/surroundings.ts',
  'mutants/hunt.ts',
]
const SOURCES = ['config', 'model', 'net', 'simulate', 'vrrp', 'time.ts']
const SEEDS = 30

const folder = mkdtempSync(join(tmpdir(), 'tanist-mutants-'))
afterAll(() => rmSync(folder, { recursive: true }))

const folderOf = (mutant: Mutant | undefined) =>
  join(folder, String(mutant === undefined ? 'right' : MUTANTS.indexOf(mutant)))

/** `undefined`: the engine as it is. */
function copy(mutant: Mutant | undefined): void {
  const to = folderOf(mutant)
  mkdirSync(to)
  for (const name of SOURCES) cpSync(join(ROOT, 'src', name), join(to, 'src', name), { recursive: true })
  const isJudged = mutant === undefined || mutant.caughtBy.includes('conformance')
  for (const name of [...(isJudged ? TESTS : []), ...MORE_TESTS])
    cpSync(join(ROOT, 'test', name), join(to, 'test', name))
  if (mutant === undefined) return
  const file = join(to, 'src/vrrp', mutant.file)
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(mutant.from, () => mutant.to),
  )
}

async function run(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, VITEST: '' },
  })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return output
}

/** What conformance finds wrong, by the folder of the mutant. */
const unmet = new Map<string, string[]>()

beforeAll(async () => {
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const mutant of [undefined, ...MUTANTS]) copy(mutant)
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const report = join(folder, 'report.json')
  await run(
    vitest,
    'run',
    '--root',
    folder,
    '--reporter=json',
    `--outputFile=${report}`,
    '--testTimeout=60000',
    '--maxWorkers=2',
  )
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly {
      readonly name: string
      readonly message?: string
      readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
    }[]
  }
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title)
    const key = join(folder, name.slice(folder.length + 1).split('/')[0] ?? '')
    unmet.set(key, [...(unmet.get(key) ?? []), ...failed, ...(assertionResults.length === 0 ? ['does not run'] : [])])
  }
})

const hunt = async (mutant: Mutant | undefined) => {
  const found = await run(join(folderOf(mutant), 'test/mutants/hunt.ts'), String(SEEDS))
  return found.trim()
}

test('the engine as it is passes both', async () => {
  expect(unmet.get(folderOf(undefined))).toEqual([])
  expect(await hunt(undefined)).toBe('')
})

describe('a wrong engine is found out', () => {
  test.each(MUTANTS)('$name', async (mutant) => {
    expect(readFileSync(join(ROOT, 'src/vrrp', mutant.file), 'utf8').split(mutant.from)).toHaveLength(2)
    const found = []
    const statements = unmet.get(folderOf(mutant)) ?? []
    if (statements.length > 0) found.push('conformance')
    const rule = mutant.caughtBy.includes('simulation') ? await hunt(mutant) : ''
    if (rule !== '') found.push('simulation')
    const by = [...statements.map((each) => each.split(/[ :,]/)[0]), rule].filter((each) => each !== '')
    console.log(`${mutant.name}: ${[...new Set(by)].join(', ')}`)
    expect(found).toEqual(mutant.caughtBy)
  })
})
