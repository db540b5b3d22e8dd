import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const HOSTS = [11, 12]
const told = join(lab.directory, 'told')
const config = (limit: string) => `global_defs {
  script_user root
}
virtual_server 10.0.0.100 80 {
  delay_loop 0.5
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  flap_limit ${limit}
${HOSTS.map((host) => `  real_server 192.168.1.${host} 80 {\n    notify_up "/bin/sh -c 'echo ${host} up >> ${told}'"\n    TCP_CHECK {\n      retry 0\n    }\n  }\n`).join('')}}
`
let director: DirectorHost
let servers: WebServer[]

beforeAll(async () => {
  writeFileSync(told, '')
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  for (const host of HOSTS) lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }])
  servers = HOSTS.map((host) => new WebServer(lab, `rs${host}`))
  await Promise.all(servers.map((each) => each.start()))
  director = new DirectorHost(lab, 'director', config('4 120'))
  await director.start()
})
afterAll(() => lab.destroy())

const seen = async (index: number) => (await director.status()).services[0]?.servers[index]
const untilSeen = (index: number, what: { state?: string; reason?: RegExp }) =>
  until(`server ${index} to be ${what.state} ${what.reason}`, async () => {
    const now = await seen(index)
    return (what.state ?? now?.state) === now?.state && (what.reason ?? /./).test(now?.reason ?? '') && now
  })
const listed = () => director.ipvsadm('ipvsadm -Ln').stdout.match(/192\.168\.1\.1[12]/g) ?? []
const held = () => {
  const { events } = JSON.parse(director.tanist('dump').stdout) as { events: { type: string; what?: string }[] }
  return events.flatMap(({ type, what = '' }) => (type === 'hold' ? [what] : []))
}

test('a server that flaps is held down although it is good, and people are told why', async () => {
  await untilSeen(1, { state: 'up', reason: /^connected$/ })
  await servers[1]?.stop()
  await untilSeen(1, { state: 'down' })
  await servers[1]?.start()
  await untilSeen(1, { state: 'up' })
  await until('that to be told', () => readFileSync(told, 'utf8').includes('12 up'))
  await servers[1]?.stop()
  await untilSeen(1, { state: 'down' })
  await servers[1]?.start()
  const flapping = await untilSeen(1, { state: 'down', reason: /^connected; / })
  expect(flapping.reason).toMatch(/^connected; flapping: 4 changes in 120 s; held down until 20\d\d-\S+Z$/)
  expect(listed()).toEqual(['192.168.1.11'])
  const line =
    'server [192.168.1.12]:80 of VS [10.0.0.100]:tcp:80 is flapping: 4 changes in 120 s; it is held down until it has been good for 120 s'
  expect(held()).toEqual([line])
  await until('the line in the log', () => director.logText().includes(line))
})

test('it comes up when the last other one fails, and the other one goes on when it is back', async () => {
  await servers[0]?.stop()
  await untilSeen(0, { state: 'down' })
  await untilSeen(1, { state: 'up', reason: /flapping: 4 changes in 120 s; in service as there was no other$/ })
  await until('it to be in the core', () => listed().join(' ') === '192.168.1.12')
  expect(held().at(-1)).toMatch(/is flapping, and comes up all the same: there is no other$/)
  await servers[0]?.start()
  await untilSeen(0, { state: 'up' })
  await until('both to be in the core', () => listed().length === 2)
})

test('an operator who disables the other one has it in service, too', async () => {
  await servers[1]?.stop()
  await untilSeen(1, { state: 'down', reason: /held down until it has been good for 120 s$/ })
  await servers[1]?.start()
  await untilSeen(1, { state: 'down', reason: /held down until 20/ })
  expect(director.tanist('server', 'disable', '10.0.0.100:80', '192.168.1.11:80').status).toBe(0)
  await until('it to be in the core', () => listed().join(' ') === '192.168.1.12')
  expect(director.tanist('server', 'enable', '10.0.0.100:80', '192.168.1.11:80').status).toBe(0)
  await servers[1]?.stop()
  await untilSeen(1, { state: 'down' })
  await servers[1]?.start()
  await untilSeen(1, { state: 'down', reason: /held down until 20/ })
})

test('when it has been good for as long, it comes up by itself, and that is told once', async () => {
  const before = readFileSync(told, 'utf8')
  director.configure(config('4 3'))
  expect(await director.reload()).toEqual([])
  await untilSeen(1, { state: 'up', reason: /^connected$/ })
  expect(listed().toSorted()).toEqual(['192.168.1.11', '192.168.1.12'])
  expect(held().at(-1)).toMatch(/has been good for 3 s; it is not held down any more$/)
  await until('that to be told', () => readFileSync(told, 'utf8') === `${before}12 up\n`)
})
