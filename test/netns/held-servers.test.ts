import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const HOSTS = [11, 12, 13]
/** The director itself, whom no news of the network are about. */
const OWN = 1
const config = (inside: string, hosts = HOSTS) => `virtual_server 10.0.0.100 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  ${inside}
${hosts.map((host) => `  real_server 192.168.1.${host} 80 {\n    TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }\n  }\n`).join('')}}
`
let director: DirectorHost
let servers: WebServer[]
let own: WebServer

beforeAll(async () => {
  addBalancedHosts(lab, HOSTS)
  servers = HOSTS.map((host) => new WebServer(lab, `rs${host}`))
  await Promise.all(servers.map((server) => server.start()))
  director = new DirectorHost(lab, 'director', config('panic_threshold 50 10', [OWN]))
  own = new WebServer(lab, 'director')
  await own.start()
  await director.start()
})
afterAll(() => lab.destroy())

const reals = async () => (await director.status()).services[0]?.servers ?? []
const states = async () => (await reals()).map(({ state }) => state).join(' ')
const alarms = async () => (await director.status()).alarms ?? []
const listed = () => director.ipvsadm('ipvsadm -Ln').stdout.match(/192\.168\.1\.1[123]/g)?.length ?? 0
const holds = () => {
  const { events } = JSON.parse(director.tanist('dump').stdout) as { events: { type: string; began?: boolean }[] }
  return events.filter(({ type }) => type === 'hold').map(({ began }) => began)
}
const checked = () =>
  until('all to be checked', async () => (await reals()).every(({ reason }) => reason === 'connected'))

test('what the first answer says can be held, although nothing has happened since', async () => {
  await checked()
  await own.stop()
  await until('the panic', async () => (await alarms()).length > 0)
  expect(await states()).toBe('up')
  expect(holds()).toEqual([true])
})

test('no way to one server takes it down', async () => {
  director.configure(config(''))
  expect(await director.reload()).toEqual([])
  await checked()
  lab.run('director', ['ip', 'route', 'add', 'unreachable', '192.168.1.12/32'])
  await until('it to be down', async () => (await states()) === 'up down up')
  expect((await reals())[1]?.reason).toBe('EHOSTUNREACH')
  expect(await alarms()).toEqual([])
  lab.run('director', ['ip', 'route', 'del', 'unreachable', '192.168.1.12/32'])
  await until('it to be up', async () => (await states()) === 'up up up')
})

test('no way to any of them is our own network: they stay up, and that is an alarm until there is a way again', async () => {
  lab.run('director', ['ip', 'link', 'set', 'eth1', 'down'])
  const [alarm] = await until('an alarm', async () => {
    const all = await alarms()
    return all.length > 0 && all
  })
  expect(alarm).toBe("this host's network: there is no way to any server that is checked")
  expect(await states()).toBe('up up up')
  for (const { reason } of await reals()) expect(reason).toBe('ENETUNREACH; held up: this host reaches no server')
  await until('the core to have them again', () => listed() === 3)
  expect(director.tanist('status').stdout).toContain(`ALARM: ${alarm}`)
  expect(holds().slice(1)).toEqual([true])
  await servers[2]?.stop()
  lab.run('director', ['ip', 'link', 'set', 'eth1', 'up'])
  await until('the alarm to be over', async () => (await alarms()).length === 0)
  await until('the one that has failed to be down', async () => (await states()) === 'up up down')
  expect(holds().slice(1)).toEqual([true, false])
  await servers[2]?.start()
  await checked()
})

test('with panic_threshold more failures at once than may be are not believed, and that ends when enough are back', async () => {
  director.configure(config('panic_threshold 50 10'))
  expect(await director.reload()).toEqual([])
  await Promise.all([servers[0]?.stop(), servers[1]?.stop()])
  await until('the panic', async () => (await alarms()).length > 0)
  expect(await alarms()).toEqual([
    'VS [10.0.0.100]:tcp:80: too many servers failed at once; 2 are held up (panic_threshold)',
  ])
  expect(await states()).toBe('up up up')
  await until('the core to have them again', () => listed() === 3)
  expect((await reals())[0]?.reason).toBe('ECONNREFUSED; held up: too many failed at once')
  // The next director has nothing to hold by, but must not take anybody out, either.
  for (const end of ['killed', 'restarted'] as const) {
    await sleep(1500) // what is known is kept within a second
    if (end === 'killed') await director.killAll()
    else await director.stop()
    await director.start()
    const seen = new Set<string>()
    await until(`the panic of the director that was ${end}`, async () => {
      seen.add(`${await states()} ${listed()}`)
      return (await alarms()).length > 0
    })
    seen.add(`${await states()} ${listed()}`)
    expect([...seen]).toEqual(['up up up 3'])
  }
  await servers[0]?.start()
  await until('the one that still fails to be down', async () => (await states()) === 'up down up')
  expect(await alarms()).toEqual([])
  expect(holds()).toEqual([false])
  await servers[1]?.start()
  await checked()
})
