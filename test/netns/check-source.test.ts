import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/** Two links to one server: checks leave from the address, port and interface, and with the mark, that the file says. */
const lab = new Lab()
const MARK = 48_879

/** What is said in a check of each kind; the ports are those of the service and of the source. */
const KINDS = [
  ['TCP_CHECK', 80, 4001, ''],
  ['HTTP_GET', 81, 4002, 'url { path /index.html }'],
  ['UDP_CHECK', 7, 4003, 'payload 41424344\n require_reply'],
  ['PING_CHECK', 9, undefined, ''],
] as const
const config = (of: (port: number | undefined) => string) =>
  KINDS.map(
    ([kind, port, source, more]) => `virtual_server 10.0.0.100 ${port} {
  delay_loop 0.2
  warmup 0
  protocol ${kind === 'UDP_CHECK' ? 'UDP' : 'TCP'}
  real_server 10.0.0.2 ${port === 81 ? 80 : port} {
    ${kind} {
      ${of(source)}
      ${more}
    }
  }
}`,
  ).join('\n')

let director: DirectorHost
beforeAll(async () => {
  for (const name of ['near', 'far']) lab.addSwitch(name)
  lab.addHost('director', [
    { switch: 'near', address: '10.0.0.1/24' },
    { switch: 'far', address: '10.0.1.1/24' },
  ])
  lab.ip('director', ['address add 10.0.0.77/24 dev eth0'])
  lab.addHost('server', [
    { switch: 'near', address: '10.0.0.2/24' },
    { switch: 'far', address: '10.0.1.2/24' },
  ])
  // What a check begins with. Resets for what comes late to a connection that is over are the kernel's, and have no mark.
  const begins = ['-p tcp --syn', '-p udp', '-p icmp --icmp-type echo-request']
  const rules = [
    ...begins.map((what) => `${what} -m mark ! --mark ${MARK} -j RETURN`),
    `-m mark --mark ${MARK} -j ACCEPT`,
  ]
  for (const rule of rules) lab.run('director', ['iptables', ...`-A OUTPUT -d 10.0.0.2 ${rule}`.split(' ')])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647'])
  await new WebServer(lab, 'server').start()
  await once(lab.fork('server', 'udp-echo.ts', ['7']), 'message')
})
afterAll(() => lab.destroy())

/** Packets that left with the mark, and first ones of checks without. */
function marked(): { readonly with: number; readonly without: number } {
  const listed = lab.run('director', ['iptables', '-nvxL', 'OUTPUT'])
  const counts = (target: string) =>
    [...listed.matchAll(new RegExp(`^ *(\\d+) +\\d+ +${target} `, 'gm'))].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    )
  return { with: counts('ACCEPT'), without: counts('RETURN') }
}
const servers = async () => (await director.status()).services.map(({ servers }) => servers[0])
const allUp = async () =>
  (await servers()).every((server) => server?.state === 'up' && server.reason !== 'not checked yet')
const reload = async (text: string) => {
  director.configure(text)
  expect(await director.reload()).toEqual([])
}
const capabilities = async () =>
  /^CapEff:\t(\w+)$/m.exec(readFileSync(`/proc/${await director.pidOf('check')}/status`, 'utf8'))?.[1]

test('without a word the kernel picks, and the check process has no capability', async () => {
  director = new DirectorHost(
    lab,
    'director',
    config(() => ''),
  )
  await director.start()
  await until('all to be up', allUp)
  expect(marked().without).toBeGreaterThan(0)
  expect(await capabilities()).toMatch(/^0+$/)
})

test('address, port and mark, of each kind, by a process that may do no more', async () => {
  const capture = await Capture.start(lab, 'near', 'src host 10.0.0.77 and dst host 10.0.0.2')
  const of = (port: number | undefined) =>
    `bindto 10.0.0.77\n fwmark ${MARK}\n ${port === undefined ? '' : `bind_port ${port}`}`
  const before = await director.pidOf('check')
  await reload(config(of))
  await until('another check process', async () => (await director.pidOf('check')) !== before)
  // One check after the other from the same port: what the one before has left does not keep it from being taken.
  const times = (what: RegExp) => capture.text.match(new RegExp(what, 'g'))?.length ?? 0
  for (const [seen, count] of [
    [/10\.0\.0\.77\.4001 > 10\.0\.0\.2\.80: Flags \[S\]/, 3],
    [/10\.0\.0\.77\.4002 > 10\.0\.0\.2\.80: Flags \[P\.\]/, 3],
    [/10\.0\.0\.77\.4003 > 10\.0\.0\.2\.7: /, 3],
    [/10\.0\.0\.77 > 10\.0\.0\.2: ICMP echo request/, 3],
  ] as const)
    await until(`${seen.source}, ${count} times`, () => times(seen) >= count)
  const counted = marked()
  expect(counted.with).toBeGreaterThan(12)
  await until('more checks', () => marked().with > counted.with + 12)
  expect(marked().without).toBe(counted.without)
  expect(await allUp()).toBe(true)
  const effective = Number.parseInt((await capabilities()) ?? '', 16)
  expect([1 << 12, 1 << 13]).toContain(effective)
  expect((await director.status()).processes.find(({ role }) => role === 'check')).toMatchObject({ restarts: 0 })
  capture.stop()
})

test('the interface, against the routes', async () => {
  const capture = await Capture.start(lab, 'far', 'dst host 10.0.0.2')
  await reload(config(() => 'bind_if eth1'))
  for (const seen of [/ > 10\.0\.0\.2\.80: Flags \[P\.\]/, / > 10\.0\.0\.2\.7: /, / > 10\.0\.0\.2: ICMP echo request/])
    await until(`${seen.source} on the other link`, () => seen.test(capture.text))
  await until('all to be up', allUp)
  expect(await capabilities()).toMatch(/^0+$/)
  capture.stop()
})

test('a source that this host does not have is no fault of the servers', async () => {
  await reload(config(() => 'bindto 10.0.0.78'))
  const [tcp] = await until('the check to be told', async () => {
    const all = await servers()
    return all.every((server) => server?.reason.includes('EADDRNOTAVAIL') === true) && all
  })
  expect(tcp).toMatchObject({
    state: 'up',
    reason: 'bind to 10.0.0.78 the socket of a check of 10.0.0.2: EADDRNOTAVAIL',
  })
})
