import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** Directors that are real servers, where packets come by a firewall's mark, by tunnels, or by a router that relays adverts as well. */
const CONF = join(import.meta.dirname, '../../conf')

/** Asks so many times, one connection each; says which host answered how often. */
function answers(lab: Lab, vip: string, count: number): Record<string, number> {
  const url = `http://${vip}/?[1-${count}]`
  const output = lab.run('client', ['curl', '-s', '-m', '2', '--no-keepalive', '-H', 'Connection: close', url])
  const counts: Record<string, number> = {}
  for (const name of output.trim().split('\n')) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** What is sent to a virtual address until the returned function is called: the least TTL of it. */
async function watch(lab: Lab, vip: string): Promise<() => Promise<number>> {
  const capture = await Capture.start(lab, 'lan', `ip and not icmp and dst host ${vip} or proto 4`)
  return async () => {
    lab.run('client', ['bash', '-c', `echo > /dev/udp/${vip}/9`]) // behind all others
    await until('the last frame', () => capture.text.includes(`> ${vip}.9:`))
    capture.stop()
    return Math.min(...[...capture.text.matchAll(/ttl (\d+)/g)].map(([, ttl]) => Number(ttl)))
  }
}

describe.each([
  { way: 'a mark', vip: '10.9.0.101', method: 'DR' },
  { way: 'tunnels', vip: '10.9.0.102', method: 'TUN' },
])('by $way', ({ way, vip, method }) => {
  const lab = new Lab()
  const service = way === 'a mark' ? 'fwmark 9' : `${vip} 80`
  const config = `virtual_server ${service} {
  lvs_sched rr
  lvs_method ${method}
  ${way === 'a mark' ? '' : 'protocol TCP'}
  real_server 10.9.0.1 ${way === 'a mark' ? 0 : 80} { }
  real_server 10.9.0.2 ${way === 'a mark' ? 0 : 80} { }
}
`
  const hosts = ['machine1', 'machine2']

  beforeAll(async () => {
    lab.addSwitch('lan')
    lab.addHost('client', [{ switch: 'lan', address: '10.9.0.10/24' }])
    for (const [i, host] of hosts.entries()) {
      lab.addHost(host, [{ switch: 'lan', address: `10.9.0.${i + 1}/24` }])
      await new WebServer(lab, host).start()
      if (method === 'TUN')
        lab.run(host, ['env', 'TUNNEL=ebpf', join(CONF, 'real-server-tun.sh'), 'start', vip, 'eth0'])
      else lab.run(host, [join(CONF, 'real-server-dr.sh'), 'start', vip])
      if (way === 'a mark') {
        lab.run(host, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
        const rule = `-t mangle -A PREROUTING -d ${vip} -p tcp --syn --dport 80 -j MARK --set-mark 9`
        lab.run(host, ['iptables', ...rule.split(' ')])
      }
    }
    lab.run('machine1', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0'])
    for (const host of hosts) await new DirectorHost(lab, host, config).start()
  })
  afterAll(() => lab.destroy())

  test('half of 20 requests are answered by each, and none goes round', async () => {
    const end = await watch(lab, vip)
    expect(answers(lab, vip, 20)).toEqual({ machine1: 10, machine2: 10 })
    expect(await end()).toBe(63)
  })
})

/**
 * machine1 and rs3 are real servers beside each other; machine2, which is one as well, and the clients are behind a router, and so come from
 * its MAC, as the adverts do that machine2 sends by unicast.
 */
describe('by a router that relays adverts', () => {
  const lab = new Lab()
  const vip = '10.9.0.100'
  const config = (own: string, peer: string, priority: number) => `vrrp_instance web {
  state BACKUP
  interface eth0
  virtual_router_id 54
  version 3
  priority ${priority}
  advert_int 0.1
  unicast_src_ip ${own}
  unicast_peer {
    ${peer}
  }
  virtual_ipaddress {
    ${vip}/32
  }
}
virtual_server ${vip} 80 {
  lvs_sched rr
  lvs_method DR
  delay_loop 1
  protocol TCP
  real_server 10.9.0.1 80 { }
  real_server 10.9.0.3 80 { }
  real_server 10.9.1.2 80 { TCP_CHECK { connect_timeout 1 retry 0 } } # nothing listens there
}
`
  const near = new DirectorHost(lab, 'machine1', config('10.9.0.1', '10.9.1.2', 150))
  const far = new DirectorHost(lab, 'machine2', config('10.9.1.2', '10.9.0.1', 100))

  beforeAll(async () => {
    lab.addSwitch('lan')
    lab.addSwitch('far')
    lab.addHost('router', [
      { switch: 'lan', address: '10.9.0.254/24' },
      { switch: 'far', address: '10.9.1.254/24' },
    ])
    lab.run('router', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    lab.addHost('client', [{ switch: 'far', address: '10.9.1.10/24' }], '10.9.1.254')
    lab.addHost('machine1', [{ switch: 'lan', address: '10.9.0.1/24' }], '10.9.0.254')
    lab.addHost('rs3', [{ switch: 'lan', address: '10.9.0.3/24' }], '10.9.0.254')
    lab.addHost('machine2', [{ switch: 'far', address: '10.9.1.2/24' }], '10.9.1.254')
    for (const host of ['machine1', 'rs3']) {
      await new WebServer(lab, host).start()
      lab.run(host, [join(CONF, 'real-server-dr.sh'), 'start', vip])
    }
    await far.start()
    await far.untilState('master')
    await near.start()
    await near.untilState('master')
    await far.untilState('backup')
    const isFarOut = async () => (await near.status()).services[0]?.servers.some(({ state }) => state === 'down')
    await until('the far server to be out', isFarOut)
  })
  afterAll(() => lab.destroy())

  test('its adverts were heard, and the clients behind it are balanced all the same', async () => {
    await until('an advert to be counted', async () => {
      return ((await near.status()).instances[0]?.advertsReceived ?? 0) > 0
    })
    expect(answers(lab, vip, 40)).toEqual({ machine1: 20, rs3: 20 })
  })
})
