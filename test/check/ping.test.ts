import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from '../../src/check/health.ts'
import { Lab } from '../support/lab.ts'
import type { PingOrder, PingReport } from '../support/ping-process.ts'

const lab = new Lab()
afterAll(() => lab.destroy())

beforeAll(() => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('server', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.addHost('silent', [{ switch: 'lan', address: '10.0.0.4/24' }])
  lab.run('silent', ['sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1'])
  // Routers ration their errors; this one does not.
  lab.run('server', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.icmp_ratelimit=0'])
  lab.ip('server', ['route add unreachable 10.5.0.0/16', 'route add prohibit 10.6.0.0/16'])
  lab.ip('director', [
    'addr add fd00::1/64 dev eth0 nodad',
    'route add 10.5.0.0/16 via 10.0.0.2',
    'route add 10.6.0.0/16 via 10.0.0.2',
  ])
  lab.ip('server', ['addr add fd00::2/64 dev eth0 nodad'])
  // The kernel asks three times for a neighbour; here quickly.
  for (const family of ['ipv4', 'ipv6']) {
    lab.run('director', ['sysctl', '-qw', `net.${family}.neigh.eth0.retrans_time_ms=100`])
  }
})

async function start(as?: 'nobody' | 'unprepared', by: readonly string[] = []): Promise<ChildProcess> {
  const process = lab.fork('director', 'ping-process.ts', as === undefined ? [] : [as], by)
  await once(process, 'message')
  return process
}

async function ask(process: ChildProcess, order: Partial<PingOrder>): Promise<PingReport> {
  process.send({ addresses: [], times: 1, rounds: 1, everyMs: 0, timeoutMs: 20_000, ...order } satisfies PingOrder)
  const [report] = (await once(process, 'message')) as [PingReport]
  return report
}

const ping = async (process: ChildProcess, address: string, timeoutMs = 20_000): Promise<Answer | undefined> =>
  (await ask(process, { addresses: [address], timeoutMs })).answers[0]

describe.each<[string, 'nobody' | 'unprepared' | undefined, string]>([
  ['root', undefined, '1 0'],
  ['nobody, by sockets that were opened before', 'nobody', '1 0'],
  ['nobody, by sockets of ICMP datagrams', 'unprepared', '0 2147483647'],
])('%s', (_name, as, range) => {
  let process: ChildProcess
  beforeAll(async () => {
    lab.run('director', ['sysctl', '-qw', `net.ipv4.ping_group_range=${range}`])
    process = await start(as)
  })

  test.each(['10.0.0.2', 'fd00::2', '127.0.0.1', '::1'])('%s answers', async (address) => {
    expect(await ping(process, address)).toMatchObject({
      up: true,
      reason: expect.stringMatching(/^echo reply after \d+\.\d\d ms$/),
    })
  })

  test('who does not answer is down at the deadline, which may be a fraction of a second', async () => {
    const answer = await ping(process, '10.0.0.4', 350)
    expect(answer).toMatchObject({ up: false, reason: 'no echo reply from 10.0.0.4 within 0.35 s' })
    expect(answer?.duration).toBeGreaterThanOrEqual(345)
    expect(answer?.duration).toBeLessThan(1350)
  })

  test.each([
    ['10.0.0.9', 'host unreachable, says 10.0.0.1'],
    ['fd00::9', 'host unreachable, says fd00::1'],
    ['10.5.0.1', 'host unreachable, says 10.0.0.2'],
    ['10.6.0.1', /^(prohibited|host unreachable), says 10\.0\.0\.2$/],
    ['10.9.9.9', 'network unreachable, says this host'],
    ['fd01::9', 'network unreachable, says this host'],
  ])('%s cannot be reached, which is told long before the deadline', async (address, reason) => {
    const answer = await ping(process, address)
    expect(answer).toMatchObject({
      up: false,
      reason: reason instanceof RegExp ? expect.stringMatching(reason) : reason,
    })
    expect(answer?.duration).toBeLessThan(10_000)
  })

  test('errors of some are not told to others', async () => {
    const addresses = ['10.0.0.2', '10.0.0.9', '10.5.0.1', '10.0.0.2']
    const { answers } = await ask(process, { addresses, rounds: 50, everyMs: 20, timeoutMs: 3000 })
    const up = answers.map((answer) => answer.up)
    expect(up).toEqual(Array.from({ length: 50 }, () => [true, false, false, true]).flat())
  })
})

test('nobody without a socket asks by the program', async () => {
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ping_group_range=1 0'])
  const process = await start('unprepared')
  expect(await ping(process, '10.0.0.2')).toMatchObject({
    up: true,
    reason: expect.stringMatching(/^echo reply after/),
  })
  const answer = await ping(process, '10.0.0.4', 900)
  expect(answer).toMatchObject({ up: false, reason: 'no echo reply from 10.0.0.4 within 1 s' })
  // The program counts whole seconds.
  expect(answer?.duration).toBeGreaterThanOrEqual(895)
  expect(answer?.duration).toBeLessThan(2000)
})

test.each([
  ['other data', ', but a reply with other data'],
  ['less data', ', but a reply with other data'],
  ['no data', ', but a reply with other data'],
  ['other address', ', but a reply from 10.0.0.3'],
  ['other identifier', ''],
  ['other sequence', ''],
  ['short', ''],
  ['other data, a thousand times', ', but a reply with other data'],
])('a reply with %s is none', async (way, but) => {
  const responder = lab.fork('silent', 'echo-process.ts', [way])
  await once(responder, 'message')
  const process = await start('nobody')
  const reason = `no echo reply from 10.0.0.4 within 1.5 s${but}`
  const answer = await ping(process, '10.0.0.4', 1500)
  responder.kill()
  expect(answer).toMatchObject({ up: false, reason })
  expect(answer?.duration).toBeGreaterThanOrEqual(1495)
  expect(answer?.duration).toBeLessThan(2500)
})

test('what this host itself does not let out says nothing of the server', async () => {
  const drop = 'add rule ip t c ip daddr 10.0.0.2 drop'
  lab.run('director', ['nft', `add table ip t; add chain ip t c { type filter hook output priority 0; }; ${drop}`])
  const answer = await ping(await start('nobody'), '10.0.0.2', 400)
  lab.run('director', ['nft', 'delete table ip t'])
  // What is undefined is left out on the way here.
  expect(answer).toEqual({ reason: 'cannot send: EPERM', duration: expect.any(Number) })
})

test('a thousand a second cost little', async () => {
  const process = await start('nobody')
  const { answers, cpu } = await ask(process, { addresses: ['10.0.0.2'], times: 10, rounds: 300, everyMs: 10 })
  expect(answers.filter(({ up }) => up === true)).toHaveLength(3000)
  console.log(`3000 pings in 3 s took ${cpu.toFixed(0)} ms of CPU`)
  expect(cpu).toBeLessThan(1500)
})
