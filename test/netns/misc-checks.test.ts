import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Dump } from '../../src/control/dump.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
let director: DirectorHost
const path = (name: string) => join(lab.directory, name)

/** The status that the script of a server ends with from now on, without a moment between: it says so, and is counted. */
const status = (server: number, code: number) => {
  writeFileSync(path('next'), `${code}\n`)
  renameSync(path('next'), path(`status-${server}`))
}
/** What notifications have written. */
const told = () => (existsSync(path('told')) ? readFileSync(path('told'), 'utf8') : '')
const runs = (server: number) =>
  existsSync(path(`runs-${server}`)) ? readFileSync(path(`runs-${server}`), 'utf8').split('\n').length - 1 : 0

const server = (number: number, ...more: string[]) => `  real_server 192.168.1.${number} 80 {
    weight 10
    notify_down "/bin/sh -c 'echo down ${number} >>${path('told')}'"
    MISC_CHECK {
      misc_path "${path('check.sh')} ${number}"
      misc_timeout 10
      misc_dynamic
      misc_timeout 5
      ${more.join('\n      ')}
    }
  }
`
const config = (...servers: string[]) => `virtual_server 10.0.0.100 80 {
  delay_loop 0.2
  warmup 0
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
${servers.join('')}}
`

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.run('director', ['ip', 'address', 'add', '10.0.0.100/24', 'dev', 'eth0'])
  const lines = [`echo x >>${path('runs-$1')}`, `code=$(cat ${path('status-$1')})`, 'echo "says $code"', 'exit $code']
  writeFileSync(path('check.sh'), `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 })
  status(11, 0)
  status(12, 0)
  director = new DirectorHost(lab, 'director', config(server(11), server(12)))
  await director.start()
})
afterAll(() => lab.destroy())

/** As ipvsadm lists it; undefined when it is not there. */
const weight = (number: number) => {
  const [, found] =
    new RegExp(`-> 192\\.168\\.1\\.${number}:80 +Masq +(\\d+) `).exec(director.ipvsadm('ipvsadm -Ln').stdout) ?? []
  return found === undefined ? undefined : Number(found)
}
const untilWeight = async (number: number, wanted: number | undefined) =>
  await until(`weight ${wanted} of ${number}`, () => weight(number) === wanted)
const seen = async (i: number) => (await director.status()).services[0]?.servers[i]
const restarts = async () => (await director.status()).processes.find(({ role }) => role === 'script')?.restarts

test('an exit status is the weight of its server in the core, in the status and in the log', async () => {
  await until('both to have run', () => runs(11) > 0 && runs(12) > 0)
  await untilWeight(11, 10)
  status(11, 5)
  await untilWeight(11, 3)
  expect(weight(12)).toBe(10)
  expect(await seen(0)).toMatchObject({ state: 'up', weight: 3, configuredWeight: 10 })
  expect(director.tanist('status').stdout).toMatch(/\[192\.168\.1\.11\]:80 +UP +\d+ s +3 of 10 +0 /)
  expect((await seen(0))?.reason).toMatch(/^exit status 5: says 5 \([\d.]+ ms\)$/)
  const line = 'Changing weight of service [192.168.1.11]:80 of VS [10.0.0.100]:tcp:80 from 10 to 3'
  await until('the line', () => director.logText().includes(line))
  status(11, 0)
  await untilWeight(11, 10)
  expect(await seen(0)).not.toHaveProperty('configuredWeight')
  const { events } = JSON.parse(director.tanist('dump').stdout) as Dump
  const asked = events.flatMap((event) => (event.type === 'weight' ? `${event.check}: ${event.weight}` : []))
  const id = '[10.0.0.100]:tcp:80 [192.168.1.11]:80 0 MISC_CHECK'
  expect(asked).toEqual([`${id}: 3`, `${id}: as configured`])
})

test('a failure takes its server out, and its notification runs', async () => {
  status(12, 1)
  await untilWeight(12, undefined)
  await until('the notification', () => told() === 'down 12\n')
  expect(await seen(1)).toMatchObject({ state: 'down' })
  expect((await seen(1))?.reason).toMatch(/^exit status 1: says 1 \([\d.]+ ms\)$/)
})

test('a reload leaves weights and verdicts as they are, and a new checker begins', async () => {
  status(11, 7)
  await untilWeight(11, 5)
  status(13, 22)
  expect(await director.reload()).toEqual([])
  expect([weight(11), weight(12)]).toEqual([5, undefined])
  director.configure(config(server(11), server(12), server(13)))
  expect(await director.reload()).toEqual([])
  expect([weight(11), weight(12)]).toEqual([5, undefined])
  await untilWeight(13, 20)
  expect([weight(11), weight(12)]).toEqual([5, undefined])
})

test('a script process that is killed leaves all as it is, and the next one goes on', async () => {
  const before = await director.pidOf('script')
  const count = await restarts()
  process.kill(before, 'SIGKILL')
  await until('another one', async () => (await restarts()) !== count)
  expect([weight(11), weight(12), weight(13)]).toEqual([5, undefined, 20])
  const [one, other] = [runs(11), runs(12)]
  await until('both to run again', () => runs(11) > one && runs(12) > other)
  expect([weight(11), weight(12), weight(13)]).toEqual([5, undefined, 20])
  status(11, 2)
  status(12, 12)
  await untilWeight(11, 0)
  await untilWeight(12, 10)
  expect(told()).toBe('down 12\n')
})

test('while the file is wrong, and the script process away, servers stay what they were', async () => {
  const text = config(server(11), server(12), server(13))
  director.configure('virtual_server {')
  process.kill(await director.pidOf('script'), 'SIGKILL')
  await until('the refusal', () => director.logText().includes('cannot read the configuration file as it is now'))
  expect([weight(11), weight(12), weight(13)]).toEqual([0, 10, 20])
  status(11, 42)
  director.configure(text)
  await untilWeight(11, 40)
})

test('a script that is missing says nothing of its server, and the log says so', async () => {
  director.configure(config(server(11), server(12)).replaceAll(path('check.sh'), path('gone.sh')))
  expect(await director.reload()).toEqual([])
  const line = 'could not be checked from this host; the state of the server is kept: not started: '
  await until('the line', () => director.logText().includes(line))
  expect([await seen(0), await seen(1)]).toMatchObject([{ state: 'up' }, { state: 'up' }])
})
