import { afterEach, beforeEach, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** Instances that the director gives up, or keeps, for a vrrp process that has died. */
let lab: Lab
let director: DirectorHost

const instance = (name: string, vrid: number, interval: number, vip: string) => `vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${vrid}
  version 3
  priority 150
  advert_int ${interval}
  virtual_ipaddress {
    ${vip}/32
  }
}
`
const [FAST, SLOW] = ['10.0.0.6', '10.0.0.7']

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director1', [{ switch: 'lan', address: '10.0.100.1/24' }])
  director = new DirectorHost(lab, 'director1', instance('fast', 10, 0.1, FAST) + instance('slow', 20, 1, SLOW))
})
afterEach(() => lab.destroy())

async function killVrrp(): Promise<void> {
  const before = await director.pidOf('vrrp')
  process.kill(before, 'SIGKILL')
  await until('another vrrp process', async () => (await director.pidOf('vrrp')) !== before)
}

test('the farewell of one comes from the host’s own address, not from one that another instance goes on with', async () => {
  await director.start()
  await director.untilState('master')
  // The host's own address is the youngest by then, as after a renewed lease.
  lab.run('director1', ['ip', 'address', 'add', '10.0.101.1/24', 'dev', 'eth0'])
  lab.run('director1', ['ip', 'address', 'delete', '10.0.100.1/24', 'dev', 'eth0'])
  const capture = await Capture.start(lab, 'lan')
  const adverts = (vrid: number, priority: number) =>
    capture.adverts().filter((advert) => advert.vrid === vrid && advert.priority === priority)
  await until('adverts from the other address', () => adverts(10, 150).some(({ source }) => source === '10.0.101.1'))
  await killVrrp()
  const [farewell] = await until('a farewell', () => (adverts(10, 0).length > 0 ? adverts(10, 0) : undefined))
  expect(farewell?.source).toBe('10.0.101.1')
  expect(adverts(20, 0)).toEqual([])
  capture.stop()
})

test('a master that a reload has just given another name goes on through a crash', async () => {
  await director.start()
  await director.untilState('master')
  const named = (name: string) => async () => (await director.status()).instances.find((each) => each.name === name)
  const sent = (await named('slow')())?.advertsSent ?? 0
  expect(sent).toBeGreaterThan(0)
  director.configure(instance('fast', 10, 0.1, FAST) + instance('renamed', 20, 1, SLOW))
  expect(await director.reload()).toEqual([])
  const renamed = await until('the new name', named('renamed'))
  expect(renamed.state).toBe('master')
  expect(renamed.advertsSent).toBeGreaterThanOrEqual(sent)
  await killVrrp()
  const adopted = await until('it to go on', async () => {
    const now = await named('renamed')()
    return now?.state === 'master' ? now : undefined
  })
  await until('the reason', async () => (await named('renamed')())?.reason.startsWith('adopted'))
  expect(adopted.vrid).toBe(20)
  expect(director.addresses()).toContain(SLOW)
})
