import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Dump } from '../../src/control/dump.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
let director: DirectorHost

const config = (password: string) => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority 255
  authentication {
    auth_type PASS
    auth_pass ${password}
  }
  virtual_ipaddress {
    192.168.1.100/24
  }
}
virtual_server 192.168.1.100 80 {
  protocol TCP
  delay_loop 1
  real_server 192.168.1.1 81 {
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
}
`

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  director = new DirectorHost(lab, 'director', config('hunter22'), [], { env: { TANIST_LOG: 'debug' } })
  await director.start()
  await director.untilState('master')
})
afterAll(() => lab.destroy())

function dump(): { dump: Dump; text: string } {
  const { status, stdout, stderr } = director.tanist('dump')
  expect([status, stderr]).toEqual([0, ''])
  return { dump: JSON.parse(stdout) as Dump, text: stdout }
}

const eventTypes = () => new Set(dump().dump.events.map(({ type }) => type))

test('a dump has every part that a bug report needs', async () => {
  process.kill(await director.pidOf('check'), 'SIGKILL')
  director.configure('nonsense')
  expect(await director.reload()).not.toEqual([])
  director.configure(config('hunter22'))
  director.ipvsadm('ipvsadm -A -u 192.168.1.101:53 -s rr')
  await until('an event of each type', () => eventTypes().size === 4)
  const made = dump().dump
  expect(made.versions).toMatchObject({
    tanist: expect.stringMatching(/^\d/),
    node: process.version,
    kernel: expect.stringMatching(/^\d+\.\d+/),
    libbpf: expect.stringMatching(/^v\d/),
  })
  expect(made.processes.map(({ role }) => role)).toEqual(['director', 'vrrp', 'check'])
  expect(made.configuration).toMatchObject({ file: director.file, isInForce: true })
  expect(made.configuration.refused.join('\n')).toContain('nonsense')
  expect(made.configuration.text).toContain('  virtual_router_id 51')
  expect(made.instances).toMatchObject([{ name: 'VI_1', state: 'master' }])
  expect(made.core.services).toMatchObject([
    { owner: 'configuration', scheduler: 'wlc' },
    { owner: 'ipvsadm', scheduler: 'rr' },
  ])
  expect(Object.keys(made.core.drops)).not.toEqual([])
  expect(new Set(made.core.programs.map((each) => each.interface))).toEqual(new Set(['eth0', 'lo']))
  const eth0 = made.host.interfaces.find(({ name }) => name === 'eth0')
  expect(eth0).toMatchObject({ up: true, mtu: 1500, addresses: expect.arrayContaining(['192.168.1.1/24']) })
  expect(made.host.sysctls).toHaveProperty(['net.ipv4.ip_forward'])
  expect(made.events).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ type: 'transition', instance: 'VI_1', to: 'master' }),
      expect.objectContaining({ type: 'verdict', up: false }),
      expect.objectContaining({ type: 'child-restart', role: 'check' }),
      expect.objectContaining({ type: 'reload', by: expect.stringContaining('root') }),
    ]),
  )
  const times = made.events.map(({ at }) => at)
  expect(times.every((at) => at === new Date(at).toISOString())).toBe(true)
})

test('neither a dump nor the log at level debug has a password, also after a line that could not be read', async () => {
  director.configure(config('hunter22 "and').replace('auth_pass', 'auth_pas'))
  expect(await director.reload()).not.toEqual([])
  const { dump: made, text } = dump()
  expect(made.configuration.isInForce).toBe(false)
  expect(text).not.toContain('hunter22')
  expect(director.logText()).not.toContain('hunter22')
})

test('the log at level debug tells events, effects, attempts of checks, writes and changes of the network', async () => {
  for (const line of [
    'event network: ',
    'effect VI_1: advertise priority 255 from 192.168.1.1',
    /TCP_CHECK failed after \d+\.\d ms: /,
    /plan of \d services: [^"]*\d service[^"]* written/,
    'netlink: ',
  ]) {
    await until(String(line), () => new RegExp(line).test(director.logText()))
  }
})
