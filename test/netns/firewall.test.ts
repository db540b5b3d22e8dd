import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** What a firewall on the director sees of connections that the core forwards: docs/firewall.md says so, and here it is. */
const lab = new Lab()
/** By NAT, and by DR to servers beside the clients. */
const VIPS = { NAT: ['10.9.0.100', '2001:db8:9::100'], DR: ['10.9.0.200', '2001:db8:9::200'] } as const
type Method = keyof typeof VIPS
const SERVERS = { NAT: ['192.168.1.11', '2001:db8:1::11'], DR: ['10.9.0.13', '2001:db8:9::13'] } as const
const PORT = { TCP: 80, UDP: 7 } as const

const config = (inside: string) =>
  (['NAT', 'DR'] as const)
    .flatMap((method) =>
      (['TCP', 'UDP'] as const).flatMap((protocol) =>
        [0, 1].map(
          (family) => `virtual_server ${VIPS[method][family]} ${PORT[protocol]} {
  protocol ${protocol}
  lvs_sched rr
  lvs_method ${method}
  ${inside}
  real_server ${SERVERS[method][family]} ${PORT[protocol]} { }
}
`,
        ),
      ),
    )
    .join('')

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
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  for (const [four, six] of Object.values(VIPS)) {
    lab.run('director', ['ip', 'address', 'add', `${four}/32`, 'dev', 'eth0'])
    lab.run('director', ['ip', 'address', 'add', `${six}/128`, 'dev', 'eth0', 'preferred_lft', '0', 'nodad'])
  }
  for (const host of [10, 20]) {
    lab.addHost(`client${host}`, [{ switch: 'outside', address: `10.9.0.${host}/24` }])
    address6(`client${host}`, 'eth0', `2001:db8:9::${host}/64`)
  }
  lab.addHost('nat', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  address6('nat', 'eth0', '2001:db8:1::11/64')
  lab.run('nat', ['ip', 'route', 'add', 'default', 'via', '2001:db8:1::1'])
  lab.addHost('dr', [{ switch: 'outside', address: '10.9.0.13/24' }])
  address6('dr', 'eth0', '2001:db8:9::13/64')
  lab.run('dr', ['sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2'])
  for (const vip of VIPS.DR) lab.run('dr', ['ip', 'address', 'add', vip, 'dev', 'lo'])
  for (const host of ['nat', 'dr']) {
    await new WebServer(lab, host).start()
    const own = SERVERS[host === 'nat' ? 'NAT' : 'DR']
    const echo = lab.fork(host, 'udp-echo.ts', ['7', ...own, ...(host === 'dr' ? VIPS.DR : [])])
    await once(echo, 'message')
  }
  director = new DirectorHost(lab, 'director', config(''))
  await director.start()
})
afterAll(() => lab.destroy())
afterEach(() => {
  lab.run('director', ['nft', 'flush', 'ruleset'])
})

type Ask = readonly [method: Method, protocol: keyof typeof PORT, family: 0 | 1]
const ALL: readonly Ask[] = (['NAT', 'DR'] as const).flatMap((method) =>
  (['TCP', 'UDP'] as const).flatMap((protocol) =>
    [0, 1].map((family): Ask => [method, protocol, family === 0 ? 0 : 1]),
  ),
)

/** Which of the ways to the services serve a client; all are tried at the same time. */
async function served(client: 10 | 20): Promise<readonly string[]> {
  const answers = ALL.map(async ([method, protocol, family]) => {
    const vip = VIPS[method][family]
    const url = `http://${family === 1 ? `[${vip}]` : vip}/`
    const command: [string, ...string[]] =
      protocol === 'TCP'
        ? ['curl', '-s', '-g', '-m', '3', url]
        : [process.execPath, join(import.meta.dirname, '../support/udp-request-process.ts'), vip, String(PORT.UDP), '8']
    const child = lab.start(`client${client}`, command, { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
    await once(child, 'close')
    const right = protocol === 'TCP' ? method.toLowerCase() : 'whole'
    return output.trim() === right ? [`${method} ${protocol} IPv${family === 0 ? 4 : 6}`] : []
  })
  return (await Promise.all(answers)).flat()
}
const EVERY = ALL.map(([method, protocol, family]) => `${method} ${protocol} IPv${family === 0 ? 4 : 6}`)

/**
 * Appends a rule about the services' packets of client20 to a chain, for both families. Not about all of its packets: IPv6 asks
 * for its neighbours in packets of its own. Returns how many packets it has met.
 */
function rule(table: string, chain: string, ...more: readonly string[]): () => number {
  const files = [
    ['iptables', '10.9.0.20'],
    ['ip6tables', '2001:db8:9::20'],
  ] as const
  for (const [file, source] of files) {
    for (const protocol of ['tcp', 'udp']) {
      lab.run('director', [file, '-t', table, '-A', chain, '-s', source, '-p', protocol, ...more])
    }
  }
  return () =>
    files.reduce((sum, [file]) => {
      const rows = lab.run('director', [file, '-t', table, '-nvxL', chain]).trim().split('\n').slice(2)
      return rows.reduce((total, row) => total + Number(row.trim().split(/\s+/)[0]), sum)
    }, 0)
}

const DROP = ['-j', 'DROP']
async function put(inside: string): Promise<void> {
  director.configure(config(inside))
  expect(await director.reload()).toEqual([])
}

describe('without `through_firewall`', () => {
  test.each([
    ['raw', 'PREROUTING'],
    ['mangle', 'PREROUTING'],
    ['filter', 'INPUT'],
    ['filter', 'FORWARD'],
  ])('%s %s sees nothing of a service', async (table, chain) => {
    await put('')
    const met = rule(table, chain, ...DROP)
    expect(await served(20)).toEqual(EVERY)
    expect(met()).toBe(0)
  })

  test('nor does a ruleset of nft that drops all that comes in', async () => {
    await put('')
    const chains = ['prerouting', 'input', 'forward'].map(
      (hook) => `add chain inet f ${hook} { type filter hook ${hook} priority -300; }
add rule inet f ${hook} meta l4proto { tcp, udp } counter drop`,
    )
    lab.run('director', ['nft', ['add table inet f', ...chains].join('\n')])
    expect(await served(20)).toEqual(EVERY)
  })
})

describe('with `through_firewall`', () => {
  test.each([
    ['raw', 'PREROUTING'],
    ['mangle', 'PREROUTING'],
    ['mangle', 'FORWARD'],
    ['filter', 'FORWARD'],
    ['mangle', 'POSTROUTING'],
  ])('%s %s is obeyed: what it drops opens no connection, and others are served', async (table, chain) => {
    await put('through_firewall')
    const met = rule(table, chain, ...DROP)
    const [dropped, others] = await Promise.all([served(20), served(10)])
    expect({ dropped, others }).toEqual({ dropped: [], others: EVERY })
    expect(met()).toBeGreaterThanOrEqual(EVERY.length)
  })

  test('a rule of nft, and one for the way out by `tanist-mark`, which is of services only', async () => {
    await put('through_firewall')
    const lines = ['ip saddr 10.9.0.20', 'ip6 saddr 2001:db8:9::20'].map(
      (client) => `add rule inet f forward oifname "tanist-mark" ${client} counter drop`,
    )
    const chain = 'add chain inet f forward { type filter hook forward priority 0; }'
    lab.run('director', ['nft', ['add table inet f', chain, ...lines].join('\n')])
    expect(await served(20)).toEqual([])
    expect(await served(10)).toEqual(EVERY)
  })

  test('INPUT sees none of them: they are forwarded', async () => {
    await put('through_firewall')
    const met = rule('filter', 'INPUT', ...DROP)
    expect(await served(20)).toEqual(EVERY)
    expect(met()).toBe(0)
  })

  test('only the packet that opens a connection comes by, and conntrack calls it new', async () => {
    await put('through_firewall')
    const fresh = rule('filter', 'FORWARD', '-m', 'conntrack', '--ctstate', 'NEW')
    const all = rule('mangle', 'FORWARD')
    expect(await served(20)).toEqual(EVERY)
    expect([fresh(), all()]).toEqual([EVERY.length, EVERY.length])
  })

  test('an access list is asked before the firewall, and once', async () => {
    await put('through_firewall\n  deny { 10.9.0.20 2001:db8:9::20 }')
    const met = rule('raw', 'PREROUTING')
    const [denied, others] = await Promise.all([served(20), served(10)])
    expect({ denied, others }).toEqual({ denied: [], others: EVERY })
    expect(met()).toBe(0)
    for (const { name, access } of (await director.status()).services) {
      expect(access?.othersHits, name).toBe(1)
      expect(
        access?.hits.reduce((sum, { hits }) => sum + hits, 0),
        name,
      ).toBeGreaterThan(0)
    }
  })

  test('the way by the firewall is there as long as a service needs it, and a new daemon finds it', async () => {
    await put('through_firewall')
    const seen = () => lab.run('director', ['ip', 'rule', 'list'])
    expect(seen()).toContain('91:\tfrom all fwmark 0x20000000/0x20000000 lookup 20461')
    await director.killAll()
    expect(await served(20)).toEqual(EVERY)
    await director.start()
    const met = rule('filter', 'FORWARD', ...DROP)
    expect(await served(20)).toEqual([])
    expect(met()).toBeGreaterThanOrEqual(EVERY.length)
    await put('')
    expect(seen()).not.toContain('fwmark')
    expect(await served(20)).toEqual(EVERY)
  })

  test('to switch it on and off costs no connection', async () => {
    await put('')
    const asking = lab.start('client10', [
      'curl',
      '-s',
      '-m',
      '60',
      '--no-keepalive',
      '-H',
      'Connection: close',
      '--fail-early',
      `http://${VIPS.NAT[0]}/?[1-10000]`,
    ])
    const ended = once(asking, 'exit')
    let reloads = 0
    while (asking.exitCode === null) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await put(reloads++ % 2 === 0 ? 'through_firewall' : '')
    }
    expect(await ended).toEqual([0, null])
    expect(reloads).toBeGreaterThan(5)
  })
})
