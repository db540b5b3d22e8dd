import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import type { BfdSnapshot } from '../../../src/control/snapshot.ts'
import { TrackedChecks } from '../../../src/daemon/director/tracked-checks.ts'
import type { Verdict } from '../../../src/daemon/messages.ts'
import type { TrackerResult } from '../../../src/model/tracking.ts'
import { surroundings } from '../../support/surroundings.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const load = (factor: string, bfd = true) => {
  const text = `track_file f {
  file /run/f
}
bfd_instance b {
  neighbor_ip 10.1.0.1
  checker
}
virtual_server 10.0.0.1 80 {
  protocol TCP
  real_server 10.1.0.1 80 {
    FILE_CHECK {
      track_file f
      ${factor}
    }
    BFD_CHECK {
      name b
    }
  }
}
`
  const { config } = loadConfig({ name: 'x', text }, surroundings())
  if (config === undefined) throw new Error('refused')
  const bfdSessions = config.bfdSessions.map((session) => ({ ...session, enabled: bfd }))
  return { ...config, bfdSessions }
}
const number = (value: number): TrackerResult => ({
  kind: 'file',
  name: 'f',
  value: { type: 'number', value },
  detail: `${value} in /run/f`,
  at: 0,
})
const session = (state: BfdSnapshot['state'], wentUp = 0, diagnostic = 0): BfdSnapshot => ({
  name: 'b',
  neighbour: load('').bfdSessions[0]?.neighbour ?? expect.unreachable(),
  source: undefined,
  multihop: false,
  state,
  since: '',
  diagnostic,
  transmitMs: 1000,
  detectMs: undefined,
  minTxMs: 10,
  minRxMs: 10,
  multiplier: 5,
  discriminator: 1,
  port: 49_152,
  remote: { state: 'down', diagnostic: 0, discriminator: 0, demand: false, minTxMs: 10, minRxMs: 10, multiplier: 5 },
  packetsSent: 0,
  packetsReceived: 0,
  wentUp,
  wentDown: 0,
  dropped: {},
})
const begin = (factor = '', bfd = true) => {
  const judged: Verdict[] = []
  const tracked = new TrackedChecks(load(factor, bfd), (verdict) => judged.push(verdict))
  const said = (kind: string) =>
    judged
      .filter(({ id }) => id.endsWith(kind))
      .map(({ up, weight, reason }) => [up, weight?.type === 'add' ? weight.value : undefined, reason])
  return { tracked, file: () => said('FILE_CHECK'), bfd: () => said('BFD_CHECK') }
}

test('a number is told once, and again when a reload has another factor for it', () => {
  const { tracked, file } = begin()
  tracked.track([number(5)])
  tracked.track([number(5)])
  tracked.configure(load(''))
  tracked.configure(load('weight 3'))
  tracked.configure(load('weight 0'))
  tracked.track([number(0)])
  expect(file()).toEqual([
    [true, 5, '5 in /run/f'],
    [true, 15, '5 in /run/f'],
    [false, undefined, '5 in /run/f'],
    [true, undefined, '0 in /run/f'],
  ])
})

test('a checker that a reload puts in the place of another speaks for itself, also when it says the same', () => {
  const { tracked, file } = begin()
  const g: TrackerResult = { ...number(5), name: 'g' }
  tracked.track([number(5), g])
  const config = load('')
  const trackers = {
    ...config.scripts.trackers,
    files: config.scripts.trackers.files.map((each) => ({ ...each, name: 'g' })),
  }
  const virtualServers = config.virtualServers.map((server) => ({
    ...server,
    realServers: server.realServers.map((real) => ({
      ...real,
      checks: real.checks.map((check) => (check.type === 'FILE_CHECK' ? { ...check, file: 'g' } : check)),
    })),
  }))
  tracked.configure({ ...config, scripts: { ...config.scripts, trackers }, virtualServers })
  expect(file()).toEqual([
    [true, 5, '5 in /run/f'],
    [true, 5, '5 in /run/f'],
  ])
})

test('a session that has not been up has three intervals to come up, one that was has none', () => {
  const { tracked, bfd } = begin()
  tracked.follow([session('down')])
  vi.advanceTimersByTime(2900)
  tracked.follow([session('init')])
  expect(bfd()).toEqual([])
  vi.advanceTimersByTime(200)
  tracked.follow([session('down')])
  tracked.follow([session('up', 1)])
  tracked.follow([session('down', 1, 1)])
  tracked.follow([session('admin-down', 1, 7)])
  expect(bfd()).toEqual([
    [false, undefined, 'Down, not up yet'],
    [true, undefined, 'Up'],
    [false, undefined, 'Down: Control Detection Time Expired'],
  ])
})

test('a session that comes up in time is never down, and one that is not run is', () => {
  const { tracked, bfd } = begin()
  tracked.follow([session('down')])
  tracked.follow([session('up', 1)])
  expect(bfd()).toEqual([[true, undefined, 'Up']])
  const without = begin('', false)
  without.tracked.follow([])
  expect(without.bfd()).toEqual([[false, undefined, 'not run: --no_bfd']])
})
