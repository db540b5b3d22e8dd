import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AddressEvents } from '../support/address-events.ts'
import { until } from '../support/lab.ts'
import { buildPair, type Pair } from '../support/pair.ts'
import { longestGap, type ProbeReport, type Reporter, startProbe } from '../support/reporter.ts'

/** An orderly stop of an active director: first somebody else has the addresses, then they go. */
const SKEW_MS = (156 / 256) * 1000
/** That a master renews them. */
const LEASED = /valid_lft [1-5]sec/
const INSIDE = '192.168.10.254'

let pair: Pair
let probe: Reporter<ProbeReport>
const [active, standby] = [() => pair.directors[0], () => pair.directors[1]]
const lifetimes = () => pair.lab.run('director1', ['ip', '-4', '-o', 'address', 'show', 'to', `${pair.vip}/32`])

beforeAll(async () => {
  pair = await buildPair('nat')
  await Promise.all(pair.directors.map((director) => director.start()))
  await active().untilState('master')
  await standby().untilState('backup')
  probe = await startProbe(pair.lab, 'client', pair.vip, 7)
  await sleep(1000)
})
afterAll(() => pair.lab.destroy())

test('beside a peer the addresses are never away, and go from here as soon as the peer advertises', async () => {
  const gaps: number[] = []
  const lost: number[] = []
  const left: number[] = []
  for (let i = 0; i < 5; i++) {
    await probe.report()
    const begin = performance.now()
    await active().stop()
    left.push(performance.now() - begin)
    expect(active().addresses()).not.toContain(pair.vip)
    expect(active().addresses()).not.toContain(INSIDE)
    expect(standby().addresses()).toEqual(expect.arrayContaining([pair.vip, INSIDE]))
    await sleep(500)
    const report = await probe.report()
    gaps.push(longestGap(report))
    lost.push(report.lost)
    await active().start()
    await active().untilState('master')
    await standby().untilState('backup')
  }
  const middle = gaps.toSorted((a, b) => a - b)[2] ?? Infinity
  const list = (values: readonly number[]) => values.map(Math.round).join(', ')
  process.stdout.write(`hand-over: gaps ${list(gaps)} ms, lost ${list(lost)}, left after ${list(left)} ms\n`)
  // At worst it could be the skew time, for which nobody had the addresses before.
  expect(middle).toBeLessThan(SKEW_MS / 4)
})

test('alone they stay, are away at no time of a restart, and are for good afterwards', async () => {
  await standby().stop()
  const events = await AddressEvents.start(pair.lab, 'director1')
  await active().stop()
  expect(lifetimes()).toMatch(/valid_lft (\d|10)sec/)
  // What systemd runs after a stop lets them be.
  active().release()
  expect(active().addresses()).toEqual(expect.arrayContaining([pair.vip, INSIDE]))
  await active().start()
  await active().untilState('master')
  expect(lifetimes()).toMatch(LEASED)
  // Longer than they would have stayed.
  await sleep(12_000)
  expect(events.list().filter((each) => each.startsWith('deleted'))).toEqual([])
  expect(active().addresses()).toEqual(expect.arrayContaining([pair.vip, INSIDE]))
  events.stop()
})

test('alone they go by themselves when nothing starts again', async () => {
  await active().stop()
  expect(active().addresses()).toEqual(expect.arrayContaining([pair.vip, INSIDE]))
  const gone = () => [pair.vip, INSIDE].every((address) => !active().addresses().includes(address))
  await until('the kernel to remove the addresses', gone, 20_000)
  await active().start()
  await active().untilState('master')
})

test('for a vrrp process that hangs the director gives its addresses up', async () => {
  process.kill(await active().pidOf('vrrp'), 'SIGSTOP')
  await active().stop()
  expect(active().logText()).toContain('the vrrp process did not stop in order')
  const gone = () => [pair.vip, INSIDE].every((address) => !active().addresses().includes(address))
  await until('the kernel to take them away', gone)
  await active().start()
  await active().untilState('master')
})

test('a successor that comes later ends what was left', async () => {
  await active().stop()
  expect(active().addresses()).toContain(pair.vip)
  await standby().start()
  await standby().untilState('master')
  await active().start()
  await active().untilState('master')
  await standby().untilState('backup')
  expect(standby().addresses()).not.toContain(pair.vip)
  expect(lifetimes()).toMatch(LEASED)
})
