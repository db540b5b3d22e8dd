import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { Pings } from '../support/pings.ts'

/** Virtual addresses whose director can do nothing more go by themselves, without systemd, and so does nobody's address too early. */
let lab: Lab
let directors: readonly [DirectorHost, DirectorHost]
const [VIP, VIP6] = ['10.0.0.6', '2001:db8::6']
const LEASE_MS = 4000

const text = (priority: number, lease = `vip_lease ${LEASE_MS / 1000}`) => `vrrp_instance x {
  interface eth0
  virtual_router_id 10
  priority ${priority}
  ${lease}
  virtual_ipaddress {
    ${VIP}/16
  }
  virtual_ipaddress_excluded {
    ${VIP6}/64
  }
}
`
const has = (director: DirectorHost, address: string) => director.addresses().includes(address)
const pids = async (director: DirectorHost) =>
  (await director.status()).processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('client', [{ switch: 'lan', address: '10.0.0.10/16' }])
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.100.${i}/16` }])
  directors = [new DirectorHost(lab, 'director1', text(150)), new DirectorHost(lab, 'director2', text(100))]
})
afterEach(() => lab.destroy())

/** In seconds, of an address of the first director. */
function lifetimeOf(address: string): number | undefined {
  const shown = lab.run('director1', ['ip', '-json', 'address', 'show', 'dev', 'eth0'])
  const links = JSON.parse(shown) as { addr_info: { local: string; valid_life_time: number }[] }[]
  return links.flatMap((link) => link.addr_info).find(({ local }) => local === address)?.valid_life_time
}

async function startBoth(): Promise<void> {
  await Promise.all(directors.map((each) => each.start()))
  await directors[0].untilState('master')
  await directors[1].untilState('backup')
}

/** How long the first director has its addresses from now on. */
async function timeUntilGone(): Promise<number> {
  const begun = performance.now()
  await until('no address', () => !has(directors[0], VIP) && !has(directors[0], VIP6), LEASE_MS + 5000)
  return performance.now() - begun
}

describe('the addresses of both families are gone within the lease, and 1.5 s', () => {
  test.each([
    ['SIGKILL', 'after kill -9 of all processes'],
    ['SIGSTOP', 'while all processes are stopped'],
  ] as const)('%s: %s', async (signal, _when) => {
    await startBoth()
    const [first, second] = directors
    const all = await pids(first)
    for (const pid of all) process.kill(pid, signal)
    expect(await timeUntilGone()).toBeLessThan(LEASE_MS + 1500)
    await second.untilState('master')
    if (signal === 'SIGKILL') return
    // It has lost its role meanwhile, and nobody had put its addresses back when it heard of that.
    for (const pid of all) process.kill(pid, 'SIGCONT')
    const restored = () => first.logText().includes('added again')
    await until('its role again', () => first.isMaster())
    await until('the peer to be backup', async () => (await second.status()).instances[0]?.state === 'backup')
    expect(restored()).toBe(false)
  })
})

test('a master renews its leases, and nobody takes that for news', async () => {
  const [first] = directors
  await first.start()
  await first.untilState('master')
  const pings = await Pings.start(lab, 'client', VIP)
  const begun = performance.now()
  await until('two leases', () => performance.now() - begun > 2 * LEASE_MS)
  expect(has(first, VIP) && has(first, VIP6)).toBe(true)
  expect(await pings.longestGap()).toBe(0)
  for (const address of [VIP, VIP6]) expect(lifetimeOf(address)).toBeLessThanOrEqual(LEASE_MS / 1000)
  expect(first.logText()).not.toContain('added again')
})

test('vip_lease 0, and the owner of the addresses, have them for good', async () => {
  const [first, second] = directors
  first.configure(text(150, 'vip_lease 0'))
  second.configure(text(255).replace('virtual_router_id 10', 'virtual_router_id 20').replace(VIP, '10.0.0.7'))
  await Promise.all(directors.map((each) => each.start()))
  for (const each of directors) await each.untilState('master')
  for (const host of ['director1', 'director2']) {
    expect(lab.run(host, ['ip', 'address'])).not.toMatch(/valid_lft \d/)
  }
})

test('what a crash has left is renewed by the next start, which is master again', async () => {
  const [first] = directors
  first.configure(text(150, 'vip_lease 20'))
  await first.start()
  await first.untilState('master')
  const pings = await Pings.start(lab, 'client', VIP)
  await first.killAll()
  await until('an old lease', () => (lifetimeOf(VIP) ?? 20) < 17)
  await first.start()
  await until('a new lease', () => (lifetimeOf(VIP) ?? 0) > 17)
  await first.untilState('master')
  expect(await pings.longestGap()).toBe(0)
})

test('--release after a crash costs nothing: the addresses stay until the peer has them', async () => {
  await startBoth()
  const [first, second] = directors
  const pings = await Pings.start(lab, 'client', VIP)
  await first.killAll()
  first.release()
  await until('the peer to be master', async () => (await second.status()).instances[0]?.state === 'master')
  await until('no address', () => !has(first, VIP) && !has(first, VIP6))
  // One ping, more or less: the answer to one may come back to the other one.
  expect(await pings.longestGap()).toBeLessThanOrEqual(2 * Pings.EVERY_MS)
})
