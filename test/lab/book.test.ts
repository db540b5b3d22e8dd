import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'

/** Those that are done soonest, and show most: processes, reloads, servers, long datagrams, hand-overs, addresses, interfaces; two at a time. */
const FASTEST = [
  ['01', '31', '34', '50', '57'],
  ['20', '32', '36', '53', '54'],
] as const
/** With the time that a busy machine takes; an idle one has done all of them in a minute and a half. */
const LIMIT_MS = 300_000

const TANIST = join(import.meta.dirname, '../../dist/bin/tanist.js')
const folder = mkdtempSync(join(tmpdir(), 'tanist-book-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Run {
  readonly number: number
  readonly held: boolean
}

async function runsOf(drills: readonly string[]): Promise<void> {
  const json = join(folder, `${drills[0]}.json`)
  const child = spawn(process.execPath, [TANIST, 'drill', 'run', ...drills, '--json', json], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
  const runs = readFileSync(json, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Run)
  const held = runs.filter((run) => run.held).map(({ number }) => number)
  expect({ status, held }, output).toEqual({ status: 0, held: drills.map(Number) })
}

test(
  'ten drills of the book hold, as an operator runs them',
  async () => {
    await Promise.all(FASTEST.map(runsOf))
  },
  LIMIT_MS,
)
