import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { failureOf } from '../../src/check/probes/finding.ts'

const failed = (code: string) => failureOf(Object.assign(new Error('no'), { code }), 1000)

test.each(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EPERM', 'EACCES', 'EAFNOSUPPORT'])(
  '%s is a fault of this host, which says nothing of the server',
  (code) => {
    const { up, reason } = failed(code)
    expect(up).toBeUndefined()
    expect(reason).toMatch(new RegExp(`^${code}: .`))
  },
)

test.each(['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'])(
  '%s takes the server down, and tells that there is no way',
  (code) => expect(failed(code)).toEqual({ up: false, unreachable: true, reason: code }),
)

test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'constructor'])(
  '%s is the fault of the server',
  (code) => expect(failed(code)).toEqual({ up: false, reason: code }),
)

test('a process without a descriptor left does not blame the server', () => {
  const probe = join(import.meta.dirname, '../../src/check/probes/probe.ts')
  const program = `
    import { openSync } from 'node:fs'
    import { createServer } from 'node:net'
    import { probe } from '${probe}'
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const check = { type: 'TCP_CHECK', target: { address: '127.0.0.1', port: server.address().port }, timeout: 1000 }
    const before = await probe(check)
    try { for (;;) openSync('/dev/null') } catch {}
    const { up, reason } = await probe(check)
    console.log(JSON.stringify([before.up, up ?? 'not asked', reason]))
    process.exit()`
  const args = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program]
  expect(JSON.parse(execFileSync('/bin/sh', args, { encoding: 'utf8' }))).toEqual([
    true,
    'not asked',
    'EMFILE: no descriptor left in the check process',
  ])
})
