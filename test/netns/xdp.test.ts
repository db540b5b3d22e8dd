import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { compileFrames, FrameCounter } from '../support/frames.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/**
 * The fast path with real clients and servers. Packets of virtual links have no checksum yet, which XDP cannot see, so here
 * their senders are told to fill it in.
 */
const lab = new Lab()
const METHODS = [
  { method: 'NAT', vip: '10.9.0.100', server: 'inside' },
  { method: 'DR', vip: '10.9.0.101', server: 'beside' },
  { method: 'TUN', vip: '10.9.0.102', server: 'beside' },
] as const
const ADDRESS = { inside: '192.168.1.11', beside: '10.9.0.21' } as const

const config = `global_defs {
  xdp_interfaces {
    eth0
    eth1
    eth7
  }
}
${METHODS.flatMap(({ method, vip, server }) =>
  [80, 5201].map(
    (port) => `virtual_server ${vip} ${port} {
  lvs_method ${method}
  protocol TCP
  real_server ${ADDRESS[server]} ${port} {
  }
}
`,
  ),
).join('')}`

let director: DirectorHost
beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.addHost('client', [{ switch: 'outside', address: '10.9.0.10/24' }])
  lab.addHost('beside', [{ switch: 'outside', address: `${ADDRESS.beside}/24` }])
  lab.addHost('inside', [{ switch: 'inside', address: `${ADDRESS.inside}/24` }], '192.168.1.1')
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const { vip } of METHODS) lab.run('director', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0'])
  const [, dr, tun] = METHODS
  const script = (name: string) => new URL(`../../conf/${name}`, import.meta.url).pathname
  lab.run('beside', [script('real-server-dr.sh'), 'start', dr.vip])
  lab.run('beside', ['env', 'TUNNEL=ebpf', script('real-server-tun.sh'), 'start', tun.vip, 'eth0'])
  for (const host of ['client', 'beside', 'inside']) lab.run(host, ['ethtool', '-K', 'eth0', 'tx', 'off'])
  // What XDP sends to a virtual link is taken in there only by a link that has XDP, too.
  const object = compileFrames(lab)
  for (const port of ['director-0', 'director-1']) await FrameCounter.start(lab, object, 'switch', port, 'pass')
  for (const host of ['beside', 'inside']) {
    await new WebServer(lab, host).start()
    lab.start(host, ['iperf3', '-s'])
  }
  director = new DirectorHost(lab, 'director', config)
  await director.start()
  await until('XDP', () => lab.run('director', ['ip', '-d', 'link', 'show', 'dev', 'eth1']).includes('prog/xdp'))
})
afterAll(() => lab.destroy())

/** Packets that XDP has sent on, by both links. */
function short(): number {
  const counters = ['eth0', 'eth1'].map((device) => lab.run('director', ['ethtool', '-S', device])).join('\n')
  const sent = [...counters.matchAll(/rx_queue_\d+_xdp_(?:tx|redirect): (\d+)/g)]
  return sent.reduce((sum, [, count]) => sum + Number(count), 0)
}

describe.each(METHODS)('$method', ({ vip, server }) => {
  test('pages come', () => {
    for (let i = 0; i < 4; i++) {
      expect(lab.run('client', ['curl', '-s', '-m', '5', `http://${vip}/`]).trim()).toBe(server)
    }
  })

  test('bulk data flows, most of it by the fast path', () => {
    const before = short()
    const json = lab.run('client', ['timeout', '10', 'iperf3', '-c', vip, '-t', '1', '-J'])
    const { end } = JSON.parse(json) as { end: { sum_received: { bits_per_second: number; bytes: number } } }
    expect(end.sum_received.bits_per_second).toBeGreaterThan(50e6)
    const segments = end.sum_received.bytes / 1460
    expect(short() - before).toBeGreaterThan(segments * 0.8)
  })
})

test('an interface that cannot have it, or that is not there, keeps the daemon from nothing', async () => {
  lab.run('director', ['ip', 'link', 'add', 'eth7', 'type', 'bridge'])
  lab.run('director', ['ip', 'link', 'set', 'eth7', 'up'])
  await until('the reason', () => /no XDP on eth7; tc forwards its packets/.test(director.logText()))
})
