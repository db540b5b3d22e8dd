import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { compileFrames, generatorCommand, linkOf, wire } from '../support/frames.ts'
import { Lab, until } from '../support/lab.ts'

/** Access lists that change while clients come as fast as one core can send their SYNs, all of them from 10.1.0.0/24. */
const VIP = '10.9.0.100'
const SYN = 2
/** SYNs, each of a client of its own: what is known is not asked again. As many as the table holds, or until there were enough reloads. */
const CHUNK = 300_000
const MOST = 1_800_000
const ENOUGH = 12
const lab = new Lab()

/** Prefixes that hold nobody who comes. */
const others = (second: number) =>
  Array.from({ length: 3000 }, (_, i) => `10.${second}.${i >> 4}.${(i & 15) << 4}/28`).join('\n')
const config = (lists: string) => `virtual_server ${VIP} 80 {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
${lists}
  real_server 192.168.1.11 80 { }
}
`
/** What changes from one to the next: which prefixes, how long the one that decides is, and what becomes of all others. */
const ALLOWING = [
  `deny {\n${others(2)}\n}`,
  `allow {\n10.0.0.0/8\n}\ndeny {\n${others(3)}\n}`,
  `allow {\n10.1.0.0/24\n${others(2)}\n}\ndeny {\n10.0.0.0/8\n}`,
  '',
]
const DENYING = [
  `allow {\n${others(2)}\n}`,
  `deny {\n10.0.0.0/8\n${others(3)}\n}`,
  `allow {\n10.0.0.0/8\n${others(2)}\n}\ndeny {\n10.1.0.0/24\n}`,
]

let director: DirectorHost
let object: string
beforeAll(async () => {
  object = compileFrames(lab)
  for (const host of ['client', 'director', 'server']) lab.addHost(host, [])
  wire(lab, 'client', '10.9.0.10/24', 'director', 'eth0', '10.9.0.1/24')
  wire(lab, 'server', '192.168.1.11/24', 'director', 'eth1', '192.168.1.1/24')
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.run('director', ['ethtool', '-K', 'eth0', 'gro', 'on'])
  const { address: there } = linkOf(lab, 'server', 'eth0')
  lab.run('director', ['ip', 'neighbour', 'replace', '192.168.1.11', 'lladdr', there, 'dev', 'eth1'])
  director = new DirectorHost(lab, 'director', config(ALLOWING[0] ?? ''), ['--max-connections', '2000000'])
  await director.start()
})
afterAll(() => lab.destroy())

/** Reloads with one list after the other while SYNs come. Returns how many came, and what became of them. */
async function reloadUnderLoad(lists: readonly string[]): Promise<{ opened: number; denied: number; sent: number }> {
  const reload = async (i: number) => {
    director.configure(config(lists[i % lists.length] ?? ''))
    expect(await director.reload()).toEqual([])
  }
  const counts = async () => {
    const { services, drops } = await director.status()
    return { opened: services[0]?.counters.connections ?? 0, denied: drops['denied'] ?? 0 }
  }
  await reload(0)
  const before = await counts()
  const { address: to } = linkOf(lab, 'director', 'eth0')
  let reloads = 0
  let sent = 0
  while (sent < MOST && reloads < ENOUGH) {
    const frames = { object, to, destination: VIP, flags: SYN, flows: sent + CHUNK, packets: CHUNK, first: sent }
    const sending = lab.start('client', generatorCommand(lab, 'client', 'eth0', frames))
    const ended = once(sending, 'exit')
    while (sending.exitCode === null) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await reload(++reloads)
    }
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await ended).toEqual([0, null])
    sent += CHUNK
  }
  const after = await counts()
  expect(reloads).toBeGreaterThanOrEqual(lists.length)
  return { opened: after.opened - before.opened, denied: after.denied - before.denied, sent }
}

describe('lists that are replaced under load', () => {
  test('never deny whom each of them allows', { timeout: 120_000 }, async () => {
    const { sent, ...counts } = await reloadUnderLoad(ALLOWING)
    expect(counts).toEqual({ opened: sent, denied: 0 })
  })

  test('never allow whom each of them denies', { timeout: 240_000 }, async () => {
    // A million of them; on a busy machine that takes longer than `tanist` waits for.
    const deleted = () => director.tanist('connections', '--virtual', VIP, '--delete').status === 0
    await until('the connections to be gone', deleted, 120_000)
    const { sent, ...counts } = await reloadUnderLoad(DENYING)
    expect(counts).toEqual({ opened: 0, denied: sent })
  })

  test('`tanist status` of the service shows what each prefix has decided; a trace says which', async () => {
    director.configure(config('allow {\n10.0.0.0/8\n192.0.2.7\n}\ndeny {\n10.1.0.0/24\n}'))
    expect(await director.reload()).toEqual([])
    expect(director.tanist('trace', '10.1.0.9', `${VIP}:80`).stdout).toContain('denied: by deny { 10.1.0.0/24 }')
    const lines = director.tanist('status', `${VIP}:80`).stdout.trimEnd().split('\n').slice(-5)
    const [title, ...rows] = lines.map((line) => line.split(/ {2,}/))
    expect(title).toEqual([`ACCESS TO [${VIP}]:tcp:80`, 'PREFIX', 'HITS'])
    expect(rows.at(-1)).toEqual(['deny', 'everybody else', '0'])
    expect(rows.map(([verdict, prefix]) => `${verdict} ${prefix}`).toSorted()).toEqual([
      'allow 10.0.0.0/8',
      'allow 192.0.2.7',
      'deny 10.1.0.0/24',
      'deny everybody else',
    ])
    expect(director.tanist('status', '10.9.9.9:80')).toMatchObject({
      status: 1,
      stderr: 'tanist: there is no virtual server 10.9.9.9:80\n',
    })
  })
})
