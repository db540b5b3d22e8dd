import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dutiesPath } from '../../src/daemon/director/duties-file.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { buildPair, type Pair } from '../support/pair.ts'
import { longestGap, type ProbeReport, type Reporter, startProbe } from '../support/reporter.ts'

/** What nobody would do without noticing before hand-overs were make before break: the skew time of priority 100. */
const SKEW_MS = (156 / 256) * 1000
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Infinity
const rounded = (values: readonly number[]) => values.map(Math.round).join(', ')

describe('of a pair', () => {
  let pair: Pair
  let probe: Reporter<ProbeReport>
  const [active, standby] = [() => pair.directors[0], () => pair.directors[1]]

  beforeAll(async () => {
    pair = await buildPair('nat')
    await Promise.all(pair.directors.map((director) => director.start()))
    await active().untilState('master')
    await standby().untilState('backup')
    probe = await startProbe(pair.lab, 'client', pair.vip, 7)
    await sleep(1000)
  })
  afterAll(() => pair.lab.destroy())

  test('failover and failback lose nothing', async () => {
    const gaps: { there: number[]; back: number[] } = { there: [], back: [] }
    for (let i = 0; i < 3; i++) {
      await probe.report()
      const there = active().tanist('failover')
      expect(there).toMatchObject({ status: 0, stderr: '' })
      expect(there.stdout).toMatch(/^\S+: 172\.18\.100\.2 is master now, after 0\.\d s$/m)
      await sleep(1500)
      gaps.there.push(longestGap(await probe.report()))
      expect(active().addresses()).not.toContain(pair.vip)
      await active().untilState('backup')
      const back = active().tanist('failback')
      expect(back).toMatchObject({ status: 0, stderr: '' })
      await active().untilState('master')
      await standby().untilState('backup')
      await sleep(1500)
      gaps.back.push(longestGap(await probe.report()))
    }
    process.stdout.write(`failover: gaps ${rounded(gaps.there)} ms; failback: ${rounded(gaps.back)} ms\n`)
    expect(median(gaps.there)).toBeLessThan(SKEW_MS / 4)
    expect(median(gaps.back)).toBeLessThan(SKEW_MS / 4)
  })

  test('maintenance outlives a restart, and whoever has lost its role by it has it again afterwards', async () => {
    const path = dutiesPath(pair.lab.directorName('director1'))
    expect(active().tanist('maintenance', 'on')).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(path)).toBe(true)
    await active().stop()
    await active().start()
    await active().untilState('backup')
    const { maintenance, instances } = await active().status()
    expect([maintenance, ...new Set(instances.map(({ duty }) => duty))]).toEqual([true, 'maintenance'])
    expect(active().tanist('status').stdout).toContain('in maintenance')
    expect(active().tanist('failback')).toMatchObject({ status: 1 })
    // Not even when it is alone.
    await standby().stop()
    await sleep(5000)
    expect(await active().isMaster()).toBe(false)
    expect(active().tanist('maintenance', 'off')).toMatchObject({ status: 0 })
    expect(existsSync(path)).toBe(false)
    await active().untilState('master')
    await standby().start()
    await standby().untilState('backup')
  })

  test('a node with no other to follow stays master, and says so', async () => {
    await standby().stop()
    await active().untilState('master')
    await probe.report()
    const failover = active().tanist('failover')
    expect(failover.status).toBe(1)
    expect(failover.stdout).toMatch(/: nobody has taken over within \d\.\d s; this director is still master$/m)
    expect(active().tanist('maintenance', 'on')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/\nnot in maintenance\n$/),
    })
    const { lost } = await probe.report()
    expect(lost).toBeLessThan(50)
    expect(await active().isMaster()).toBe(true)
  })

  test('a vrrp process that dies while it waits for a successor does not end the request: the next one answers it', async () => {
    const vrrp = await active().pidOf('vrrp')
    const goodbyes = async () =>
      (await active().status()).instances.reduce((sum, each) => sum + each.priorityZeroSent, 0)
    const before = await goodbyes()
    const asked = active().startTanist('maintenance', 'on')
    await until('the vrrp process to be asked', async () => (await goodbyes()) > before)
    process.kill(vrrp, 'SIGKILL')
    const { status, stdout } = await asked
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringMatching(/\nnot in maintenance\n$/) })
    expect(stdout).toMatch(/nobody has taken over/)
    await active().untilState('master')
    await standby().start()
    await standby().untilState('backup')
  })

  test('a reload that gives an instance up leaves its address to the successor', async () => {
    active().configure('global_defs {\n  router_id none\n}\n')
    expect(await active().reload()).toEqual([])
    await standby().untilState('master')
    await until('the address to go', () => !active().addresses().includes(pair.vip))
    await sleep(500)
    // The virtual servers are gone with the reload; the address is what is to be there all the time.
    expect(standby().addresses()).toContain(pair.vip)
  })
})

test('with preempt_after_checks a director that starts takes over when its checks have had a result', async ({
  onTestFinished,
}) => {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  for (const last of [1, 2]) lab.addHost(`d${last}`, [{ switch: 'lan', address: `10.0.0.${last}/24` }])
  const instance = (priority: number) => `vrrp_instance web {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 0.5
  preempt_after_checks
  virtual_ipaddress {
    10.0.0.100/24
  }
}
`
  // Nobody has the server's address: the check has a result when its time is over.
  const server = `virtual_server 10.0.0.100 80 {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  delay_loop 2
  real_server 10.0.0.77 80 {
    TCP_CHECK {
      connect_timeout 6
    }
  }
}
`
  const other = new DirectorHost(lab, 'd2', instance(100))
  await other.start()
  await other.untilState('master')
  const director = new DirectorHost(lab, 'd1', instance(150) + server)
  await director.start()
  const reason = async () => (await director.status()).instances[0]?.reason ?? ''
  await until('the instance to wait', async () =>
    (await reason()).includes('not all checks of this node have had a result'),
  )
  const verdict = async () => (await director.status()).services[0]?.servers[0]?.state
  while ((await verdict()) !== 'down') expect(await director.isMaster()).toBe(false)
  await director.untilState('master')
  await other.untilState('backup')
})

test('with keepalived as the peer nothing is lost, either', async ({ onTestFinished }) => {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  const at = (host: string, last: number) => lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${last}/24` }])
  for (const [i, host] of ['client', 'tanist', 'keepalived'].entries()) at(host, i + 1)
  const config = (priority: number) => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 1
  virtual_ipaddress {
    10.0.0.100/24
  }
}
`
  for (const host of ['tanist', 'keepalived']) lab.fork(host, 'udp-echo.ts', ['7'])
  const tanist = new DirectorHost(lab, 'tanist', config(150))
  const keepalived = new KeepalivedHost(lab, 'keepalived', config(100))
  keepalived.start()
  await tanist.start()
  await tanist.untilState('master')
  const probe = await startProbe(lab, 'client', '10.0.0.100', 7)
  await sleep(6000) // its second block of announcements
  const gaps: number[] = []
  for (let i = 0; i < 3; i++) {
    await probe.report()
    expect(tanist.tanist('failover')).toMatchObject({ status: 0, stderr: '' })
    await until('keepalived to have the address', () => keepalived.has('10.0.0.100'))
    await sleep(1000)
    gaps.push(longestGap(await probe.report()))
    expect(tanist.addresses()).not.toContain('10.0.0.100')
    expect(tanist.tanist('failback')).toMatchObject({ status: 0 })
    await tanist.untilState('master')
    await until('keepalived to have it no more', () => !keepalived.has('10.0.0.100'))
    await sleep(500)
  }
  process.stdout.write(`failover to keepalived: gaps ${rounded(gaps)} ms\n`)
  expect(median(gaps)).toBeLessThan(SKEW_MS / 4)
})
