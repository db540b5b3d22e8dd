import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, type TestContext } from 'vitest'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import { AddressEvents } from '../support/address-events.ts'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const VIP = '10.0.0.6'
const INTERVAL = 0.3

/** Two directors on the network of the clients (eth0), each with a second interface (eth1). */
function buildLan({ onTestFinished }: TestContext): Lab {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  for (const name of ['outside', 'inside']) lab.addSwitch(name)
  for (const i of [1, 2]) {
    lab.addHost(`director${i}`, [
      { switch: 'outside', address: `10.0.100.${i}/16` },
      { switch: 'inside', address: `10.1.100.${i}/16` },
    ])
  }
  return lab
}

const instance = (priority: number, inside: string, name = 'v0', device = 'eth0', vip = VIP) => `vrrp_instance ${name} {
  state BACKUP
  interface ${device}
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int ${INTERVAL}
  ${inside}
  virtual_ipaddress {
    ${vip}/16
  }
}
`

const first = async (director: DirectorHost): Promise<InstanceSnapshot> => {
  const [found] = (await director.status()).instances
  if (found === undefined) throw new Error(`${director.host} has no instance`)
  return found
}

/** Starts both, the first one as master. */
async function startPair(lab: Lab, configs: readonly [string, string]) {
  const [one, two] = [
    new DirectorHost(lab, 'director1', configs[0]),
    new DirectorHost(lab, 'director2', configs[1]),
  ] as const
  await one.start()
  await one.untilState('master')
  await two.start()
  await two.untilState('backup')
  return [one, two] as const
}

describe.concurrent('an interface that an instance tracks', () => {
  test('moves the priority by its weight: the peer takes over, and gives the role back', async (context) => {
    const lab = buildLan(context)
    const tracking = 'track_interface {\n    eth1 weight -60\n  }'
    const [one, two] = await startPair(lab, [instance(150, tracking), instance(100, tracking)])
    expect(await first(one)).toMatchObject({ effectivePriority: 150, trackers: [{ state: 'good', detail: 'up' }] })
    const capture = await Capture.start(lab, 'outside')
    lab.cable('director1', 1, 'down')
    await two.untilState('master')
    await one.untilState('backup')
    expect(await first(one)).toMatchObject({
      priority: 150,
      effectivePriority: 90,
      reason: expect.stringContaining('10.0.100.2') as string,
      trackers: [{ kind: 'interface', name: 'eth1', weight: -60, state: 'bad', contribution: -60, detail: 'down' }],
    })
    // It has said itself that its priority is lower, and never that it leaves.
    const own = () => capture.adverts().flatMap(({ source, priority }) => (source === '10.0.100.1' ? priority : []))
    await until('an advert of the lower priority', () => own().includes(90))
    expect(own()).not.toContain(0)
    expect(one.logText()).toContain('(v0) Changing effective priority from 150 to 90')
    expect(one.addresses()).not.toContain(VIP)
    lab.cable('director1', 1, 'up')
    await one.untilState('master')
    expect((await first(one)).effectivePriority).toBe(150)
  })

  test('adds its weight while it is up, and with reverse while it is down', async (context) => {
    const lab = buildLan(context)
    const director = new DirectorHost(lab, 'director1', instance(100, 'track_interface {\n eth1 weight 20\n }'))
    await director.start()
    await director.untilState('master')
    const priority = async () => (await first(director)).effectivePriority
    await until('the weight to count', async () => (await priority()) === 120)
    director.configure(instance(100, 'track_interface {\n eth1 weight -20 reverse\n }'))
    expect(await director.reload()).toEqual([])
    await until('no weight', async () => (await priority()) === 100)
    lab.run('director1', ['ip', 'link', 'set', 'eth1', 'down'])
    await until('the weight to count reversed', async () => (await priority()) === 120)
  })

  test('is a fault without a weight: the peer takes over within the skew time', async (context) => {
    const lab = buildLan(context)
    const tracking = 'track_interface {\n    eth1\n  }'
    const [one, two] = await startPair(lab, [instance(150, tracking), instance(100, tracking)])
    const capture = await Capture.start(lab, 'outside')
    lab.run('director1', ['ip', 'link', 'delete', 'eth1'])
    await one.untilState('fault')
    await two.untilState('master')
    expect(await first(one)).toMatchObject({
      reason: 'eth1 is down',
      trackers: [{ state: 'bad', consequence: 'fault', detail: 'missing' }],
    })
    expect(capture.adverts().some(({ source, priority }) => source === '10.0.100.1' && priority === 0)).toBe(true)
    expect((await first(two)).reason).toBe('10.0.100.1 gave the role up')
    expect(one.addresses()).not.toContain(VIP)
    lab.run('director1', ['ip', 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth1b'])
    for (const each of ['eth1', 'eth1b']) lab.run('director1', ['ip', 'link', 'set', each, 'up'])
    await one.untilState('master')
  })

  test('of a sync group holds for each member, and they move together', async (context) => {
    const lab = buildLan(context)
    for (const i of [1, 2]) {
      lab.run(`director${i}`, ['ip', 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'router'])
      for (const each of ['uplink', 'router']) lab.run(`director${i}`, ['ip', 'link', 'set', each, 'up'])
    }
    const group = 'vrrp_sync_group g {\n group {\n v0\n v1\n }\n track_interface {\n uplink weight -60\n }\n}\n'
    const both = (priority: number) => group + instance(priority, '') + instance(priority, '', 'v1', 'eth1', '10.1.0.6')
    const [one, two] = await startPair(lab, [both(150), both(100)])
    lab.run('director1', ['ip', 'link', 'set', 'uplink', 'down'])
    await two.untilState('master')
    await one.untilState('backup')
    for (const each of (await one.status()).instances) {
      expect(each).toMatchObject({ effectivePriority: 90, trackers: [{ name: 'uplink', from: 'group', state: 'bad' }] })
    }
    lab.run('director1', ['ip', 'link', 'set', 'uplink', 'up'])
    await one.untilState('master')
    await two.untilState('backup')
  })
})

describe.concurrent('interface_up_down_delays', () => {
  test('let a link flap, and let it go when it stays away', async (context) => {
    const lab = buildLan(context)
    const delays = 'interface_up_down_delays {\n  eth0 0.4\n  eth1 1.5\n}\n'
    const director = new DirectorHost(lab, 'director1', delays + instance(150, 'track_interface {\n    eth1\n  }'))
    await director.start()
    await director.untilState('master')
    const events = await AddressEvents.start(lab, 'director1')
    for (const [port, pause] of [
      [0, 100],
      [1, 700],
    ] as const) {
      for (let i = 0; i < 3; i++) {
        lab.cable('director1', port, 'down')
        await sleep(pause)
        lab.cable('director1', port, 'up')
        await sleep(pause)
      }
    }
    expect((await first(director)).state).toBe('master')
    // It is renewed meanwhile.
    expect(events.list()).not.toContainEqual(expect.stringContaining(`deleted ${VIP}`))
    for (const [port, delay] of [
      [0, 400],
      [1, 1500],
    ] as const) {
      const moved = async (state: 'fault' | 'backup', cable: 'down' | 'up') => {
        const before = Date.now()
        lab.cable('director1', port, cable)
        await until(`${state} after ${cable}`, async () => (await first(director)).state === state)
        return Date.parse((await first(director)).since) - before
      }
      expect(await moved('fault', 'down')).toBeGreaterThanOrEqual(delay - 5)
      expect(await moved('backup', 'up')).toBeGreaterThanOrEqual(delay - 5)
      await director.untilState('master')
    }
  })
})

describe.concurrent('its own interface', () => {
  test('may be down with dont_track_primary; the address stays, and the adverts go on when it is up', async (context) => {
    const lab = buildLan(context)
    const director = new DirectorHost(lab, 'director1', instance(150, 'dont_track_primary'))
    await director.start()
    await director.untilState('master')
    const events = await AddressEvents.start(lab, 'director1')
    lab.run('director1', ['ip', 'link', 'set', 'eth0', 'down'])
    await sleep(1000)
    expect((await first(director)).state).toBe('master')
    lab.run('director1', ['ip', 'link', 'set', 'eth0', 'up'])
    const capture = await Capture.start(lab, 'outside')
    await capture.next('10.0.100.1', Date.now())
    expect((await first(director)).state).toBe('master')
    expect(events.list().filter((each) => each.includes(VIP))).toEqual([])
    // What cannot be sent is said once, not with every advert.
    expect(director.logText().split('Network is down').length).toBeLessThanOrEqual(2)
    // Without an address there is nothing to send from.
    lab.run('director1', ['ip', 'address', 'flush', 'dev', 'eth0'])
    await director.untilState('fault')
  })

  test('has to have its source with track_src_ip; any other will do without', async (context) => {
    const lab = buildLan(context)
    const source = 'mcast_src_ip 10.1.100.1'
    const director = new DirectorHost(lab, 'director1', instance(150, source))
    await director.start()
    await director.untilState('master')
    director.configure(instance(150, `${source}\n  track_src_ip`))
    expect(await director.reload()).toEqual([])
    await director.untilState('fault')
    expect((await first(director)).reason).toBe('10.1.100.1 is not on eth0')
    lab.run('director1', ['ip', 'address', 'add', '10.1.100.1/32', 'dev', 'eth0'])
    await director.untilState('master')
  })
})
