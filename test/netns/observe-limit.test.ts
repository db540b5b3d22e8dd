import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** Servers whose checks are good, and whose clients fail: by NAT one that refuses, by direct routing one that says nothing. */
const lab = new Lab()
const NAT = '10.0.0.100'
const DR = '10.0.0.101'
const virtual = (vip: string, method: string, servers: readonly string[]) => `virtual_server ${vip} 80 {
  lvs_method ${method}
  lvs_sched rr
  protocol TCP
  delay_loop 1
  observe_limit 4 10
${servers.map((server) => `  real_server ${server} 80 { PING_CHECK { } }`).join('\n')}
}
`
const config = virtual(NAT, 'NAT', ['192.168.1.11', '192.168.1.12']) + virtual(DR, 'DR', ['10.0.0.21', '10.0.0.22'])
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '10.0.0.9/24' }])
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const vip of [NAT, DR]) lab.run('director', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0'])
  for (const host of [11, 12]) {
    lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }], '192.168.1.1')
    if (host === 12) await new WebServer(lab, `rs${host}`).start()
  }
  for (const host of [21, 22]) {
    lab.addHost(`rs${host}`, [{ switch: 'outside', address: `10.0.0.${host}/24` }])
    lab.run(`rs${host}`, [join(import.meta.dirname, '../../conf/real-server-dr.sh'), 'start', DR])
    await new WebServer(lab, `rs${host}`).start()
  }
  lab.run('rs21', ['nft', 'table ip mute { chain in { type filter hook input priority 0; tcp dport 80 drop; }; }'])
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

const servers = async (vip: string) =>
  (await director.status()).services.find(({ name }) => name === `[${vip}]:tcp:80`)?.servers ?? []
/** So many requests, one after the other; what came of each. */
const ask = (vip: string, times: number) =>
  lab
    .run('client', ['sh', '-c', `for i in $(seq ${times}); do curl -s -m 1.5 http://${vip}/ || echo failed; done`])
    .trim()
    .split('\n')
const isHeld = async (vip: string) => (await servers(vip))[0]?.state === 'down'

test.each([
  [NAT, { refused: 4, unanswered: 0, reset: 0 }, 'rs12'],
  [DR, { refused: 0, unanswered: 4, reset: 0 }, 'rs22'],
] as const)('%s: the server that fails its clients is held down, and tried again', async (vip, faults, good) => {
  await until('both to be up', async () => (await servers(vip)).every(({ state }) => state === 'up'))
  const before = ask(vip, 8)
  expect(before.filter((page) => page === 'failed')).toHaveLength(4)
  await until('the first one to be held down', () => isHeld(vip))
  const [first] = await servers(vip)
  expect(first?.faults).toEqual(faults)
  expect(first?.reason).toMatch(/echo reply.*; its clients failed \(observe_limit\); held down until 20/)
  expect(director.tanist('status').stdout).toMatch(/; 4 (refused|unanswered)\n/)
  expect(new Set(ask(vip, 6))).toEqual(new Set([good]))
  await until('it to be tried again', async () => !(await isHeld(vip)), 20_000)
  expect(director.logText()).toMatch(/failed 4 of [45] new connections within 10 s; it is held down for 10 s/)
})

test('when all fail nobody is held', async () => {
  lab.run('rs22', ['nft', 'table ip mute { chain in { type filter hook input priority 0; tcp dport 80 drop; }; }'])
  await until('the first one to be up', async () => !(await isHeld(DR)), 20_000)
  expect(new Set(ask(DR, 8))).toEqual(new Set(['failed']))
  const looks = async () => (await servers(DR)).map(({ state }) => state).join()
  const seen = new Set<string>()
  const end = performance.now() + 5000
  while (performance.now() < end) seen.add(await looks())
  expect([...seen]).toEqual(['up,up'])
})
