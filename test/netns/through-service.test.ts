import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/**
 * Checks that go the way of clients find what checks of the server's own address do not: a virtual address that a server has not, a tunnel
 * that it does not take, a link that big packets do not pass, a gateway that is missing. With the virtual addresses here, and elsewhere.
 */
const TANISTD = join(import.meta.dirname, '../../dist/bin/tanistd.js')
const CONF = join(import.meta.dirname, '../../conf')
const lab = new Lab()
const VIP = {
  DR: '10.9.0.101',
  TUN: '10.9.0.102',
  NAT: '10.9.0.103',
  FNAT: '10.9.0.104',
  DR6: '2001:db8:9::101',
} as const
type Name = keyof typeof VIP
const SERVER: Record<Name, string> = {
  DR: '10.9.0.21',
  TUN: '10.9.0.22',
  NAT: '192.168.1.11',
  FNAT: '192.168.1.11',
  DR6: '2001:db8:9::21',
}
const NAMES: readonly Name[] = ['DR', 'TUN', 'NAT', 'FNAT', 'DR6']
/** More than two rounds of every check take, with a connection that fails. */
const ROUNDS_MS = 3000
/** Two packets of a request. */
const LONG = 2500

/** Of each service a server with a check of its own address, one with a check by the way of clients, and one that sends much by it. */
const virtualServer = (name: Name, port: number, check: string) => `virtual_server ${VIP[name]} ${port} {
  lvs_method ${name.replace('6', '')}
  protocol TCP
  delay_loop 0.3
  connect_timeout 1
  retry 0
  alpha
  real_server ${SERVER[name]} ${name.endsWith('NAT') ? 80 : port} {
    HTTP_GET {
      ${check}
    }
  }
}
`
const config = NAMES.map(
  (name) =>
    virtualServer(name, 81, 'connect_port 80\n      url { path / }') +
    virtualServer(name, 80, 'through_service\n      url { path / }') +
    virtualServer(
      name,
      82,
      `through_service\n      url {\n        path /\n        header "X-Long: ${'x'.repeat(LONG)}"\n      }`,
    ),
).join('')

let director: DirectorHost
beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.addHost('other', [{ switch: 'outside', address: '10.9.0.2/24' }])
  lab.addHost('dr', [{ switch: 'outside', address: '10.9.0.21/24' }])
  lab.addHost('tun', [{ switch: 'outside', address: '10.9.0.22/24' }])
  lab.addHost('nat', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  for (const [host, address] of [
    ['director', 1],
    ['other', 2],
    ['dr', 21],
  ] as const)
    lab.run(host, ['ip', 'address', 'add', `2001:db8:9::${address}/64`, 'dev', 'eth0', 'nodad'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=2'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1'])
  for (const address of [VIP.DR, VIP.DR6]) lab.run('dr', [join(CONF, 'real-server-dr.sh'), 'start', address])
  lab.run('tun', [join(CONF, 'real-server-tun.sh'), 'start', VIP.TUN, 'eth0'])
  for (const host of ['dr', 'tun', 'nat']) await new WebServer(lab, host, 'listen 82; listen [::]:82;').start()
  await hold('director')
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

/** Moves the virtual addresses. */
async function hold(host: 'director' | 'other'): Promise<void> {
  for (const address of Object.values(VIP)) {
    const length = address.includes(':') ? 128 : 32
    const lifetime = address.includes(':') ? ['preferred_lft', '0'] : []
    for (const each of ['director', 'other']) {
      const there = lab.run(each, ['ip', '-brief', 'address']).includes(`${address}/`)
      if (each === host && !there)
        lab.run(each, ['ip', 'address', 'add', `${address}/${length}`, 'dev', 'eth0', ...lifetime])
      if (each !== host && there) lab.run(each, ['ip', 'address', 'del', `${address}/${length}`, 'dev', 'eth0'])
    }
  }
}

async function states(): Promise<Record<string, string>> {
  const { services } = await director.status()
  return Object.fromEntries(services.map(({ name, servers }) => [name, servers[0]?.state ?? 'none']))
}
const nameOf = (name: Name, port: number) => `[${VIP[name]}]:tcp:${port}`
const stateOf = async (name: Name) => {
  const all = await states()
  return [81, 80, 82].map((port) => all[nameOf(name, port)])
}
const expectStates = (name: Name, wanted: readonly string[]) =>
  until(`${name}: ${wanted.join(', ')}`, async () => (await stateOf(name)).join() === wanted.join(), 15_000)

const ALL_UP = ['up', 'up', 'up']

type Command = readonly [string, ...string[]]

interface Fault {
  readonly what: string
  readonly name: Name
  readonly breaks: readonly [host: string, command: Command]
  readonly mends: readonly [host: string, command: Command]
  /** Of the check of the server's own address, that by the way of clients, and that which sends much. */
  readonly finds: readonly string[]
  /** Only where the director has the virtual address, too. */
  readonly onlyThere?: true
}
const dr = (verb: string, address: string): Command => [join(CONF, 'real-server-dr.sh'), verb, address]
const FAULTS: readonly Fault[] = [
  {
    what: 'a virtual address that the server has not',
    name: 'DR',
    breaks: ['dr', dr('stop', VIP.DR)],
    mends: ['dr', dr('start', VIP.DR)],
    finds: ['up', 'down', 'down'],
  },
  {
    what: 'the same of IPv6',
    name: 'DR6',
    breaks: ['dr', dr('stop', VIP.DR6)],
    mends: ['dr', dr('start', VIP.DR6)],
    finds: ['up', 'down', 'down'],
  },
  {
    what: 'a tunnel that is not taken',
    name: 'TUN',
    breaks: ['tun', [join(CONF, 'real-server-tun.sh'), 'stop', VIP.TUN, 'eth0']],
    mends: ['tun', [join(CONF, 'real-server-tun.sh'), 'start', VIP.TUN, 'eth0']],
    finds: ['up', 'down', 'down'],
  },
  {
    what: 'a path that long packets of the tunnel do not pass, of which nobody tells',
    name: 'TUN',
    breaks: [
      'tun',
      [
        'nft',
        `table ip small { chain in { type filter hook prerouting priority -500; ip daddr ${VIP.TUN} meta length > 1000 drop; }; }`,
      ],
    ],
    mends: ['tun', ['nft', 'delete table ip small']],
    finds: ['up', 'up', 'down'],
  },
  {
    what: 'a gateway that is missing',
    name: 'NAT',
    breaks: ['nat', ['ip', 'route', 'del', 'default']],
    mends: ['nat', ['ip', 'route', 'add', 'default', 'via', '192.168.1.1']],
    finds: ['up', 'down', 'down'],
    onlyThere: true,
  },
]

describe.each(['director', 'other'] as const)('the virtual addresses are on: %s', (holder) => {
  beforeAll(async () => {
    await hold(holder)
    await sleep(ROUNDS_MS)
  })

  test.each(NAMES)('%s: all is well', async (name) => {
    await expectStates(name, ALL_UP)
  })

  test.each(FAULTS.filter(({ onlyThere }) => onlyThere === undefined || holder === 'director'))(
    '$name: $what',
    async ({ name, breaks, mends, finds }) => {
      await expectStates(name, ALL_UP)
      lab.run(breaks[0], breaks[1])
      await expectStates(name, finds)
      lab.run(mends[0], mends[1])
      await expectStates(name, ALL_UP)
    },
  )
})

test('what such a check asks is in no list, and takes nothing of the service', async () => {
  expect(director.ipvsadm('ipvsadm -Ln').stdout).not.toContain('FWM')
  expect((await director.status()).services.map(({ name }) => name)).toHaveLength(3 * NAMES.length)
  expect(director.ipvsadm('ipvsadm -Ln --stats').stdout).toMatch(/TCP +10\.9\.0\.101:80 +0 +0/)
})

test('strict reverse paths are told before', () => {
  const file = join(lab.directory, 'through.conf')
  writeFileSync(file, config)
  const told = () => lab.run('director', ['sh', '-c', `${process.execPath} ${TANISTD} -t --host ${file} 2>&1 || true`])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1'])
  expect(told()).toContain('with `net.ipv4.conf.all.rp_filter` 1 the kernel drops answers from virtual addresses')
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=2'])
  expect(told()).not.toContain('rp_filter')
})
