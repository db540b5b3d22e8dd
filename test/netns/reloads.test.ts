import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { compileFrames, FrameCounter, generatorCommand, linkOf, wire } from '../support/frames.ts'
import { Lab } from '../support/lab.ts'
import { CHANGES, LEAST_OPENED, ReloadLab } from '../support/reload-lab.ts'
import type { FlowsReport } from '../support/reporter.ts'
import { WebServer } from '../support/web.ts'

const VIP = '10.9.0.100'

describe('reloads under traffic', () => {
  const RELOADS = 1000
  const FLOWS = 300
  const lab = new Lab()
  const KEPT = ['192.168.1.11', '192.168.1.12']
  const CHANGING = ['192.168.1.13', '192.168.1.14', '192.168.1.15']
  const server = (address: string, weight: number) => `  real_server ${address} 80 {\n    weight ${weight}\n  }\n`
  const config = (scheduler: string, servers: readonly string[]) => `virtual_server ${VIP} 80 {
  lvs_sched ${scheduler}
  lvs_method NAT
  protocol TCP
${servers.join('')}}
`
  let director: DirectorHost
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
    for (const [i, address] of KEPT.entries()) {
      lab.addHost(`server${i}`, [{ switch: 'inside', address: `${address}/24` }], '192.168.1.1')
      await new WebServer(lab, `server${i}`).start()
    }
    director = new DirectorHost(
      lab,
      'director',
      config(
        'wrr',
        KEPT.map((address) => server(address, 1)),
      ),
    )
    await director.start()
  })
  afterAll(() => lab.destroy())

  test(
    `${RELOADS} of them, with other weights, schedulers and servers, lose and move no connection of a server that stays`,
    { timeout: 300_000 },
    async () => {
      const flows = lab.fork('client', 'flows-process.ts', [VIP, String(FLOWS)])
      await once(flows, 'message')
      const report = async (): Promise<FlowsReport> => {
        const answer = once(flows, 'message')
        flows.send('report')
        return (await answer)[0] as FlowsReport
      }
      await report()
      const weights = [1, 5, 0, 100, 3]
      const schedulers = ['wrr', 'rr', 'wlc', 'mh', 'sh']
      for (let i = 0; i < RELOADS; i++) {
        const kept = KEPT.map((address, k) => server(address, weights[(i + k) % weights.length] ?? 1))
        const others = CHANGING.filter((_, k) => (i >> k) % 2 === 0).map((address) => server(address, (i % 7) + 1))
        director.configure(config(schedulers[i % schedulers.length] ?? 'rr', [...others, ...kept]))
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        expect(await director.reload()).toEqual([])
      }
      // Each connection asks once a second.
      await new Promise((resolve) => setTimeout(resolve, 2000))
      const { answered, broken, moved } = await report()
      expect({ broken, moved }).toEqual({ broken: 0, moved: 0 })
      expect(answered).toBeGreaterThan(FLOWS * 2)
      const [service] = (await director.status()).services
      expect(service?.servers.filter(({ active }) => active > 0)).toHaveLength(KEPT.length)
    },
  )
})

describe('reloads under four clients that open connections as fast as they can', () => {
  const ROUNDS = 5
  const lab = new ReloadLab()
  beforeAll(() => lab.start())
  afterAll(() => lab.destroy())

  // `npm run drill:reload` has every pair.
  const pairs = ['rr sh', 'wlc mh', 'rr lc', 'dh wrr', 'lblc sh', 'twos rr'].map((pair) => pair.split(' '))
  test.each([
    ...pairs.map((pair) => ({ what: pair.join(' and '), between: pair.map((scheduler) => ({ scheduler })) })),
    ...CHANGES,
  ])('none is refused: $what', async ({ between }) => {
    const { opened, refused, failed, reloads } = await lab.reload(between, ROUNDS)
    expect({ refused, failed }).toEqual({ refused: 0, failed: 0 })
    expect(opened).toBeGreaterThan(reloads * LEAST_OPENED)
    expect(await lab.withoutServer()).toBe(0)
  })
})

describe('a service with 1000 servers is replaced in one step', () => {
  const SYN = 2
  const lab = new Lab()
  const config = (subnet: number) => `virtual_server ${VIP} 80 {
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
${Array.from({ length: 1000 }, (_, i) => `  real_server 10.${subnet}.${i >> 8}.${i & 255} 80 {\n    weight ${(i % 3) + 1}\n  }\n`).join('')}}
`
  afterAll(() => lab.destroy())

  test('while new clients come at the rate that one core can make: none of them finds no server', async () => {
    const object = compileFrames(lab)
    for (const host of ['client', 'director', 'server']) lab.addHost(host, [])
    wire(lab, 'client', '10.9.0.10/24', 'director', 'eth0', '10.9.0.1/24')
    wire(lab, 'server', '192.168.1.11/24', 'director', 'eth1', '192.168.1.1/24')
    lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
    lab.run('director', ['ip', 'route', 'add', '10.128.0.0/9', 'via', '192.168.1.11'])
    lab.run('director', ['ethtool', '-K', 'eth0', 'gro', 'on'])
    const { address: there } = linkOf(lab, 'server', 'eth0')
    lab.run('director', ['ip', 'neighbour', 'replace', '192.168.1.11', 'lladdr', there, 'dev', 'eth1'])
    const director = new DirectorHost(lab, 'director', config(128))
    await director.start()
    const sink = await FrameCounter.start(lab, object, 'server', 'eth0', 'sink')
    const { address: to } = linkOf(lab, 'director', 'eth0')
    const frames = { object, to, destination: VIP, flags: SYN, flows: 100_000, packets: 2_000_000 }
    const sending = lab.start('client', generatorCommand(lab, 'client', 'eth0', frames))
    const ended = once(sending, 'exit')
    let reloads = 0
    while (sending.exitCode === null) {
      director.configure(config(129 + (reloads % 2)))
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await director.reload()).toEqual([])
      reloads++
    }
    expect(await ended).toEqual([0, null])
    const { drops } = await director.status()
    expect(drops).toMatchObject({ 'no-destination': 0, 'table-full': 0, malformed: 0, 'no-route': 0 })
    // A packet may have chosen a server in the moment before it was removed.
    expect(drops['destination-removed']).toBeLessThan(reloads * 100)
    expect(await sink.count()).toBeGreaterThan(1_000_000)
    expect(reloads).toBeGreaterThan(2)
  })
})
