import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** Services by firewall mark, with marks that iptables sets in PREROUTING, as people have them. */
const lab = new Lab()
const VIP = '10.9.0.100'
const VIP6 = '2001:db8:9::100'
const web = (family: 4 | 6) =>
  [11, 12].map((host) => `  real_server ${family === 4 ? '192.168.1.' : '2001:db8:1::'}${host} { }`).join('\n')
const config = `virtual_server fwmark 10 {
  lvs_sched rr
  lvs_method NAT
  persistence_timeout 300
${web(4)}
}
virtual_server fwmark 11 {
  lvs_sched rr
  lvs_method NAT
${web(6)}
}
`

let director: DirectorHost
beforeAll(async () => {
  const address6 = (host: string, device: string, address: string) =>
    lab.run(host, ['ip', 'address', 'add', address, 'dev', device, 'nodad'])
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  address6('director', 'eth0', '2001:db8:9::1/64')
  address6('director', 'eth1', '2001:db8:1::1/64')
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.run('director', ['ip', 'address', 'add', `${VIP6}/128`, 'dev', 'eth0', 'preferred_lft', '0'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  for (const host of [10, 20]) {
    lab.addHost(`client${host}`, [{ switch: 'outside', address: `10.9.0.${host}/24` }])
    address6(`client${host}`, 'eth0', `2001:db8:9::${host}/64`)
  }
  for (const host of [11, 12]) {
    lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }], '192.168.1.1')
    address6(`rs${host}`, 'eth0', `2001:db8:1::${host}/64`)
    lab.run(`rs${host}`, ['ip', 'route', 'add', 'default', 'via', '2001:db8:1::1'])
    await new WebServer(lab, `rs${host}`, 'listen 8080; listen [::]:8080;').start()
  }
  for (const [file, vip, mark] of [
    ['iptables', VIP, 10],
    ['ip6tables', VIP6, 11],
  ] as const) {
    const rule = `-t mangle -A PREROUTING -d ${vip} -p tcp -m multiport --dports 80,8080 -j MARK --set-mark ${mark}`
    lab.run('director', [file, ...rule.split(' ')])
  }
  director = new DirectorHost(lab, 'director', config, ['--grace', '0'])
  await director.start()
})
afterAll(() => lab.destroy())

const ask = (vip: string, port: number, client = 'client10') =>
  lab.run(client, ['curl', '-s', '-g', '-m', '5', `http://${vip.includes(':') ? `[${vip}]` : vip}:${port}/`]).trim()
const rules = (family: '-4' | '-6') => lab.run('director', ['ip', family, 'rule', 'list'])

describe('marks that iptables sets', () => {
  test('two ports of a client go to one server, another client’s to another', () => {
    const first = ask(VIP, 80)
    expect(first).toMatch(/^rs1[12]$/)
    expect([ask(VIP, 8080), ask(VIP, 80)]).toEqual([first, first])
    expect(ask(VIP, 80, 'client20')).not.toBe(first)
  })

  test('IPv6', () => {
    expect(new Set([ask(VIP6, 80), ask(VIP6, 8080)])).toEqual(new Set(['rs11', 'rs12']))
  })

  test('one hop is taken off, not two', () => {
    lab.run('rs11', ['iptables', '-A', 'INPUT', '-p', 'tcp', '--syn', '-m', 'ttl', '--ttl-eq', '63'])
    for (let i = 0; i < 4; i++) ask(VIP6, 80)
    ask(VIP, 80)
    ask(VIP, 80, 'client20')
    const counted = lab.run('rs11', ['iptables', '-nvxL', 'INPUT']).split('\n')[2]?.trim().split(/\s+/)[0]
    expect(Number(counted)).toBe(1)
  })

  test('what has the mark but is no connection goes to the director’s own stack', () => {
    const rule = `-t mangle -A PREROUTING -d ${VIP} -p icmp -j MARK --set-mark 10`
    lab.run('director', ['iptables', ...rule.split(' ')])
    expect(lab.run('client10', ['ping', '-c', '1', '-W', '3', VIP])).toContain('1 received')
  })
})

test('rules and link are there while a service needs them', async () => {
  expect(rules('-4')).toMatch(
    /^90:\s+from all iif lo lookup local\n91:\s+from all fwmark 0xa lookup 20461\n92:\s+from all lookup local\n/,
  )
  director.configure(config.replace(/virtual_server fwmark 10[^]*?\n}\n/, ''))
  await director.reload()
  expect(rules('-4')).toMatch(/^0:\s+from all lookup local\n32766:/)
  expect(rules('-6')).toContain('fwmark 0xb')
  director.configure(config)
  await director.reload()
  expect(ask(VIP, 80)).toMatch(/^rs1/)
  await director.stop()
  expect([rules('-4'), rules('-6')].join('')).not.toContain('fwmark')
  expect(lab.run('director', ['ip', '-o', 'link'])).not.toContain('tanist-mark')
})
