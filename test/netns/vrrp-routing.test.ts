import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { RoutingEvents } from '../support/routing-events.ts'

/** Routes and rules of a real director, in its kernel. */
let lab: Lab
let director: DirectorHost

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  for (const i of [1, 2]) {
    lab.addHost(`director${i}`, [
      { switch: 'lan', address: `10.0.0.${i}/24` },
      { switch: 'lan', address: `10.1.0.${i}/24` },
    ])
  }
  director = new DirectorHost(lab, 'director1', VIRTUAL)
})
afterEach(() => lab.destroy())

function instance(name: string, vrid: number, inside: string, priority = 150): string {
  return `vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${vrid}
  version 3
  priority ${priority}
  advert_int 0.3
  virtual_ipaddress {
    10.0.0.${vrid}/24
  }
  ${inside}
}
`
}

const ROUTES = `virtual_routes {
    192.168.2.0/24 via 10.0.0.254 dev eth0
    192.168.3.0/24 via 10.0.0.254 dev eth0 src 10.0.0.100 no_track
    192.168.4.0/24 via 10.0.0.254 no_track
    default via 10.0.0.254 table 101
    2001:db8:2::/64 dev eth0
  }
  virtual_rules {
    from 192.168.2.0/24 table 101 preference 50
    from 192.168.3.0/24 table 101 preference 51 no_track
  }`
const VIRTUAL = instance('a', 100, ROUTES)

/** Routes with the protocol of keepalived, and rules with a preference that `ip` would not give. */
function routing(host = 'director1'): readonly string[] {
  const routes = ['-4', '-6'].flatMap((family) =>
    lab.run(host, ['ip', family, 'route', 'show', 'table', 'all', 'proto', 'keepalived']).split('\n'),
  )
  const rules = lab
    .run(host, ['ip', 'rule'])
    .split('\n')
    .filter((line) => /^\d\d:/.test(line))
  return [...routes, ...rules].map((line) => line.trim()).filter(Boolean)
}
const has = (text: string, host = 'director1') => routing(host).some((line) => line.includes(text))
const ip = (...commands: readonly string[]) => lab.ip('director1', commands)

async function master(): Promise<void> {
  await director.start()
  await director.untilState('master')
}

describe('what another program removes', () => {
  test('is there again within 100 ms, and told', async () => {
    await master()
    expect(routing()).toHaveLength(7)
    const events = await RoutingEvents.start(lab, 'director1')
    const gaps: number[] = []
    for (let i = 0; i < 5; i++) {
      for (const text of ['192.168.2.0/24 via 10.0.0.254 dev eth0', '50:']) {
        const of = () => events.timed().filter((each) => each.text.startsWith(text))
        const before = of().length
        ip(text === '50:' ? 'rule del preference 50' : `route del ${text}`)
        await until('it to be removed and added', () => of().length === before + 2)
        const [deleted, added] = of().slice(before)
        expect([deleted?.isDeletion, added?.isDeletion]).toEqual([true, false])
        gaps.push((added?.at ?? Infinity) - (deleted?.at ?? 0))
      }
    }
    // One of ten may meet a busy machine.
    expect(gaps.toSorted((a, b) => a - b).at(-2)).toBeLessThan(100)
    expect(director.logText()).toContain('route 192.168.2.0/24 via 10.0.0.254 dev eth0 was removed by another program')
    expect(director.logText()).toContain('rule 50: from 192.168.2.0/24 lookup 101 was removed by another program')
    expect(await director.isMaster()).toBe(true)
  })

  test('with no_track stays away, and status says so', async () => {
    await master()
    ip('route del 192.168.4.0/24', 'rule del preference 51')
    const missing = async () => {
      const { instances } = await director.status()
      return (instances[0]?.routing ?? []).filter(({ state }) => state === 'missing').map(({ text }) => text)
    }
    await until('both to be missing', async () => (await missing()).length === 2)
    expect(await missing()).toEqual(['192.168.4.0/24 via 10.0.0.254', '51: from 192.168.3.0/24 lookup 101'])
    expect([has('192.168.4.0'), has('51:')]).toEqual([false, false])
    expect(director.tanist('status').stdout).toMatch(/route 192\.168\.4\.0\/24 via 10\.0\.0\.254 +a +MISSING/)
  })

  test('comes back with the virtual address that is its source', async () => {
    await master()
    const events = await RoutingEvents.start(lab, 'director1')
    ip('addr del 10.0.0.100/24 dev eth0')
    await until('the address', () => director.addresses().includes('10.0.0.100'))
    const isAdded = () => events.timed().some(({ text, isDeletion }) => !isDeletion && text.startsWith('192.168.3.0'))
    await until('the route', () => has('192.168.3.0') && isAdded())
  })

  test('is left alone after ten times', async () => {
    await master()
    const gone = 'is removed again and again (10 times within 60 s)'
    for (let i = 0; i < 11; i++) {
      ip('route del 192.168.2.0/24')
      await until('it to be back, or given up', () => has('192.168.2.0/24 via') || director.logText().includes(gone))
    }
    await until('the log to say so', () => director.logText().includes(gone))
    expect(has('192.168.2.0/24 via')).toBe(false)
  })
})

describe('the processes', () => {
  test('a killed vrrp process is replaced by one that touches no route and no rule', async () => {
    // Peers wait for three of them.
    director.configure(VIRTUAL.replace('advert_int 0.3', 'advert_int 1'))
    await master()
    const events = await RoutingEvents.start(lab, 'director1')
    const before = await director.pidOf('vrrp')
    process.kill(before, 'SIGKILL')
    await until('another one', async () => (await director.pidOf('vrrp').catch(() => before)) !== before)
    await director.untilState('master')
    expect(routing()).toHaveLength(7)
    expect(events.deleted()).toEqual([])
  })

  test('an upgrade touches no route and no rule', async () => {
    director.configure(`static_routes {\n192.168.50.0/24 dev eth1\n}\n${VIRTUAL}`)
    await master()
    const events = await RoutingEvents.start(lab, 'director1')
    const before = await director.pidOf('vrrp')
    const { status, stderr } = director.tanist('upgrade')
    expect([status, stderr]).toEqual([0, ''])
    await until('the new process alone', async () => {
      const pid = await director.pidOf('vrrp').catch(() => before)
      return pid !== before && !existsSync(`/proc/${before}`)
    })
    await director.untilState('master')
    expect(routing()).toHaveLength(8)
    expect(events.deleted()).toEqual([])
  })

  test('after a crash of all of them the next start removes what is not wanted, and --release all', async () => {
    await master()
    ip('route add 192.168.99.0/24 via 10.0.0.254 proto 18')
    const crash = async () => {
      const { processes } = await director.status()
      await director.killAll()
      await until('all to end', () => processes.every(({ pid }) => !existsSync(`/proc/${pid}`)))
    }
    await crash()
    expect(routing()).toHaveLength(8)
    director.configure(instance('a', 100, 'virtual_routes { 192.168.2.0/24 via 10.0.0.254 dev eth0 }'))
    const events = await RoutingEvents.start(lab, 'director1')
    await director.start()
    await until('the others to go', () => routing().length === 2)
    await director.untilState('master')
    expect(routing()).toEqual([expect.stringContaining('192.168.2.0/24'), expect.stringContaining('192.168.99.0/24')])
    expect(events.deleted().filter((each) => each.startsWith('192.168.2.0'))).toEqual([])
    await crash()
    director.release()
    expect(routing()).toEqual([expect.stringContaining('192.168.99.0/24')])
  })
})

test('a stop keeps them until the successor is master, and then they are there alone', async () => {
  await master()
  const second = new DirectorHost(lab, 'director2', instance('a', 100, ROUTES, 100))
  await second.start()
  await second.untilState('backup')
  expect(routing('director2')).toEqual([])
  await director.stop()
  await second.untilState('master')
  expect(routing()).toEqual([])
  expect(routing('director2')).toHaveLength(7)
})

test('a reload changes what differs, and what two instances want stays with one of them', async () => {
  const shared = 'virtual_routes {\n 192.168.2.0/24 via 10.0.0.254 dev eth0\n }'
  director.configure(`${instance('a', 100, shared)}${instance('b', 101, shared)}`)
  await master()
  const events = await RoutingEvents.start(lab, 'director1')
  const more = `${shared}\n virtual_rules {\n from 192.168.5.0/24 table 7 preference 60\n }`
  director.configure(`${instance('a', 100, '')}${instance('b', 101, more)}`)
  expect(await director.reload()).toEqual([])
  await until('the rule', () => has('60:'))
  director.configure(instance('b', 101, shared.replace('eth0', 'eth0 mtu 1400')))
  await director.reload()
  await until('the other metric', () => has('mtu 1400') && !has('60:'))
  expect(routing()).toHaveLength(1)
  const deleted = () => events.deleted().map((each) => each.split(/\s/)[0])
  await until('the kernel to say so', () => deleted().length === 2)
  expect(new Set(deleted())).toEqual(new Set(['192.168.2.0/24', '60:']))
})

describe('static objects', () => {
  const STATIC = `track_group g { group { a } }
static_ipaddress {
  10.1.0.50/24 dev eth1
  2001:db8::50/64 dev eth1
}
static_routes {
  192.168.50.0/24 via 10.1.0.254 dev eth1 track_group g
  192.168.51.0/24 dev eth1 src 10.1.0.50
}
static_rules {
  from 192.168.50.0/24 table 7 preference 80
}
`

  test('are there while the daemon runs, follow a reload, and come back with their link; its loss faults the track group', async () => {
    director.configure(`${STATIC}${instance('a', 100, '')}`)
    await master()
    expect(routing()).toHaveLength(3)
    expect(director.addresses()).toEqual(expect.arrayContaining(['10.1.0.50', '2001:db8::50']))
    const { staticObjects = [] } = await director.status()
    expect(staticObjects.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      'address set',
      'address set',
      'route set',
      'route set',
      'rule set',
    ])

    ip('addr del 10.1.0.50/24 dev eth1', 'route del 192.168.50.0/24')
    await until('what was removed', () => routing().length === 3 && director.addresses().includes('10.1.0.50'))

    ip('link set eth1 down')
    await director.untilState('fault')
    expect((await director.status()).instances[0]?.reason).toContain('eth1')
    ip('link set eth1 up')
    await until(
      'what went with the link',
      () => routing().length === 3 && director.addresses().includes('2001:db8::50'),
    )
    await director.untilState('master')

    director.configure(
      `${STATIC.replaceAll('192.168.51.', '192.168.52.').replace(/^.*2001.*$/m, '')}${instance('a', 100, '')}`,
    )
    await director.reload()
    await until('the reload', () => has('192.168.52.0') && !has('192.168.51.0'))
    await until('the address to go', () => !director.addresses().includes('2001:db8::50'))
    await director.stop()
    expect(routing()).toEqual([])
    expect(director.addresses()).not.toContain('10.1.0.50')
  })
})
