import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TrackerResult } from '../../../../src/model/tracking.ts'
import { until } from '../../../support/lab.ts'

const OBSERVER = join(import.meta.dirname, '../../../support/watch-process.ts')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-watch-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each(['max_inotify_instances', 'max_inotify_watches'])(
  'with %s used up, files are looked at once a second',
  async (limit) => {
    const path = join(folder, 'n')
    const trackers = { files: [{ name: 'n', path, init: { value: 1, overwrite: false } }], processes: [] }
    const script = `echo 0 > /proc/sys/user/${limit} && exec "$0" "$@"`
    const command = ['--user', '--map-root-user', '--', 'sh', '-c', script, process.execPath, OBSERVER]
    const observer = spawn('unshare', [...command, JSON.stringify(trackers)], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      const values: unknown[] = []
      createInterface(observer.stdout).on('line', (line) => values.push((JSON.parse(line) as TrackerResult).value))
      await until('its first number', () => values.length === 1)
      writeFileSync(path, '2')
      await until('its second number', () => values.length === 2)
      rmSync(path)
      await until('that it is gone', () => values.length === 3)
      expect(values).toStrictEqual([1, 2, 0].map((value) => ({ type: 'number', value })))
    } finally {
      observer.stdin.end()
      await once(observer, 'exit')
    }
  },
)
