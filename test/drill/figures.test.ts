import { describe, expect, test } from 'vitest'
import { interval } from '../../src/drill/intervals.ts'
import { FIGURES } from '../../src/drill/language/conditions.ts'
import type { ConnectionsRecord, RecordedEvent, RequestsRecord } from '../../src/drill/recording.ts'
import { millis } from '../../src/time.ts'
import { address, AT_FIRST, call, judged, log, probe, sample } from './recordings.ts'

test('every example of a figure can be judged', () => {
  for (const { example } of Object.values(FIGURES)) {
    expect(judged(example)).toMatchObject({ text: example, of: 'claim', found: expect.stringMatching(/./) })
  }
})

describe('outage', () => {
  const beside = (gaps: readonly (readonly [number, number])[]) => probe(gaps, [], { by: 'beside' })

  test('holds for gaps that are as long as they may be', () => {
    expect(judged('outage: takeover', { traffic: [probe([[2000, 3205]])] })).toEqual({
      text: 'outage: takeover',
      of: 'claim',
      holds: true,
      found: 'longest gap 3205 ms of at most 3800 ms',
    })
    expect(judged('outage: 0 ms')).toMatchObject({ holds: true, found: 'no gap of at most 0 ms' })
  })

  test('does not for a longer one, of any probe', () => {
    const traffic = [probe([[2000, 50]]), probe([[3000, 101]], [], { by: 'icmp' })]
    expect(judged('outage: 100 ms', { traffic })).toMatchObject({ holds: false })
  })

  test('is that of the part, and a gap that reaches into it counts as a whole', () => {
    const traffic = [probe([[2000, 500]])]
    expect(judged('outage: 100 ms', { traffic }, interval(3000, 9000)).holds).toBe(true)
    expect(judged('outage: 100 ms', { traffic }, interval(2400, 9000)).holds).toBe(false)
    expect(judged('outage: 100 ms', { traffic }, interval(1000, 2100)).holds).toBe(false)
  })

  test('allows what the machine itself has done in the gap, once', () => {
    const stalled = [probe([[2000, 140]], [[2010, 50]]), beside([[2020, 50]])]
    expect(judged('outage: 100 ms', { traffic: stalled })).toMatchObject({
      holds: true,
      found: 'longest gap 140 ms of at most 100 ms and 60 ms of noise of this machine',
    })
    expect(judged('outage: 70 ms', { traffic: stalled }).holds).toBe(false)
  })

  test('is that of the gap that is longest without its noise', () => {
    const traffic = [
      probe(
        [
          [2000, 300],
          [5000, 150],
        ],
        [[2000, 250]],
      ),
    ]
    expect(judged('outage: 100 ms', { traffic })).toMatchObject({
      holds: false,
      found: 'longest gap 150 ms of at most 100 ms',
    })
  })

  test('does not allow for noise elsewhere, and says nothing of a little', () => {
    expect(judged('outage: 100 ms', { traffic: [probe([[2000, 140]]), beside([[5000, 500]])] }).holds).toBe(false)
    const { found } = judged('outage: 100 ms', { traffic: [probe([[2000, 140]], [[2010, 6]])] })
    expect(found).not.toContain('noise')
  })

  test('is to be so long at least where that is said', () => {
    const claim = 'outage: { at most: 5 s, at least: 1 s }'
    expect(judged(claim, { traffic: [probe([[2000, 1200]])] }).holds).toBe(true)
    expect(judged(claim, { traffic: [probe([[2000, 900]])] }).holds).toBe(false)
  })

  test('cannot be told when no probe saw all of the part', () => {
    const of = (change: Parameters<typeof probe>[2]) => judged('outage: 1 s', { traffic: [probe([], [], change)] })
    expect(judged('outage: 1 s', { traffic: [] })).toMatchObject({
      holds: undefined,
      found: 'no probe ran through the directors',
    })
    expect(of({ by: 'beside' }).holds).toBeUndefined()
    expect(of({ sent: 0 }).holds).toBeUndefined()
    expect(of({ to: millis(5000) })).toMatchObject({
      holds: undefined,
      found: 'the udp probe ended 4000 ms before the end of this part',
    })
    expect(of({ from: millis(5000) }).holds).toBeUndefined()
    expect(of({ isCut: true }).holds).toBeUndefined()
  })

  test('has failed although not all gaps were kept', () => {
    expect(judged('outage: 1 s', { traffic: [probe([[2000, 1200]], [], { isCut: true })] }).holds).toBe(false)
  })
})

describe('lost probes', () => {
  test('are counted in the part', () => {
    const traffic = [
      probe([
        [2000, 3],
        [9500, 40],
      ]),
    ]
    expect(judged('lost: 3', { traffic })).toMatchObject({ holds: true, found: '3 lost probes, of at most 3' })
    expect(judged('lost: 2', { traffic }).holds).toBe(false)
    expect(judged('lost: { at most: 10, at least: 4 }', { traffic }).holds).toBe(false)
  })

  test('are fewer by those that were lost past the directors', () => {
    const traffic = [probe([[2000, 30]]), probe([[2000, 6]], [], { by: 'beside', periodMs: 5 })]
    expect(judged('lost: none', { traffic })).toMatchObject({ holds: true })
    expect(judged('lost: none', { traffic: [probe([[2000, 31]]), ...traffic.slice(1)] })).toMatchObject({
      holds: false,
      found: '31 lost probes, less 30 that were lost past the directors, too, of at most 0',
    })
  })

  test('cannot be told without a probe', () => {
    expect(judged('lost: none', { traffic: [] }).holds).toBeUndefined()
  })
})

const requests = (...outcomes: readonly (readonly [at: number, by: string, failure?: string])[]): RequestsRecord => ({
  type: 'requests',
  target: '10.0.0.100:80',
  outcomes: outcomes.map(([at, by, failure]) => ({
    at: millis(at),
    ms: 1,
    by: failure === undefined ? by : undefined,
    failure,
  })),
})

const many = (...counts: readonly number[]) =>
  requests(...counts.flatMap((count, i) => Array.from({ length: count }, () => [2000, `server ${i + 1}`] as const)))

describe('failed requests', () => {
  const traffic = [requests([500, '', 'reset'], [2000, 'server 1'], [3000, '', 'refused'], [4000, '', 'refused'])]

  test('are counted in the part', () => {
    expect(judged('failed requests: 2', { traffic })).toMatchObject({
      holds: true,
      found: '2 failed requests (refused: 2) of 3, and of at most 2',
    })
    expect(judged('failed requests: 1', { traffic }).holds).toBe(false)
  })

  test('cannot be told without requests', () => {
    expect(judged('failed requests: none')).toMatchObject({
      holds: undefined,
      found: 'no requests were made in this part',
    })
  })
})

describe('answered by', () => {
  test('holds when these servers and no others have answered', () => {
    expect(judged('answered by: [server 1, server 3]', { traffic: [many(2, 0, 1)] })).toMatchObject({
      holds: true,
      found: 'answered by server 1 (2), server 3 (1)',
    })
    expect(judged('answered by: all', { traffic: [many(2, 1, 1)] }).holds).toBe(true)
  })

  test('does not when one is missing or another one has answered', () => {
    expect(judged('answered by: all', { traffic: [many(2, 0, 1)] })).toMatchObject({
      holds: false,
      found: 'answered by server 1 (2), server 3 (1); none by server 2',
    })
    expect(judged('answered by: server 1', { traffic: [many(2, 0, 1)] }).holds).toBe(false)
  })

  test('cannot be told when nobody has answered', () => {
    expect(judged('answered by: all', { traffic: [requests([2000, '', 'reset'])] }).holds).toBeUndefined()
    expect(judged('answered by: all').holds).toBeUndefined()
  })
})

describe('not answered by', () => {
  test('holds when others have answered, and none of these', () => {
    expect(judged('not answered by: server 2', { traffic: [many(2, 0, 1)] })).toMatchObject({
      holds: true,
      found: 'answered by server 1 (2), server 3 (1)',
    })
    expect(judged('not answered by: [server 2, server 3]', { traffic: [many(2, 0, 1)] }).holds).toBe(false)
    expect(judged('not answered by: all', { traffic: [many(1)] }).holds).toBe(false)
  })

  test('cannot be told when nobody has answered', () => {
    expect(judged('not answered by: server 2', { traffic: [requests([2000, '', 'reset'])] }).holds).toBeUndefined()
    expect(judged('not answered by: server 2').holds).toBeUndefined()
  })
})

describe('share', () => {
  test('holds when each server has its part, but for so many answers', () => {
    expect(judged('share: 1:2:3', { traffic: [many(10, 20, 30)] })).toMatchObject({
      holds: true,
      found: 'server 1 10 of 10, server 2 20 of 20, server 3 30 of 30; 4 off at most',
    })
    expect(judged('share: 1:2:3', { traffic: [many(14, 16, 30)] }).holds).toBe(true)
  })

  test('does not when one is further off, or one that is to have nothing has an answer', () => {
    expect(judged('share: 1:2:3', { traffic: [many(15, 15, 30)] })).toMatchObject({
      holds: false,
      found: expect.stringMatching(/; server 1, server 2 more than 4 off$/),
    })
    expect(judged('share: { of: 1:1, within: 10 }', { traffic: [many(10, 10, 1)] }).holds).toBe(false)
    expect(judged('share: { of: 1:1:0, within: 10 }', { traffic: [many(10, 10, 1)] }).holds).toBe(false)
  })

  test('cannot be told without answers', () => {
    expect(judged('share: 1:2:3').holds).toBeUndefined()
  })
})

const connections = (
  ...events: readonly (readonly [at: number, what: ConnectionsRecord['events'][number]['what'], ms?: number])[]
): ConnectionsRecord => ({
  type: 'connections',
  target: '10.0.0.100:80',
  count: 50,
  answered: 1000,
  events: events.map(([at, what, ms = 0]) => ({ at: millis(at), what, ms })),
})

describe.each([
  ['broken connections', 'broken'],
  ['moved connections', 'moved'],
  ['wrong answers', 'wrong'],
] as const)('%s', (figure, what) => {
  test('are counted in the part', () => {
    const traffic = [connections([500, what], [2000, what], [3000, what === 'moved' ? 'broken' : 'moved'])]
    expect(judged(`${figure}: 1`, { traffic }).holds).toBe(true)
    expect(judged(`${figure}: none`, { traffic })).toMatchObject({
      holds: false,
      found: expect.stringMatching(/^1 .* of at most 0, with 50 connections$/),
    })
  })

  test('cannot be told without connections that were answered', () => {
    expect(judged(`${figure}: none`).holds).toBeUndefined()
    expect(judged(`${figure}: none`, { traffic: [{ ...connections(), answered: 0 }] }).holds).toBeUndefined()
  })
})

describe('silent connections', () => {
  test('are as long as the longest wait that reaches into the part', () => {
    const traffic = [connections([900, 'silent', 5000], [4000, 'silent', 3500], [9500, 'silent', 1200])]
    expect(judged('silent connections: takeover', { traffic })).toMatchObject({
      holds: true,
      found: 'longest wait 3500 ms of at most 3800 ms',
    })
    expect(judged('silent connections: 3 s', { traffic }).holds).toBe(false)
    const reaches = [connections([9500, 'silent', 1200])]
    expect(judged('silent connections: 1 s', { traffic: reaches }).holds).toBe(false)
    expect(judged('silent connections: 1 s', { traffic: reaches }, interval(1000, 8300)).holds).toBe(true)
  })

  test('cannot be told of a time that is not recorded', () => {
    expect(judged('silent connections: 2 s', { traffic: [connections()] }).holds).toBe(true)
    expect(judged('silent connections: 500 ms', { traffic: [connections()] }).holds).toBeUndefined()
    expect(judged('silent connections: 2 s').holds).toBeUndefined()
  })
})

describe('owners of an address', () => {
  const moved = [
    ...AT_FIRST,
    address(2000, 'director1', false),
    address(3000, 'director2', true),
    address(4000, 'director1', true),
    address(4200, 'director2', false),
  ]

  test('both directors had it no longer than they may', () => {
    expect(judged('two owners: 200 ms', { events: moved })).toMatchObject({
      holds: true,
      found: 'both directors had 10.0.0.100 for 200 ms of at most 200 ms',
    })
    expect(judged('two owners: 199 ms', { events: moved }).holds).toBe(false)
    expect(judged('two owners: 100 ms', { events: moved }, interval(4100, 9000)).holds).toBe(true)
  })

  test('nobody had it no longer than they may', () => {
    expect(judged('no owner: 1 s', { events: moved }).holds).toBe(true)
    expect(judged('no owner: 999 ms', { events: moved })).toMatchObject({
      holds: false,
      found: 'no director had 10.0.0.100 for 1000 ms of at most 999 ms',
    })
  })

  test('the address with the longest time in all counts, to the end of the part', () => {
    const events = [
      address(0, 'director1', true, 'fd00::1'),
      ...moved,
      address(5000, 'director1', false, 'fd00::1'),
      address(6000, 'director1', true, 'fd00::1'),
      address(8000, 'director1', false, 'fd00::1'),
    ]
    expect(judged('no owner: 2 s', { events, virtualAddresses: ['10.0.0.100', 'fd00::1'] })).toMatchObject({
      holds: true,
      found: 'no director had fd00::1 for 2000 ms of at most 2000 ms',
    })
  })

  test('nothing is known before the first event of a director, and all from it on', () => {
    const events = [address(0, 'director1', false), address(5000, 'director2', false, 'fd00::1')]
    expect(judged('no owner: 4 s', { events }).holds).toBe(true)
    expect(judged('no owner: 3999 ms', { events }).holds).toBe(false)
    expect(judged('no owner: 1 s', { events: [address(0, 'director1', false)] })).toMatchObject({
      holds: undefined,
      found: 'nothing was seen of the addresses of director2',
    })
  })

  test('what arrives in another order than it happened counts by its time', () => {
    const events = [...AT_FIRST, address(2100, 'director2', true), address(2000, 'director1', false)]
    expect(judged('two owners: 0 ms', { events }).holds).toBe(true)
  })

  test('take-overs are counted in the part, and not what a director had at first', () => {
    expect(judged('take-overs: 2', { events: moved })).toMatchObject({
      holds: true,
      found: '2 take-overs of 10.0.0.100, of exactly 2',
    })
    expect(judged('take-overs: 1', { events: moved }).holds).toBe(false)
    expect(judged('take-overs: { at most: 1 }', { events: moved }).holds).toBe(false)
    expect(judged('take-overs: none', {}, interval(0, 9000)).holds).toBe(true)
    expect(judged('take-overs: none', { events: [] }).holds).toBeUndefined()
  })
})

const line = (msg: string, level = 30) =>
  JSON.stringify({ level, time: 1, director: 'd', process: 'vrrp', msg, errors: ['x:1:1: error'] })

describe('logs', () => {
  const events: readonly RecordedEvent[] = [
    log(500, 'director1', line('(a) becomes master')),
    ...Array.from({ length: 16 }, (_, i) => log(2000 + i, 'director2', line(`(a) "${i}" is news`))),
    log(3000, 'director2', 'Keepalived_vrrp[1]: (a) Entering MASTER STATE'),
  ]

  test('have so many lines a second', () => {
    expect(judged('log lines: { of: standby, at most: 3 }', { events })).toMatchObject({
      holds: true,
      found: '2.1 lines a second in the log of director2, of at most 3',
    })
    expect(judged('log lines: { of: both, at most: 2 }', { events }).holds).toBe(false)
    expect(judged('log lines: { of: standby, at most: 16 }', { events }, interval(2000, 2100)).holds).toBe(true)
  })

  test('never have a line: of the part, as people read it', () => {
    expect(judged('log never: { of: both, says: becomes master }', { events }).holds).toBe(true)
    expect(judged('log never: { of: both, says: becomes master }', { events }, interval(0, 9000)).holds).toBe(false)
    expect(judged(`log never: { of: standby, says: 'vrrp: .*"3" is news' }`, { events })).toMatchObject({
      holds: false,
      found: '1 such line, the first of director2: vrrp: (a) "3" is news\nx:1:1: error',
    })
    expect(judged('log never: { of: standby, says: MASTER STATE }', { events }).holds).toBe(false)
  })

  test('have a line, on each director that is meant', () => {
    expect(judged('log: { of: standby, says: is news }', { events }).holds).toBe(true)
    expect(judged('log: { of: both, says: is news }', { events })).toMatchObject({
      holds: false,
      found: 'no such line in the log of director1',
    })
  })
})

describe('commands', () => {
  const events = [
    call(500, 'director1', '/etc/notify.sh', 'MASTER'),
    call(2000, 'director2', '/etc/notify.sh', 'INSTANCE', 'a', 'MASTER'),
  ]

  test('are called, by a part of the command and their arguments', () => {
    expect(judged('called: { of: standby, command: notify, with: a MASTER }', { events })).toMatchObject({
      holds: true,
      found: '/etc/notify.sh INSTANCE a MASTER on director2 (1)',
    })
    expect(judged('called: { of: standby, command: notify, with: BACKUP }', { events }).holds).toBe(false)
    expect(judged('called: { of: both, command: notify }', { events }).holds).toBe(false)
  })

  test('are never called', () => {
    expect(judged('never called: { of: active, command: notify }', { events }).holds).toBe(true)
    expect(judged('never called: { of: standby, command: notify, with: BACKUP }', { events }).holds).toBe(true)
    expect(judged('never called: { of: both, command: notify }', { events })).toMatchObject({
      holds: false,
      found: '1 call, the first on director2: /etc/notify.sh INSTANCE a MASTER',
    })
  })
})

describe('memory', () => {
  test('is so much more at most', () => {
    const afterwards = [sample('director1', 69), sample('director2', 50)]
    expect(judged('memory: { of: both, at most: 15 }', { afterwards })).toMatchObject({
      holds: true,
      found: 'director1 69 MiB after 60 MiB, 15 % more, director2 50 MiB after 60 MiB, less, of at most 15 %',
    })
    expect(judged('memory: { of: active, at most: 14 }', { afterwards }).holds).toBe(false)
  })

  test('cannot be told of a director that did not run', () => {
    const afterwards = [sample('director1', 60, { processes: undefined })]
    expect(judged('memory: { of: active, at most: 15 }', { afterwards }).holds).toBeUndefined()
  })
})
