import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { Child, ROOMY_CHILD_OPTIONS } from '../../src/daemon/child.ts'
import type { FromCheck, ToCheck } from '../../src/daemon/messages.ts'
import { PULSES } from '../../src/daemon/pulse.ts'
import type { CheckSchedule } from '../../src/model/check.ts'
import { seconds } from '../../src/time.ts'
import { until } from '../support/lab.ts'
import { ip } from '../vrrp/instances.ts'

const MANY = 65_536

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

test(
  'a process that reads the configuration has room for 37 205 real servers in 2277 services',
  { timeout: 120_000 },
  async () => {
    const first = (service: number) => Math.floor((service * 37_205) / 2277)
    const range = (service: number) =>
      Array.from({ length: first(service + 1) - first(service) }, (_, i) => first(service) + i)
    const services = Array.from({ length: 2277 }, (_, service) => {
      const servers = range(service)
      const reals = servers.map(
        (server) =>
          `  real_server 10.9.${server >> 8}.${server & 255} 80 {\n    weight 1\n    TCP_CHECK {\n      connect_timeout 3\n    }\n  }\n`,
      )
      return `virtual_server 10.8.${service >> 8}.${service & 255} 80 {\n  delay_loop 60\n  protocol TCP\n${reals.join('')}}\n`
    })
    const folder = mkdtempSync(join(tmpdir(), 'tanist-many-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'large.conf')
    writeFileSync(file, services.join(''))
    const reader = join(import.meta.dirname, '../../src/host/config-file.ts')
    const program = `import { readConfigFile } from ${JSON.stringify(reader)}
    console.log(readConfigFile(${JSON.stringify(file)}, 'many').loaded.config.virtualServers.length)`
    const args = [...ROOMY_CHILD_OPTIONS, '--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toBe('2277\n')
  },
)

test(`a check process has room for ${MANY} checks`, { timeout: 120_000 }, async () => {
  const server = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  closers.push(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const idOf = (i: number) =>
    `[10.8.${i >> 8}.0]:tcp:80 [10.9.${i >> 8}.${i & 255}]:80 TCP_CHECK [127.0.0.1]:${port} ${i}`
  /** Nearly all but the last one begin in days. */
  const scheduleOf = (i: number): CheckSchedule => ({
    target: { address: ip('127.0.0.1'), port },
    timeout: seconds(5),
    warmup: i === MANY - 1 ? seconds(0) : seconds(1e6),
    delayLoop: seconds(3600),
    retry: 0,
    delayBeforeRetry: seconds(1),
  })
  const tasks = Array.from({ length: MANY }, (_, i) => ({
    id: idOf(i),
    check: { type: 'TCP_CHECK' as const, ...scheduleOf(i) },
  }))
  const found: string[] = []
  const deaths: string[] = []
  const args = () => [`tanist-${process.pid}-many-checks`]
  const child = new Child<ToCheck, FromCheck>(
    { role: 'check', args, execArgv: ROOMY_CHILD_OPTIONS, pulse: PULSES.check },
    {
      started: () =>
        setImmediate(() =>
          child.send({ type: 'configure', tasks, found: { up: [], down: [] }, noSwap: false, tlsClient: {} }),
        ),
      message: (said) => {
        if (said.type === 'verdicts') found.push(...said.verdicts.map(({ id, up }) => `${id} ${up ? 'up' : 'down'}`))
      },
      died: (how) => deaths.push(how),
    },
  )
  closers.push(() => child.stop(10_000))
  await until('the verdict', () => found.includes(`${idOf(MANY - 1)} up`) || deaths.length > 0, 100_000)
  expect(deaths).toEqual([])
})
