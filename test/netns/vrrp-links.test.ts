import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, type TestContext } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

const FLAPS = 20
const VIP = '10.0.0.6'

/** Each test has a lab of its own, and most of its time nothing happens: they run side by side. */
function buildLan({ onTestFinished }: TestContext): Lab {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  for (const i of [1, 2]) lab.addHost(`director${i}`, [{ switch: 'lan', address: `10.0.100.${i}/16` }])
  return lab
}

interface Instance {
  readonly name?: string
  readonly vrid?: number
  readonly vip?: string
  readonly priority: number
  readonly source: string
  readonly peer?: string
  readonly interval?: number
  readonly more?: string
}

function instance({
  name = 'e',
  vrid = 51,
  vip = VIP,
  priority,
  source,
  peer,
  interval = 1,
  more = '',
}: Instance): string {
  const cast =
    peer === undefined ? `mcast_src_ip ${source}` : `unicast_src_ip ${source}\n  unicast_peer {\n    ${peer}\n  }`
  return `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  version 3
  priority ${priority}
  advert_int ${interval}
  ${more}
  ${cast}
  virtual_ipaddress {
    ${vip}/16
  }
}
`
}

const masterships = (director: DirectorHost) => director.logText().split('Entering MASTER').length - 1
const states = async (director: DirectorHost) => (await director.status()).instances.map(({ state }) => state)

describe.concurrent('the source belongs to the instance', () => {
  test('two on one interface send from their own addresses, unicast and multicast, and the peer hears both', async (context) => {
    const lab = buildLan(context)
    lab.run('director1', ['ip', 'address', 'add', '10.0.100.101/16', 'dev', 'eth0'])
    const two = { name: 'f', vrid: 52, vip: '10.0.0.7' }
    const pair = (unicast: boolean) =>
      [
        instance({ priority: 150, source: '10.0.100.1', ...(unicast ? { peer: '10.0.100.2' } : {}) }) +
          instance({ ...two, priority: 150, source: '10.0.100.101', ...(unicast ? { peer: '10.0.100.2' } : {}) }),
        instance({ priority: 100, source: '10.0.100.2', ...(unicast ? { peer: '10.0.100.1' } : {}) }) +
          instance({ ...two, priority: 100, source: '10.0.100.2', ...(unicast ? { peer: '10.0.100.101' } : {}) }),
      ] as const
    const [first, second] = [0, 1].map((i) => new DirectorHost(lab, `director${i + 1}`, pair(true)[i] ?? ''))
    if (first === undefined || second === undefined) throw new Error('two were made')
    const capture = await Capture.start(lab, 'lan')
    await Promise.all([first.start(), second.start()])
    await first.untilState('master')
    for (const unicast of [true, false]) {
      if (!unicast) {
        for (const [i, director] of [first, second].entries()) {
          director.configure(pair(false)[i] ?? '')
          expect(await director.reload()).toEqual([])
        }
      }
      const destination = unicast ? '10.0.100.2' : '224.0.0.18'
      const sources = () =>
        capture.adverts().filter((each) => each.destination === destination && each.priority === 150)
      await until('adverts of both', () => new Set(sources().map(({ vrid }) => vrid)).size === 2)
      await sleep(3000)
      expect(new Set(sources().map(({ vrid, source }) => `${vrid} ${source}`))).toEqual(
        new Set(['51 10.0.100.1', '52 10.0.100.101']),
      )
      expect([await states(first), await states(second)]).toEqual([
        ['master', 'master'],
        ['backup', 'backup'],
      ])
    }
  })

  test('one that the host lacks is a fault, of this instance only, until it comes', async (context) => {
    const lab = buildLan(context)
    const both = [
      instance({ priority: 150, source: '10.0.100.1', peer: '10.0.100.2' }),
      instance({ name: 'f', vrid: 52, vip: '10.0.0.7', priority: 150, source: '10.0.100.250', peer: '10.0.100.2' }),
    ]
    const director = new DirectorHost(lab, 'director1', both.join(''))
    await director.start()
    const read = async () => (await director.status()).instances.map(({ state, reason }) => `${state}: ${reason}`)
    await until('the first to be master', async () => (await read())[0]?.startsWith('master'))
    expect((await read())[1]).toBe('fault: 10.0.100.250 is not on this host')
    // Any interface will do.
    lab.run('director1', ['ip', 'address', 'add', '10.0.100.250/32', 'dev', 'lo'])
    await until(
      'the second to take part',
      async () => (await read())[1] === 'backup: 10.0.100.250 is on this host again',
    )
    await director.untilState('master')
    lab.run('director1', ['ip', 'address', 'delete', '10.0.100.250/32', 'dev', 'lo'])
    await until('a fault again', async () => (await states(director))[1] === 'fault')
    expect(director.addresses()).not.toContain('10.0.0.7')
  })
})

describe.concurrent('a unicast director whose link comes up does not become master beside one', () => {
  test.for(['tanist', 'keepalived'] as const)(
    `${FLAPS} flaps under preempt_delay, with a %s that has lost our neighbour entry`,
    { timeout: 180_000 },
    async (peer, context) => {
      const lab = buildLan(context)
      const own = { priority: 200, source: '10.0.100.1', peer: '10.0.100.2', interval: 0.1, more: 'preempt_delay 1000' }
      const other = instance({ priority: 100, source: '10.0.100.2', peer: '10.0.100.1', interval: 0.1 })
      const director = new DirectorHost(lab, 'director1', instance(own))
      const master = peer === 'tanist' ? new DirectorHost(lab, 'director2', other) : undefined
      const keepalived = new KeepalivedHost(lab, 'director2', `global_defs {\n  router_id test\n}\n${other}`)
      await (master?.start() ?? keepalived.start())
      await until('the peer to have the address', () => keepalived.has(VIP), 20_000)
      await director.start()
      await director.untilState('backup')
      for (let i = 0; i < FLAPS; i++) {
        lab.cable('director1', 0, 'down')
        await director.untilState('fault')
        lab.run('director2', ['ip', 'neighbour', 'flush', 'dev', 'eth0'])
        // The peer is in the middle of asking for it, which it repeats once a second.
        await sleep(300 + i * 40)
        lab.cable('director1', 0, 'up')
        await director.untilState('backup')
        await until('the peer to be heard', async () =>
          (await director.status()).instances[0]?.reason.includes('10.0.100.2'),
        )
        await sleep(400)
      }
      expect(masterships(director)).toBe(0)
      expect(director.addresses()).not.toContain(VIP)
    },
  )

  test('nor when its interface was deleted and made anew, with another hardware address', async (context) => {
    const lab = buildLan(context)
    const [one, two] = [1, 2].map(
      (i) =>
        new DirectorHost(
          lab,
          `director${i}`,
          instance({ priority: 200 - i, source: `10.0.100.${i}`, peer: `10.0.100.${3 - i}`, interval: 0.3 }),
        ),
    )
    if (one === undefined || two === undefined) throw new Error('two were made')
    await one.start()
    await one.untilState('master')
    await two.start()
    await two.untilState('backup')
    const inSwitch = (...args: readonly string[]) => lab.run('switch', ['ip', 'link', ...args])
    for (let i = 0; i < 5; i++) {
      lab.run('director2', ['ip', 'link', 'delete', 'eth0'])
      await two.untilState('fault')
      expect((await two.status()).instances[0]?.reason).toBe('eth0 does not exist')
      inSwitch('add', 'director2-0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', lab.directorName('director2'))
      inSwitch('set', 'director2-0', 'master', 'lan', 'up')
      lab.run('director2', ['ip', 'link', 'set', 'eth0', 'up'])
      lab.run('director2', ['ip', 'address', 'add', '10.0.100.2/16', 'dev', 'eth0'])
      await until('the master to be heard', async () => {
        const { state, reason } = (await two.status()).instances[0] ?? {}
        return state === 'backup' && reason === '10.0.100.1 is master with priority 199'
      })
      // Its own adverts would find their way at once, too.
      expect(lab.run('director2', ['ip', 'neighbour', 'show', '10.0.100.1'])).toContain('lladdr')
      await sleep(1500)
    }
    expect(masterships(two)).toBe(0)
    expect(masterships(one)).toBe(1)
  })
})
