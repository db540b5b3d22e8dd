import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LAYOUT_VERSION } from '../../src/forward/ebpf/layout/bounds.ts'
import { DirectorHost } from '../support/director.ts'
import { linkOf } from '../support/frames.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** Clients behind an interface that comes and goes while the daemon runs. */
const lab = new Lab()
const VIP = '10.20.0.100'
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  lab.addHost('client', [])
  lab.addHost('server', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  await new WebServer(lab, 'server').start()
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

const config = `virtual_server ${VIP} 80 {
  lvs_method NAT
  protocol TCP
  real_server 192.168.1.11 80 { TCP_CHECK { } }
}
`

/** A cable from the director to the client, with the addresses of both ends. */
function plug(): void {
  const peer = ['type', 'veth', 'peer', 'name', 'eth9', 'netns', lab.directorName('client')]
  lab.run('director', ['ip', 'link', 'add', 'eth9', ...peer])
  for (const [host, ...addresses] of [
    ['director', '10.20.0.1/24', `${VIP}/32`],
    ['client', '10.20.0.10/24'],
  ] as const) {
    for (const address of addresses) lab.run(host, ['ip', 'address', 'add', address, 'dev', 'eth9'])
    lab.run(host, ['ip', 'link', 'set', 'eth9', 'up'])
  }
}

const answers = () =>
  until('an answer', () => {
    try {
      return lab.run('client', ['curl', '-s', '-m', '1', `http://${VIP}/`]).trim()
    } catch {
      return false
    }
  })

test('an interface that is new gets the program, and one that was gone and is back', async () => {
  for (let time = 0; time < 2; time++) {
    plug()
    expect(await answers()).toBe('server')
    const [service] = (await director.status()).services
    expect(service?.counters.connections).toBeGreaterThan(time)
    lab.run('director', ['ip', 'link', 'delete', 'eth9'])
  }
  expect(director.logText()).not.toContain('"level":50')
})

test('only named interfaces get it, if some are named', async () => {
  plug()
  const only = (name: string) => `global_defs {\n  forward_interfaces {\n    ${name}\n  }\n}\n${config}`
  const pins = `/sys/fs/bpf/tanist/${lab.directorName('director')}/v${LAYOUT_VERSION}/links`
  const index = (name: string) => String(linkOf(lab, 'director', name).ifindex)
  const attached = () => readdirSync(pins).toSorted()
  const every = [index('lo'), index('eth0'), index('eth9')].toSorted()
  await until('the program', () => attached().join() === every.join())
  // A program that is taken off an interface is off it before it can be put there again.
  for (let time = 0; time < 30; time++) {
    director.configure(only('eth0'))
    expect(await director.reload()).toEqual([])
    expect(attached()).toEqual([index('eth0')])
    director.configure(config)
    expect(await director.reload()).toEqual([])
    expect(attached()).toEqual(every)
  }
})
