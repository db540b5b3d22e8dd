import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/**
 * Every forwarding method in both families, and the tunnels that join them, with real clients and servers. Two servers
 * have the director as their gateway (NAT); two have no gateway at all (full NAT); two are beside it (direct routing and
 * tunnels).
 */
const CONF = join(import.meta.dirname, '../../conf')
const lab = new Lab()
const NET4 = '10.9.0.'
const NET6 = '2001:db8:9::'

interface Method {
  readonly name: string
  /** Last part of the virtual addresses. */
  readonly host: number
  readonly lvs: string
  /** The servers that an address of the virtual server has. */
  readonly servers: (family: 4 | 6) => readonly string[]
}

const inside = (family: 4 | 6) => (family === 4 ? '192.168.1.' : '2001:db8:1::')
const beside = (family: 4 | 6) => [21, 22].map((host) => `${family === 4 ? NET4 : NET6}${host}`)
const METHODS: readonly Method[] = [
  {
    name: 'NAT',
    host: 100,
    lvs: 'NAT',
    servers: (family) => [11, 12].map((host) => `${inside(family)}${host}`),
  },
  {
    name: 'full NAT',
    host: 107,
    lvs: 'FNAT',
    servers: (family) => [31, 32].map((host) => `${inside(family)}${host}`),
  },
  { name: 'DR', host: 101, lvs: 'DR', servers: beside },
  { name: 'IP in IP', host: 102, lvs: 'TUN', servers: beside },
  { name: 'GRE', host: 103, lvs: 'TUN type gre', servers: beside },
  { name: 'GUE', host: 104, lvs: 'TUN type gue port 6080', servers: beside },
  { name: 'GUE with checksum', host: 105, lvs: 'TUN type gue port 6080 csum', servers: beside },
  { name: 'IP in IP of the other family', host: 106, lvs: 'TUN', servers: (family) => beside(family === 4 ? 6 : 4) },
]
const vip = (method: Method, family: 4 | 6) => `${family === 4 ? NET4 : NET6}${method.host}`
const CASES = METHODS.flatMap((method) => ([4, 6] as const).map((family) => ({ method, family, name: method.name })))

/** What is asked of each: pages, echoes of datagrams, bulk data. */
const config =
  [
    'local_address_group local4 { ',
    '  192.168.1.201-202',
    '}',
    'local_address_group local6 {',
    '  2001:db8:1::201-202',
    '}\n',
  ].join('\n') +
  CASES.flatMap(({ method, family }) =>
    [
      ['TCP', 80, 'HTTP_GET { url { path / } }'],
      ['UDP', 7, 'PING_CHECK { }'],
      ['TCP', 5201, ''],
    ].map(
      ([protocol, port, check]) => `virtual_server ${vip(method, family)} ${port} {
  lvs_sched rr
  lvs_method ${method.lvs}
  ${method.lvs === 'FNAT' ? `laddr_group_name local${family}` : ''}
  protocol ${protocol}
  ${port === 5201 ? 'persistence_timeout 60' : ''} # iperf3 needs both of its connections at one server
${method
  .servers(family)
  .map((server) => `  real_server ${server} ${port} { ${check} }`)
  .join('\n')}
}
`,
    ),
  ).join('')

let director: DirectorHost
beforeAll(async () => {
  const outside = [
    ['client', 10],
    ['beside1', 21],
    ['beside2', 22],
  ] as const
  const address6 = (host: string, device: string, address: string) =>
    lab.run(host, ['ip', 'address', 'add', address, 'dev', device, 'nodad'])
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: `${NET4}1/24` },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  address6('director', 'eth0', `${NET6}1/64`)
  address6('director', 'eth1', '2001:db8:1::1/64')
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  for (const { method, family } of CASES) {
    // Deprecated, as VRRP adds them, or the director would speak to a server that has the address, too, from it.
    const lifetime = family === 4 ? [] : ['preferred_lft', '0']
    const address = `${vip(method, family)}/${family === 4 ? 32 : 128}`
    lab.run('director', ['ip', 'address', 'add', address, 'dev', 'eth0', ...lifetime])
  }
  for (const host of ['201', '202']) {
    lab.run('director', ['ip', 'address', 'add', `192.168.1.${host}/32`, 'dev', 'eth1'])
    lab.run('director', ['ip', 'address', 'add', `2001:db8:1::${host}/128`, 'dev', 'eth1', 'preferred_lft', '0'])
  }
  for (const [name, host] of outside) {
    lab.addHost(name, [{ switch: 'outside', address: `${NET4}${host}/24` }])
    address6(name, 'eth0', `${NET6}${host}/64`)
  }
  for (const host of [11, 12]) {
    lab.addHost(`inside${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }], '192.168.1.1')
    address6(`inside${host}`, 'eth0', `2001:db8:1::${host}/64`)
    lab.run(`inside${host}`, ['ip', 'route', 'add', 'default', 'via', '2001:db8:1::1'])
    await serve(`inside${host}`, [`192.168.1.${host}`, `2001:db8:1::${host}`])
  }
  for (const host of [31, 32]) {
    lab.addHost(`inside${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }])
    address6(`inside${host}`, 'eth0', `2001:db8:1::${host}/64`)
    await serve(`inside${host}`, [`192.168.1.${host}`, `2001:db8:1::${host}`])
  }
  for (const host of ['beside1', 'beside2']) {
    const own = CASES.filter(({ method }) => !method.lvs.endsWith('NAT')).map(({ method, family }) =>
      vip(method, family),
    )
    // One program takes every tunnel's header off.
    const [first = '', ...others] = own
    lab.run(host, ['env', 'TUNNEL=ebpf', join(CONF, 'real-server-tun.sh'), 'start', first, 'eth0'])
    for (const address of others) lab.run(host, [join(CONF, 'real-server-dr.sh'), 'start', address])
    await serve(host, own)
  }
  director = new DirectorHost(lab, 'director', config)
  await director.start()
  await until('every server to be up', async () =>
    (await director.status()).services.every(({ servers }) => servers.every(({ state }) => state === 'up')),
  )
})
afterAll(() => lab.destroy())

async function serve(host: string, addresses: readonly string[]): Promise<void> {
  await new WebServer(lab, host).start()
  await once(lab.fork(host, 'udp-echo.ts', ['7', ...addresses]), 'message')
  lab.start(host, ['iperf3', '-s'])
}

const url = (address: string) => `http://${address.includes(':') ? `[${address}]` : address}/`
const ask = (from: string, address: string, bytes: number) =>
  lab
    .run(from, [
      process.execPath,
      join(import.meta.dirname, '../support/udp-request-process.ts'),
      address,
      '7',
      `${bytes}`,
    ])
    .trim()

/**
 * The director itself is a client as well, from the virtual address, as it says nothing else. (A tunnel through the other family has no address
 * of the director's for it, see docs/routes.md.)
 */
const ASKED = (['client', 'director'] as const).flatMap((from) =>
  CASES.filter(({ name }) => from === 'client' || !name.includes('other family')).map((each) => ({ ...each, from })),
)

describe.each(ASKED)('$name, IPv$family, from the $from', ({ method, family, from }) => {
  const address = vip(method, family)

  test('pages come from both servers in turn', () => {
    const answers = [1, 2, 3, 4].map(() => lab.run(from, ['curl', '-s', '-g', '-m', '5', url(address)]).trim())
    expect(new Set(answers).size).toBe(2)
    expect(answers.slice(0, 2)).toEqual(answers.slice(2))
  })

  // What the kernel is told of the way to one of its own addresses it does not keep, so longer ones are not for the director.
  test.each(from === 'client' ? [20, 1300, 4000] : [20, 1300])('a datagram of %i bytes comes back whole', (bytes) => {
    // Nobody but the sender fragments IPv6: the first datagram that is too long for the tunnel tells it so, and is lost.
    const learns = bytes > 1500 && family === 6 && method.lvs.startsWith('TUN')
    expect([ask(from, address, bytes), ask(from, address, bytes)]).toEqual([learns ? 'nothing' : 'whole', 'whole'])
  })

  test.runIf(from === 'client')('so does one whose last fragment is a single byte', () => {
    const bytes = family === 4 ? 1480 - 8 + 1 : 2 * 1448 - 8 + 1
    ask(from, address, bytes) // where a tunnel has no room for it, the sender is told
    expect(ask(from, address, bytes)).toBe('whole')
  })

  test('bulk data flows', () => {
    const json = lab.run(from, ['timeout', '10', 'iperf3', '-c', address, '-t', '1', '-J'])
    const { end } = JSON.parse(json) as { end: { sum_received: { bits_per_second: number } } }
    // A path where single full-size segments are lost stands still at a few kilobytes.
    expect(end.sum_received.bits_per_second).toBeGreaterThan(50e6)
  })
})

test("full NAT: the server's kernel gets the client's address and port with the handshake", async () => {
  const seen = await Capture.start(lab, 'inside', 'tcp and host 192.168.1.31 and (tcp[12] & 0xf0) > 0x50')
  // Both servers in turn.
  for (const port of [0xb26e, 0xb26f]) {
    lab.run('client', ['curl', '-s', '-m', '5', '--local-port', `${port}`, 'http://10.9.0.107/'])
  }
  // tcpdump calls kind 254 experimental, and names its first two bytes: the port.
  const option = /192\.168\.1\.20[12]\.\d+ > 192\.168\.1\.31\.80: Flags \[\.\].*options \[exp-b26[ef],/
  await until('the option', () => option.test(seen.text))
})

test('nothing was dropped but what the clients were told of', async () => {
  const { drops } = await director.status()
  expect(Object.entries(drops).filter(([reason, count]) => count > 0 && reason !== 'too-big')).toEqual([])
})
