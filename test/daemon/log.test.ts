import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('a log that nobody reads holds nothing up: 10 MB into a pipe of 64 KB', async () => {
  const script = join(import.meta.dirname, '../support/log-process.ts')
  // The pipe is opened and never read.
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const [{ worst, flush }] = (await once(child, 'message')) as [{ worst: number; flush: number }]
  const exited = once(child, 'exit')
  child.disconnect()
  expect(worst).toBeLessThan(500)
  expect(flush).toBeLessThan(1000)
  child.kill()
  await exited
})
