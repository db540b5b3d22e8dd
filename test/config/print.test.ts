import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostic.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import { listKeywords } from '../../src/config/reference.ts'
import { readConfigFile } from '../../src/host/config-file.ts'
import { surroundings } from '../support/surroundings.ts'
import { mutate } from './mutations.ts'
import { samples } from './samples.ts'

const corpus = join(import.meta.dirname, 'corpus')
const files = [...readdirSync(corpus).map((name) => join(corpus, name)), ...samples()].filter((path) =>
  path.includes('.conf'),
)

const load = (text: string) => loadConfig({ name: 'x.conf', text }, surroundings())

describe('--print-config', () => {
  test.each(files)('what is printed of %s means the same', (file) => {
    const read = readConfigFile(file, 'main')
    if ('unreadable' in read) throw new Error(read.unreadable)
    const { settings } = read.loaded
    const printed = printSettings(settings)
    const again = load(printed)
    expect(again.settings).toEqual(settings)
    expect(printSettings(again.settings)).toBe(printed)
    const errors = (list: readonly { severity: string }[]) => list.filter(({ severity }) => severity === 'error').length
    expect(errors(again.diagnostics)).toBeLessThanOrEqual(errors(read.loaded.diagnostics))
  })

  test('secrets are hidden, in text and in JSON', () => {
    const { settings } = load(
      'vrrp_instance a { authentication { auth_type PASS\n auth_pass hunter2\n } }\nSSL { password hunter2\n }',
    )
    expect(printSettings(settings)).not.toContain('hunter2')
    expect(JSON.stringify(settings)).not.toContain('hunter2')
    expect(settings.vrrp_instance[0]?.authentication?.auth_pass?.reveal()).toBe('hunter2')
  })

  test('arguments of scripts keep every character', () => {
    const argument = fc.string({ unit: 'grapheme-ascii', minLength: 1 })
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), (command) => {
        const { settings } = load('vrrp_script s { script /bin/true\n }')
        const [script] = settings.vrrp_script
        if (script === undefined) throw new Error('no script')
        script.script = { command, user: undefined, group: undefined }
        expect(load(printSettings(settings)).settings.vrrp_script[0]?.script?.command).toEqual(command)
      }),
    )
  })
})

describe('no input breaks the reader of configurations', () => {
  /** Most CPU time for one input, which does not depend on what else the machine does; one that hangs the reader takes minutes. */
  const LIMIT_MS = 1000

  function check(text: string): void {
    const before = process.cpuUsage()
    const { diagnostics, settings } = load(text)
    for (const diagnostic of diagnostics) {
      const { start, end, source } = diagnostic.at
      expect(start).toBeGreaterThanOrEqual(0)
      expect(start).toBeLessThanOrEqual(end)
      expect(end).toBeLessThanOrEqual(source.text.length)
      formatDiagnostic(diagnostic)
    }
    printSettings(settings)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(LIMIT_MS)
  }

  const tokens = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...new Set(listKeywords().map(({ keyword }) => keyword))) },
    {
      weight: 3,
      arbitrary: fc.constantFrom('{', '}', '\n', '\n', '"', "'", '!', '#', '\\', '\\#', ',', '$', '@', '~'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom('10.0.0.1', '10.0.0.0/8', 'fe80::1', '80', 'eth0', '-1', '0.5', 'yes', 'weight', 'x'),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '$X=',
        '${X}',
        '$X',
        '@lb1',
        '~SEQ(i,1,9)',
        '~LST({a,b},{1,2})',
        '$i',
        'include x',
        '\\\n',
      ),
    },
  )

  test('random tokens', () => {
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 80 }), (list) => check(list.join(' '))),
      { numRuns: 2000 },
    )
  }, 120_000)

  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => check(Buffer.from(bytes).toString('utf8'))),
      { numRuns: 1000 },
    )
  })

  test('mutated files, many times over', () => {
    for (const [index, file] of files.entries()) {
      let text = readFileSync(file, 'utf8')
      for (let round = 0; round < 10; round++) {
        text = mutate(text, index + round, 1)[0]?.text ?? text
        check(text)
      }
    }
  })

  test.each([
    ['many opening braces', 'a {\n'.repeat(50_000)],
    ['many closing braces', '}\n'.repeat(50_000)],
    ['one long line', `a ${'b '.repeat(500_000)}`],
    ['many references on a line', `$A=1\n${'$A '.repeat(5000)}`],
    ['many references that are not closed', '${a b '.repeat(2500)],
    ['many unknown keywords', 'foo bar\n'.repeat(50_000)],
    ['nested loops', '~SEQ(a,1,100) ~SEQ(b,1,100) ~SEQ(c,1,100) x'],
    ['quotes without end', '"\n'.repeat(50_000)],
    ['the same block again and again', 'vrrp_instance a { interface eth0\n }\n'.repeat(10_000)],
  ])('%s', (_name, text) => check(text))
})
