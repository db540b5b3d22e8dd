import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SIGNALS = join(import.meta.dirname, '../../src/linux/signals.ts')

test('a signal that Node has no name for is taken, and another one is still ignored', async () => {
  const program = `import { ignoreSignals, onSignalNumber } from ${JSON.stringify(SIGNALS)}
    ignoreSignals()
    let taken = 0
    onSignalNumber(36, () => process.send(++taken))
    onSignalNumber(63, () => { throw new Error('as any other error') })
    process.on('uncaughtException', ({ message }) => process.send(message))
    process.on('message', () => {})
    process.send('ready')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    timeout: 60_000,
  })
  const next = async () => ((await once(child, 'message')) as [unknown])[0]
  try {
    expect(await next()).toBe('ready')
    const { pid } = child
    if (pid === undefined) throw new Error('the child did not start')
    const signal = async (number: number) => {
      const answer = next()
      process.kill(pid, 40) // handled by nobody
      process.kill(pid, number)
      return await answer
    }
    expect(await signal(36)).toBe(1)
    expect(await signal(36)).toBe(2)
    expect(await signal(63)).toBe('as any other error')
    expect(await signal(36)).toBe(3)
  } finally {
    child.kill('SIGKILL')
  }
})

test('waiting for it does not keep a process alive', async () => {
  const program = `import { onSignalNumber } from ${JSON.stringify(SIGNALS)}; onSignalNumber(36, () => {})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit', timeout: 20_000 })
  expect((await once(child, 'exit')) as unknown[]).toEqual([0, null])
})
