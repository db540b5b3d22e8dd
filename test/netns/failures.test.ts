import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/lab.ts'
import { buildPair, type Pair } from '../support/pair.ts'
import {
  longestGap,
  startProbe,
  type FlowsReport,
  type ProbeReport,
  type Reporter,
  startFlows,
} from '../support/reporter.ts'

/** Skew time of priority 100 at adverts of 1 s. */
const SKEW_MS = (156 / 256) * 1000

/** Files of a pair that is in force at the start of every test. */
let pair: Pair
let probe: Reporter<ProbeReport>
let flows: Reporter<FlowsReport>
const [active, standby] = [() => pair.directors[0], () => pair.directors[1]]

beforeAll(async () => {
  pair = await buildPair('nat')
  await Promise.all(pair.directors.map((director) => director.start()))
  await active().untilState('master')
  await standby().untilState('backup')
  probe = await startProbe(pair.lab, 'client', pair.vip, 7)
  flows = await startFlows(pair.lab, 'client', pair.vip, 1000)
  await sleep(1000)
})
afterAll(() => pair.lab.destroy())

describe('reload, with 1000 packets a second and 1000 established connections', () => {
  const untouched = { broken: 0, moved: 0 }

  test.each([
    ['of the same file', (text: string) => text],
    ['with another weight', (text: string) => text.replace('weight 1\n', 'weight 5\n')],
    ['with one server less', (text: string) => text.replace(/real_server 192.168.10.12 7 \{[^}]*\}[^}]*\}/, '')],
  ])('%s loses nothing and moves nothing', async (_name, change) => {
    await probe.report()
    await flows.report()
    active().configure(change(readFileSync(active().file, 'utf8')))
    const adverts = (await active().status()).instances[0]?.advertsSent ?? 0
    for (let i = 0; i < 5; i++) expect(await active().reload()).toEqual([])
    let [sent, answered] = [0, 0]
    await until('1000 more packets and answers', async () => {
      const report = await probe.report()
      expect(report.lost).toBe(0)
      const { answered: more, ...rest } = await flows.report()
      expect(rest).toEqual(untouched)
      sent += report.sent
      answered += more
      return sent > 1000 && answered > 1000
    })
    const advertsNow = async () => (await active().status()).instances[0]?.advertsSent ?? 0
    await until('an advert', async () => (await advertsNow()) > adverts)
    expect((await standby().status()).instances.map(({ state }) => state)).toEqual(['backup', 'backup'])
  })

  test('of a bad file is refused with the place, and everything stays', async () => {
    const good = readFileSync(active().file, 'utf8')
    await probe.report()
    active().configure(
      good.replace('virtual_router_id 51', 'virtual_router_id 1051').replace('protocol TCP', 'protocl TCP'),
    )
    const errors = await active().reload()
    expect(errors.join('\n')).toMatch(/director1\.conf:\d+:\d+: error\[bad-value\]/)
    expect(errors.join('\n')).toContain('did you mean `protocol`?')
    expect(active().tanist('reload')).toMatchObject({ status: 1, stdout: '', stderr: `${errors.join('\n')}\n` })
    active().configure(good)
    const status = await active().status()
    expect(status.configuration.refused).toEqual(errors)
    expect(status.instances.map(({ state }) => state)).toEqual(['master', 'master'])
    expect(active().tanist('reload')).toEqual({ status: 0, stdout: 'reloaded\n', stderr: '' })
    await sleep(300)
    expect((await probe.report()).lost).toBe(0)
  })
})

test('tanist status says who is master, who serves, and why', async () => {
  const { stdout } = active().tanist('status')
  expect(stdout).toMatch(
    // Its peer may have started sooner, and been master until then.
    /^outside +MASTER +\d+ s +150 +eth0 +51 \(v3\) +172\.18\.100\.6\/16 +(no adverts from a master|higher priority than 172\.18\.100\.2 \(100\))$/m,
  )
  expect(stdout).toMatch(/^\[172\.18\.100\.6\]:tcp:80 wrr NAT +quorum up/m)
  expect(stdout).toMatch(/^ +\[192\.168\.10\.12\]:80 +UP .* status 200$/m)
  expect(standby().tanist('status').stdout).toMatch(/^172\.18\.100\.1 +outside +150 /m)
  expect(JSON.parse(active().tanist('status', '--json').stdout)).toMatchObject({ name: (await active().status()).name })
})

describe('kill -9', () => {
  test('of the vrrp process of the active director costs no more than the skew time', async () => {
    await probe.report()
    const before = await active().pidOf('vrrp')
    process.kill(before, 'SIGKILL')
    await until('a new vrrp process that is master', async () => {
      const { processes, instances } = await active().status()
      const vrrp = processes.find(({ role }) => role === 'vrrp')
      return (
        vrrp?.restarts === 1 && vrrp.pid !== before && instances.every(({ reason }) => reason.startsWith('adopted'))
      )
    })
    await sleep(4000)
    expect((await standby().status()).instances.map(({ state }) => state)).toEqual(['backup', 'backup'])
    expect(longestGap(await probe.report())).toBeLessThan(SKEW_MS)
    expect(active().addresses()).toEqual(expect.arrayContaining([pair.vip, '192.168.10.254']))
  })

  test('of the check process loses no packet, and the checks go on', async () => {
    await probe.report()
    process.kill(await active().pidOf('check'), 'SIGKILL')
    const web = pair.servers[2]
    await web?.stop()
    const third = async () => (await active().status()).services[0]?.servers[2]?.state
    await until('the new check process to notice a dead server', async () => (await third()) === 'down', 20_000)
    await web?.start()
    await until('the server to be back', async () => (await third()) === 'up', 20_000)
    expect((await probe.report()).lost).toBe(0)
  })

  test('of the parent: its children leave in order, and one director has the addresses', async () => {
    await probe.report()
    process.kill(await active().pidOf('director'), 'SIGKILL')
    await standby().untilState('master')
    expect(active().addresses()).not.toContain(pair.vip)
    expect(active().addresses()).not.toContain('192.168.10.254')
    expect(standby().addresses()).toEqual(expect.arrayContaining([pair.vip, '192.168.10.254']))
    await sleep(500)
    expect(longestGap(await probe.report())).toBeLessThan(SKEW_MS * 1.5)
    await active().start()
    await active().untilState('master')
  })

  test('of everything where there is no peer: traffic goes on, and a restart takes it over', async () => {
    await standby().stop()
    const usual = readFileSync(active().file, 'utf8')
    active().configure(usual.replaceAll('virtual_router_id', 'vip_lease 60\n    virtual_router_id'))
    expect(await active().reload()).toEqual([])
    await sleep(1000)
    flows = await startFlows(pair.lab, 'client', pair.vip, 200)
    await probe.report()
    await active().killAll()
    await sleep(2000)
    expect(active().addresses()).toContain(pair.vip)
    await active().start()
    await active().untilState('master')
    await sleep(1500)
    const { answered, ...rest } = await flows.report()
    expect(answered).toBeGreaterThan(1000)
    expect(rest).toEqual({ broken: 0, moved: 0 })
    expect((await probe.report()).lost).toBe(0)
    expect(active().logText()).toContain('took over the running forwarding core')
    active().configure(usual)
    expect(await active().reload()).toEqual([])
  })
})

test('what systemd runs after a crash of everything has the addresses go', async () => {
  await active().killAll()
  expect(active().addresses()).toContain(pair.vip)
  active().release()
  const gone = () => [pair.vip, '192.168.10.254'].every((address) => !active().addresses().includes(address))
  await until('the kernel to take the addresses away', gone)
  await active().start()
  await active().untilState('master')
})

test('a second daemon of the same name is refused and disturbs nothing', async () => {
  await expect(active().startAnother()).rejects.toThrow('another tanistd named')
  // What systemd runs next.
  expect(() => active().release()).toThrow(/a tanistd named \S+ is running; stop it first/)
  expect(active().addresses()).toContain(pair.vip)
  expect((await active().status()).instances.map(({ state }) => state)).toEqual(['master', 'master'])
})

describe('others touch what is ours', () => {
  test('a removed virtual address is put back', async () => {
    pair.lab.run('director1', ['ip', 'address', 'delete', `${pair.vip}/16`, 'dev', 'eth0'])
    await until('the address to be back', () => active().addresses().includes(pair.vip), 2000)
    await until('the log to say so', () =>
      active().logText().includes('virtual address was removed by another program'),
    )
  })

  test('a stop and a release leave neither addresses nor programs', async () => {
    await active().stop()
    active().release('--now')
    expect(active().addresses()).not.toContain(pair.vip)
    const attached = pair.lab.run('director1', ['bpftool', 'net', 'show', 'dev', 'eth0'])
    expect(attached).not.toContain('tanist_ingress')
  })
})
