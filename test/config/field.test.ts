import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { correctedText } from '../../src/config/fix.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printSettings } from '../../src/config/print.ts'
import { configToRun, readConfigFile } from '../../src/host/config-file.ts'
import { surroundings } from '../support/surroundings.ts'

/**
 * Files of the kind that people run with keepalived, with what is obsolete, of no effect, or not there yet in Tanist: one for each
 * feature that public files were found to use. test/config/oracle.test.ts has keepalived run all of them.
 */
const folder = join(import.meta.dirname, 'field')
const files = readdirSync(folder)

/** keepalived drops the authentication that these ask for, or a word that means something: they have to be corrected. */
const REFUSED = ['misspelt-keyword.conf']

function load(name: string) {
  const read = readConfigFile(join(folder, name), 'main')
  if ('unreadable' in read) throw new Error(read.unreadable)
  return read
}

test('at least 95 of 100 configurations from the field start, the others only for what would be done otherwise than written', () => {
  const refused = files.filter((name) => configToRun(load(name), true).config === undefined)
  expect(files.length).toBeGreaterThanOrEqual(40)
  expect(refused).toEqual(REFUSED)
  expect(refused.length / files.length).toBeLessThan(0.05)
})

test('configurations from the field start without --partial if all their protections run', () => {
  for (const name of files) {
    const { config } = load(name).loaded
    const starts = configToRun(load(name), false).config !== undefined
    expect(starts, name).toBe(config?.notRunning.length === 0)
  }
})

describe('corrections of --fix', () => {
  test.each(files)('of %s change nothing of what it means, and leave nothing to correct', (name) => {
    const { loaded } = load(name)
    const fixes = loaded.diagnostics.flatMap(({ fix }) => fix ?? [])
    const [first] = fixes
    if (first === undefined) return
    const text = correctedText(first.at.source.text, fixes)
    const again = loadConfig({ name, text }, surroundings())
    expect(again.diagnostics.flatMap(({ fix }) => fix ?? [])).toEqual([])
    expect(again.config).toBeDefined()
    // What was an error has no meaning to compare; a name that nobody read is one now.
    if (loaded.config === undefined || name === 'lvs-id.conf') return
    const { notRunning: _before, ...before } = loaded.config
    const { notRunning: _after, ...after } = again.config ?? loaded.config
    expect(after).toEqual(before)
    expect(printSettings(again.settings)).not.toContain('nat_mask')
  })

  test('are there for most of what is obsolete or has no effect', () => {
    const withFix = files.filter((name) => load(name).loaded.diagnostics.some(({ fix }) => fix !== undefined))
    expect(withFix.length).toBeGreaterThanOrEqual(20)
  })
})
