import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
const config = (priority: number) => `vrrp_instance a {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  virtual_ipaddress { 10.0.0.100/24 }
  garp_master_delay 1
  garp_master_repeat 3
}
`
const active = new DirectorHost(lab, 'active', config(150))
const standby = new DirectorHost(lab, 'standby', config(100))
let capture: Capture

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('active', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('standby', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.addHost('attacker', [{ switch: 'lan', address: '10.0.0.66/24' }])
  await Promise.all([active.start(), standby.start()])
  await active.untilState('master')
  await standby.untilState('backup')
  capture = await Capture.start(lab, 'lan')
})
afterAll(() => lab.destroy())

const send = async (...args: readonly string[]) => {
  const child = lab.fork('attacker', 'vrrp-sender-process.ts', ['10.0.0.66', '51', ...args])
  await once(child, 'message')
}
const instance = async (director: DirectorHost): Promise<InstanceSnapshot> =>
  (await director.status()).instances[0] ?? expect.fail('no instance')

test('no packet of a burst is lost between two reads', async () => {
  const before = (await instance(standby)).advertsReceived
  await send('1', '2000')
  const heard = await until('all adverts to be counted', async () => {
    const { advertsReceived } = await instance(standby)
    return advertsReceived - before >= 2000 && advertsReceived - before
  })
  // The active director answers each, so there are more.
  expect(heard).toBeGreaterThanOrEqual(2000)
  expect((await instance(standby)).peers.find(({ address }) => address === '10.0.0.66')?.priority).toBe(1)
})

test('a flood of garbage changes nobody’s role and delays no advert', { retry: 1 }, async () => {
  const takeOvers = () => standby.logText().split('Entering MASTER').length
  const [start, before] = [Date.now(), takeOvers()]
  await send('garbage', '100000')
  await sleep(1500)
  expect((await instance(active)).state).toBe('master')
  expect((await instance(standby)).state).toBe('backup')
  const dropped = Object.values((await instance(standby)).dropped).reduce((sum, count) => sum + count, 0)
  expect(dropped).toBeGreaterThan(1000)
  const times = capture
    .adverts()
    .filter(({ source, at }) => source === '10.0.0.1' && at > start)
    .map(({ at }) => at)
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at))
  expect(Math.max(...gaps)).toBeLessThan(1200)
  expect(takeOvers()).toBe(before)
})

test('an instance that a reload renames keeps its role, and its address goes with it', async () => {
  const good = readFileSync(active.file, 'utf8')
  active.configure(good.replace('vrrp_instance a', 'vrrp_instance b'))
  expect(await active.reload()).toEqual([])
  expect((await instance(active)).state).toBe('master')
  active.configure(good.replace('vrrp_instance a', 'vrrp_instance b').replace('priority 150', 'priority 50'))
  expect(await active.reload()).toEqual([])
  await standby.untilState('master')
  await active.untilState('backup')
  // Any change of the network makes the director look after the addresses that it holds.
  lab.run('active', ['ip', 'address', 'add', '10.0.0.77/32', 'dev', 'eth0'])
  await sleep(200)
  expect(active.addresses()).not.toContain('10.0.0.100')
  active.configure(good)
  expect(await active.reload()).toEqual([])
  await active.untilState('master')
  await standby.untilState('backup')
})

test('a new master announces its address at once and after garp_master_delay, and hosts follow', async () => {
  lab.run('attacker', ['ping', '-c', '1', '10.0.0.100'])
  const neighbour = () => lab.run('attacker', ['ip', 'neigh', 'show', '10.0.0.100'])
  const before = neighbour()
  const arp = await Capture.start(lab, 'lan', 'arp')
  const announced = () => ({
    requests: arp.text.split('Request who-has 10.0.0.100 (ff:ff:ff:ff:ff:ff) tell 10.0.0.100').length - 1,
    replies: arp.text.split('Reply 10.0.0.100 is-at').length - 1,
  })
  await active.stop()
  await standby.untilState('master')
  await until('the first block', () => announced().requests >= 3 && announced().replies >= 3)
  expect(announced()).toEqual({ requests: 3, replies: 3 })
  await until('the client to have the new address', () => neighbour() !== before, 1000)
  await until('the second block', () => announced().requests === 6 && announced().replies === 6, 3000)
  arp.stop()
})
