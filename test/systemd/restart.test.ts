import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'

const DRILL = join(import.meta.dirname, '../drills/restart.ts')

/** The drill as people run it, in short: it takes 20 s on an idle machine. */
test('a director under systemd keeps what it has over a restart alone and an upgrade beside a peer', async () => {
  const drill = promisify(execFile)(process.execPath, [DRILL, '--connections', '100', '1', 'NAT'])
  const { stdout } = await drill.catch((failed: Error & { stdout?: string }) => {
    throw new Error(`${failed.stdout}${failed.message}`)
  })
  const said = stripVTControlCharacters(stdout)
  for (const what of ['restarts of a director alone', 'upgrades in place beside a peer']) {
    expect(said).toMatch(
      new RegExp(
        `^✓ NAT: 1 ${what}: 0 of 100 connections broken, .* 0 of [1-9]\\d+ answers wrong .* 0 of [1-9]\\d\\d+ datagrams lost`,
        'm',
      ),
    )
  }
}, 120_000)
