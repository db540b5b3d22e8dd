import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ControlHandlers, ControlServer } from '../../src/control/server.ts'
import { until } from '../support/lab.ts'

test('an upgrade goes on when its caller has left before the answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tanist-control-'))
  const socket = join(folder, 'sock')
  const trial = Promise.withResolvers<void>()
  let [isAsked, isReplaced] = [false, false]
  const upgrade: ControlHandlers['upgrade'] = async () => {
    isAsked = true
    await trial.promise
    return { from: '1.0.0', to: '1.1.0', replace: () => (isReplaced = true) }
  }
  const caller = { pid: 1, uid: 0, user: 'root', command: undefined }
  const failures: unknown[] = []
  const server = new ControlServer(socket, { upgrade } as ControlHandlers, {
    callerOf: () => caller,
    failed: (_request, error) => failures.push(error),
  })
  try {
    const asking = request({ socketPath: socket, method: 'POST', path: '/v1/upgrade' })
    asking.on('error', () => {}) // it is we who leave
    asking.end('{"force":false}')
    await until('the daemon to be asked', () => isAsked)
    const left = new Promise((resolve) => asking.once('close', resolve))
    asking.destroy()
    await left
    await server.close() // it has seen that nobody is there any more
    expect(isReplaced).toBe(false)
    trial.resolve()
    await until('the replacement', () => isReplaced)
    expect(failures).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
