import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LAYOUT_VERSION } from '../../src/forward/ebpf/layout/bounds.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { startFlows, startProbe, startRequests } from '../support/reporter.ts'
import { WebServer } from '../support/web.ts'

/** A director alone, its addresses its own: what a stop in order leaves, and what the next start makes of it. */
const VIP = '10.9.0.100'
const MARKED = '10.9.0.101'
const BY_HAND = `${VIP}:8080`
const FLOWS = 200
const CONFIG = `virtual_server ${VIP} 80 {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  quorum 3
  hysteresis 1
  delay_loop 1
  warmup 1
${[11, 12, 13].map((host) => `  real_server 192.168.1.${host} 80 { TCP_CHECK { connect_timeout 1 } }`).join('\n')}
}
virtual_server ${VIP} 7 {
  lvs_sched rr
  lvs_method NAT
  protocol UDP
  real_server 192.168.1.11 7 { }
}
virtual_server fwmark 10 {
  lvs_sched rr
  lvs_method NAT
  real_server 192.168.1.11 { }
}
`
/** The verdict of 192.168.1.13 cannot come soon after a start. */
const SLOW = CONFIG.replace('warmup 1', 'warmup 3600')

const lab = new Lab()
const servers: WebServer[] = []
let director: DirectorHost
beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '10.9.0.10/24' }])
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const address of [VIP, MARKED]) lab.run('director', ['ip', 'address', 'add', `${address}/32`, 'dev', 'eth0'])
  const rule = `-t mangle -A PREROUTING -d ${MARKED} -p tcp --dport 80 -j MARK --set-mark 10`
  lab.run('director', ['iptables', ...rule.split(' ')])
  for (const host of [11, 12, 13]) {
    lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }], '192.168.1.1')
    const server = new WebServer(lab, `rs${host}`)
    servers.push(server)
    await server.start()
  }
  await once(lab.fork('rs11', 'udp-echo.ts', ['7']), 'message')
  director = new DirectorHost(lab, 'director', CONFIG)
  await director.start()
})
afterAll(() => lab.destroy())

const pins = () => `/sys/fs/bpf/tanist/${lab.directorName('director')}`
const rules = () => lab.run('director', ['ip', '-4', 'rule', 'list'])
/** Below those that the kernel gives to the flows: a port that a client has at a server already cannot lead there by another address. */
let nextPort = 20_000
/** What the address answers to a new client; what curl's exit status is when it does not. */
const ask = (place: string): string | number => {
  try {
    const port = String(nextPort++)
    return lab.run('client', ['curl', '-s', '-m', '3', '--local-port', port, `http://${place}/`]).trim()
  } catch (error) {
    return Number((error as { status?: number }).status)
  }
}
/** curl: connection refused, by the director's own stack. */
const REFUSED = 7

describe('a stop in order and the next start', () => {
  test(
    'lose no packet, break and move no connection, and keep what was made by hand',
    { timeout: 120_000 },
    async () => {
      expect(director.ipvsadm(`ipvsadm -A -t ${BY_HAND} -s rr`).status).toBe(0)
      expect(director.ipvsadm(`ipvsadm -a -t ${BY_HAND} -r 192.168.1.11:80 -m -w 3`).status).toBe(0)
      const saved = director.ipvsadm('ipvsadm-save -n').stdout
      expect(saved).toContain(`-a -t ${BY_HAND} -r 192.168.1.11:80 -m -w 3`)
      expect(ask(BY_HAND)).toBe('rs11')
      director.ipvsadm('ipvsadm -Z')
      expect(ask(BY_HAND)).toBe('rs11')
      const counted = director
        .ipvsadm('ipvsadm -Ln --stats')
        .stdout.split('\n')
        .find((line) => line.includes(BY_HAND))
      const probe = await startProbe(lab, 'client', VIP, 7)
      const flows = await startFlows(lab, 'client', VIP, FLOWS)
      await probe.report()
      for (let round = 0; round < 3; round++) {
        // oxlint-disable no-await-in-loop -- one after the other
        await director.stop()
        expect([ask(BY_HAND), ask(MARKED)]).toEqual(['rs11', 'rs11'])
        expect(rules()).toContain('fwmark 0xa')
        await director.start()
        // oxlint-enable no-await-in-loop
      }
      let answered = 0
      expect(await flows.report()).toMatchObject({ broken: 0, moved: 0 })
      await until('an answer to every connection', async () => {
        const report = await flows.report()
        expect(report).toMatchObject({ broken: 0, moved: 0 })
        return (answered += report.answered) > 2 * FLOWS
      })
      const { sent, lost } = await probe.report()
      expect(sent).toBeGreaterThan(1000)
      expect(lost).toBe(0)
      expect(director.ipvsadm('ipvsadm-save -n').stdout).toBe(saved)
      const now = director
        .ipvsadm('ipvsadm -Ln --stats')
        .stdout.split('\n')
        .find((line) => line.includes(BY_HAND))
      // Totals go on from the zero that was set; three more connections were made.
      expect(counted).toMatch(/ 1 +\d+/)
      expect(now).toMatch(/ 4 +\d+/)
      expect(director.logText().match(/took over the running forwarding core/g)).toHaveLength(3)
    },
  )

  test('a server that was down gets no traffic before it was checked', async () => {
    const server = async () => (await director.status()).services[0]?.servers[2]
    await servers[2]?.stop()
    await until('the check to see it', async () => (await server())?.state === 'down')
    const before = await server()
    const requests = await startRequests(lab, 'client', VIP, 20)
    await until('requests without it', async () => {
      const { answered, failed } = await requests.report()
      return Object.keys(failed).length === 0 && Object.keys(answered).length === 2
    })
    director.configure(SLOW)
    await requests.report()
    await director.stop()
    await director.start()
    expect(await server()).toMatchObject({ state: 'down', reason: before?.reason, since: before?.since })
    // Two of three servers keep a quorum of 3 with hysteresis 1, but would not gain it.
    expect((await director.status()).services[0]?.quorum).toBe('up')
    let answered = 0
    await until('requests after the start', async () => {
      const report = await requests.report()
      expect(report.failed).toEqual({})
      return (answered += report.answered['rs11'] ?? 0) > 50
    })
    director.configure(CONFIG)
    await director.reload()
    await servers[2]?.start()
    await until('the check to see it again', async () => (await server())?.state === 'up')
  })
})

describe('without a daemon', () => {
  test('the core is inert after the grace: everything goes to the director itself, until the next start', async () => {
    await director.stop()
    director = new DirectorHost(lab, 'director', CONFIG, ['--grace', '1.5'])
    await director.start()
    expect(ask(VIP)).toMatch(/^rs1[123]$/)
    const stopping = performance.now() // before the grace begins
    await director.stop()
    const first = ask(VIP)
    if (performance.now() - stopping < 1000) expect(first).toMatch(/^rs1[123]$/)
    await until('the core to be inert', () => ask(VIP) === REFUSED)
    expect(performance.now() - stopping).toBeGreaterThan(1500)
    expect([ask(BY_HAND), ask(MARKED)]).toEqual([REFUSED, REFUSED])
    await director.start()
    expect([ask(VIP), ask(BY_HAND), ask(MARKED)]).toEqual([expect.stringMatching(/^rs1[123]$/), 'rs11', 'rs11'])
  })

  test.each([['tcx'], ['clsact']])('--release --now takes everything away, but not from a daemon: %s', async (hook) => {
    await director.stop()
    director = new DirectorHost(lab, 'director', CONFIG, ['--hook', hook])
    await director.start()
    expect(() => director.release('--now')).toThrow(/a tanistd named \S+ is running; stop it first/)
    expect(ask(VIP)).toMatch(/^rs1[123]$/)
    await director.stop()
    expect(existsSync(`${pins()}/v${LAYOUT_VERSION}`)).toBe(true)
    director.release()
    expect(ask(VIP)).toMatch(/^rs1[123]$/)
    director.release('--now')
    expect(existsSync(pins())).toBe(false)
    expect(lab.run('director', ['tc', 'filter', 'show', 'dev', 'eth0', 'ingress'])).not.toContain('tanist')
    expect(rules()).not.toContain('fwmark')
    expect(lab.run('director', ['ip', '-o', 'link'])).not.toContain('tanist-mark')
    expect([ask(VIP), ask(MARKED)]).toEqual([REFUSED, REFUSED])
  })

  test('--grace 0 takes the core away with the stop', async () => {
    director = new DirectorHost(lab, 'director', CONFIG, ['--grace', '0'])
    await director.start()
    expect(ask(VIP)).toMatch(/^rs1[123]$/)
    await director.stop()
    expect(existsSync(pins())).toBe(false)
    expect(ask(VIP)).toBe(REFUSED)
  })
})
