import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** A client behind a link that is narrower than its own and the servers': only the director can tell the servers so. */
const lab = new Lab()
const NARROW = '1400'
const METHODS = [
  { method: 'NAT', vip: { 4: '10.9.0.100', 6: '2001:db8:9::100' }, host: 11 },
  { method: 'FNAT', vip: { 4: '10.9.0.101', 6: '2001:db8:9::101' }, host: 12 },
] as const
const CASES = METHODS.flatMap((each) => ([4, 6] as const).map((family) => ({ ...each, family })))
const server = (host: number, family: 4 | 6) => `${family === 4 ? '192.168.1.' : '2001:db8:1::'}${host}`

const config = CASES.flatMap(({ method, vip, host, family }) =>
  [
    ['UDP', 7],
    ['TCP', 5201],
  ].map(
    ([protocol, port]) => `virtual_server ${vip[family]} ${port} {
  lvs_method ${method}
  protocol ${protocol}
  real_server ${server(host, family)} ${port} {
  }
}
`,
  ),
).join('')

let director: DirectorHost
beforeAll(async () => {
  const add6 = (host: string, device: string, address: string) =>
    lab.run(host, ['ip', 'address', 'add', address, 'dev', device, 'nodad'])
  for (const name of ['near', 'narrow', 'inside']) lab.addSwitch(name)
  lab.addHost('client', [{ switch: 'near', address: '10.8.0.10/24' }], '10.8.0.1')
  add6('client', 'eth0', '2001:db8:8::10/64')
  lab.run('client', ['ip', 'route', 'add', 'default', 'via', '2001:db8:8::1'])
  const outside = [
    { switch: 'near', address: '10.8.0.1/24' },
    { switch: 'narrow', address: '10.9.0.2/24' },
  ]
  lab.addHost('router', outside)
  add6('router', 'eth0', '2001:db8:8::1/64')
  add6('router', 'eth1', '2001:db8:9::2/64')
  const links = [
    { switch: 'narrow', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ]
  lab.addHost('director', links, '10.9.0.2')
  add6('director', 'eth0', '2001:db8:9::1/64')
  add6('director', 'eth1', '2001:db8:1::1/64')
  lab.run('director', ['ip', 'route', 'add', 'default', 'via', '2001:db8:9::2'])
  for (const host of ['router', 'director']) {
    lab.run(host, ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  }
  // Both ends of the cables, so that what is too long is lost.
  lab.run('router', ['ip', 'link', 'set', 'eth1', 'mtu', NARROW])
  lab.run('director', ['ip', 'link', 'set', 'eth0', 'mtu', NARROW])
  for (const port of ['router-1', 'director-0']) lab.run('switch', ['ip', 'link', 'set', port, 'mtu', NARROW])
  for (const { vip } of METHODS) {
    lab.run('director', ['ip', 'address', 'add', `${vip[4]}/32`, 'dev', 'eth0'])
    lab.run('director', ['ip', 'address', 'add', `${vip[6]}/128`, 'dev', 'eth0', 'preferred_lft', '0'])
  }
  for (const { host, method } of METHODS) {
    const name = `server${host}`
    lab.addHost(name, [{ switch: 'inside', address: `192.168.1.${host}/24` }])
    add6(name, 'eth0', `2001:db8:1::${host}/64`)
    if (method === 'NAT') {
      lab.run(name, ['ip', 'route', 'add', 'default', 'via', '192.168.1.1'])
      lab.run(name, ['ip', 'route', 'add', 'default', 'via', '2001:db8:1::1'])
    }
    await once(lab.fork(name, 'udp-echo.ts', ['7', server(host, 4), server(host, 6)]), 'message')
    lab.start(name, ['iperf3', '-s'])
  }
  director = new DirectorHost(lab, 'director', config)
  await director.start()
  await until('the servers to listen', () =>
    METHODS.every(({ host }) => lab.run(`server${host}`, ['ss', '-Hltn', 'sport', '=', ':5201']) !== ''),
  )
})
afterAll(() => lab.destroy())

describe.each(CASES)('$method, IPv$family', ({ vip, family }) => {
  test('bulk data from the server flows', () => {
    const json = lab.run('client', ['timeout', '10', 'iperf3', '-c', vip[family], '-R', '-t', '1', '-J'])
    const { end } = JSON.parse(json) as { end: { sum_received: { bits_per_second: number } } }
    expect(end.sum_received.bits_per_second).toBeGreaterThan(50e6)
  })

  test('a long answer comes whole, once the server knows', () => {
    const script = join(import.meta.dirname, '../support/udp-request-process.ts')
    const ask = () => lab.run('client', [process.execPath, script, vip[family], '7', '4000']).trim()
    // The first ones teach whoever has to be told.
    ask()
    ask()
    expect(ask()).toBe('whole')
  })
})
