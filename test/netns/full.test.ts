import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LAYOUT_VERSION, MAX_DESTS } from '../../src/forward/ebpf/layout/bounds.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** A core with as many real servers as it has room for, of which one fails. */
const lab = new Lab()
const VIP = '10.9.0.100'
const many = Array.from({ length: MAX_DESTS - 1 }, (_, i) => `  real_server 10.128.${i >> 8}.${i & 255} 80 {\n  }\n`)
const config = `virtual_server ${VIP} 80 {
  lvs_method NAT
  protocol TCP
  delay_loop 1
  real_server 192.168.1.11 80 {
    TCP_CHECK {
      connect_timeout 1
    }
  }
  sorry_server 192.168.1.12 80
}
virtual_server ${VIP} 81 {
  lvs_method NAT
  protocol TCP
${many.join('')}}
`
let director: DirectorHost
let web: WebServer
beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.addHost('client', [{ switch: 'outside', address: '10.9.0.10/24' }])
  for (const [name, address] of [
    ['first', '192.168.1.11'],
    ['sorry', '192.168.1.12'],
  ] as const) {
    lab.addHost(name, [{ switch: 'inside', address: `${address}/24` }], '192.168.1.1')
    const server = new WebServer(lab, name)
    await server.start()
    if (name === 'first') web = server
  }
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

const page = () => {
  try {
    return lab.run('client', ['curl', '-s', '-m', '1', `http://${VIP}/`]).trim()
  } catch {
    return ''
  }
}

test('a reload that there is no room for changes nothing, also not what interfaces have the program', async () => {
  const pins = `/sys/fs/bpf/tanist/${lab.directorName('director')}/v${LAYOUT_VERSION}/links`
  const attached = readdirSync(pins)
  expect(attached).toHaveLength(3)
  const one =
    'virtual_server 10.9.0.101 80 {\n  lvs_method NAT\n  protocol TCP\n  real_server 10.129.0.1 80 {\n  }\n}\n'
  director.configure(`global_defs {\n  forward_interfaces {\n    eth1\n  }\n}\n${config}${one}`)
  expect(await director.reload()).toEqual([`the forwarding core holds at most ${MAX_DESTS} real servers`])
  expect(readdirSync(pins)).toEqual(attached)
})

test('a sorry server that has no place yet gets it when the last connection of the failed one is gone', async () => {
  await until('the first server', () => page() === 'first')
  // What a client has left in TIME_WAIT keeps the server's place.
  await web.stop()
  await until('the log', () => director.logText().includes('no room for [192.168.1.12]:80 yet'))
  expect((await director.status()).services[0]?.servers[0]?.state).toBe('down')
  expect(page()).toBe('')
  expect(director.tanist('connections', '--server', '192.168.1.11', '--delete').status).toBe(0)
  await until('the sorry server', () => page() === 'sorry')
})
