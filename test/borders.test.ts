import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { BORDERS, PURE } from '../oxlint.config.ts'

const ROOT = join(import.meta.dirname, '..')
const copy = mkdtempSync(join(tmpdir(), 'tanist-borders-'))
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
writeFileSync(join(copy, 'oxlint.config.ts'), readFileSync(join(ROOT, 'oxlint.config.ts')))
afterAll(() => rmSync(copy, { recursive: true }))

interface Row {
  readonly name: string
  readonly mayImport: readonly string[]
  readonly isPure: boolean
}

test('the table of borders in docs/architecture.md is the one that the linter has', () => {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `src\/([\w/]+)` \|[^|]*\|([^|]*)\| ?(pure)? ?\|$/gm)].map(
    ([, name = '', others = '', pure]): Row => ({
      name,
      mayImport: [...others.matchAll(/`(\w+)`/g)].map(([, other = '']) => other),
      isPure: pure === 'pure',
    }),
  )
  const wanted = Object.entries(BORDERS).map(([name, mayImport]): Row => ({
    name,
    mayImport,
    isPure: PURE.includes(name),
  }))
  expect(rows).toEqual(wanted)
})

test('every folder of src has borders', () => {
  const folders = readdirSync(join(ROOT, 'src')).map((name) => name.replace(/\.ts$/, ''))
  const named = Object.keys(BORDERS).filter((name) => !name.includes('/'))
  expect(new Set(folders)).toEqual(new Set(named))
})

test('an import across a border is an error of the linter at any depth, and what the table allows is none', () => {
  const folders = Object.keys(BORDERS).filter((name) => !name.includes('/'))
  const wrong: string[] = []
  for (const [name, allowed] of Object.entries(BORDERS)) {
    const own = name.split('/')[0] ?? name
    for (const folder of folders) {
      if (folder === own) continue
      const isFile = name.includes('/') || name === 'time'
      for (const inside of isFile ? [''] : ['/x', '/deep/x', '/very/deep/x']) {
        // A file cannot hold them all: one error hides no other, but the place of each would.
        const file = `src/${name}${inside}${isFile ? '' : `-${folder}`}.ts`
        const up = name === 'time' ? './' : '../'.repeat(file.split('/').length - 2)
        add(
          file,
          `export { y as ${folder}${wrong.length} } from '${up}${folder === 'time' ? 'time.ts' : `${folder}/y.ts`}'\n`,
        )
        if (!allowed.includes(folder)) wrong.push(`${file} → ${folder}`)
      }
    }
  }
  const found = forbidden('src').map(
    ({ filename, labels }) => `${filename} → ${targetIn(filename, labels[0]?.span.offset ?? 0)}`,
  )
  expect(found.toSorted()).toEqual(wrong.toSorted())
})

test('a probe that counts is an error of the linter', () => {
  add('src/check/probes/counting.ts', `export { count } from '../schedule.ts'\n`)
  add('src/check/counting.ts', `export { count } from './schedule.ts'\n`)
  const found = forbidden('src/check').map(({ filename }) => filename)
  expect(found.filter((each) => each.includes('counting'))).toEqual(['src/check/probes/counting.ts'])
})

test('pure folders import nothing of Node; only the election may sign', () => {
  for (const folder of ['vrrp', 'notify']) {
    add(`src/${folder}/reading.ts`, `export { readFileSync } from 'node:fs'\n`)
    add(`src/${folder}/signing.ts`, `export { createHmac } from 'node:crypto'\n`)
  }
  const found = forbidden('src').map(({ filename }) => filename)
  const own = found.filter((each) => /reading|signing/.test(each))
  expect(own.toSorted()).toEqual(['src/notify/reading.ts', 'src/notify/signing.ts', 'src/vrrp/reading.ts'])
})

interface Diagnostic {
  readonly code: string
  readonly filename: string
  readonly labels: readonly { readonly span: { readonly offset: number } }[]
}

/** The imports below a folder of the copy that the linter's settings forbid. */
function forbidden(folder: string): readonly Diagnostic[] {
  const run = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'json', folder], {
    cwd: copy,
    encoding: 'utf8',
  })
  const { diagnostics } = JSON.parse(run.stdout) as { diagnostics: readonly Diagnostic[] }
  return diagnostics.filter(({ code }) => code.includes('no-restricted-imports'))
}

function add(file: string, line: string): void {
  mkdirSync(dirname(join(copy, file)), { recursive: true })
  writeFileSync(join(copy, file), line, { flag: 'a' })
}

/** The folder that the import at a place of a file is from. */
function targetIn(file: string, offset: number): string | undefined {
  const line = readFileSync(join(copy, file), 'utf8').slice(offset).split('\n')[0] ?? ''
  return /'(?:\.{1,2}\/)+(\w+)/.exec(line)?.[1]
}
