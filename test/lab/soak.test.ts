import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const run = promisify(execFile)
const PROGRAM = join(import.meta.dirname, '../../dist/bin/tanist.js')
const JSON_FILE = join(tmpdir(), `tanist-soak-${process.pid}.json`)
afterAll(() => rmSync(JSON_FILE, { force: true }))

test('drills that chance makes hold, one after the other on one pair, and each can be run again', async () => {
  const options = ['drill', 'soak', '--hours', '0.1', '--seed', '1', '--drills', '3', '--json', JSON_FILE]
  const { stdout } = await run(process.execPath, [PROGRAM, ...options])
  expect(stdout).toMatch(/Every claim held\.\n$/)
  const drills = readFileSync(JSON_FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly name: string; readonly held: boolean })
  expect(drills.length).toBe(3)
  expect(drills.every(({ held }) => held)).toBe(true)
  const again = await run(process.execPath, [PROGRAM, 'drill', 'soak', '--seed', '1', '--from', '2', '--drills', '1'])
  expect(again.stdout).toContain(`✓  ${drills[1]?.name}`)
})
