import { describe, expect, test } from 'vitest'
import { judgeInvariants, type Unjudged } from '../../src/drill/invariants.ts'
import type { RecordedEvent } from '../../src/drill/recording.ts'
import { millis } from '../../src/time.ts'
import { address, AT_FIRST, log, probe, recording, sample, stepsOf } from './recordings.ts'

const judgedOf = (of: string, change: Partial<Unjudged> = {}, ...steps: readonly string[]) => {
  const judgement = judgeInvariants(recording(change), stepsOf(...steps)).find((each) => each.of === of)
  if (judgement === undefined) throw new Error(`no invariant ${of}`)
  return judgement
}

const keepalived = { director1: 'tanist', director2: 'keepalived' } as const

/** A step that began and, unless it never ended, was done. */
const step = (number: number, from: number, to?: number): readonly RecordedEvent[] => [
  { at: millis(from), type: 'begun', step: number, text: '' },
  ...(to === undefined ? [] : [{ at: millis(to), type: 'done', step: number } as const]),
]

const undone = (at: number): RecordedEvent => ({
  at: millis(at),
  type: 'undone',
  text: 'it is undone',
  failure: undefined,
})

test('all of them hold for a pair to which nothing has happened', () => {
  const judgements = judgeInvariants(recording(), [])
  expect(judgements.map(({ of }) => of)).toEqual(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8'])
  expect(judgements.filter(({ holds }) => holds !== true)).toEqual([])
})

test('what is not known of a keepalived is told, and is no failure', () => {
  const judgements = judgeInvariants(recording({ directors: keepalived }), [])
  const unknown = judgements.filter(({ holds }) => holds === undefined)
  expect(unknown.map(({ of }) => of)).toEqual(['I3', 'I4', 'I5', 'I8'])
  for (const { found } of unknown) expect(found).toContain('director2 is keepalived')
})

describe('I1', () => {
  test('fails when two answer for an address, or nobody does', () => {
    const answering = [{ address: '10.0.0.100', macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] }]
    expect(judgedOf('I1', { answering })).toMatchObject({
      holds: false,
      found: '02:00:00:00:00:01 and 02:00:00:00:00:02 answer for 10.0.0.100',
    })
    expect(judgedOf('I1', { answering: [{ address: '10.0.0.100', macs: [] }] })).toMatchObject({
      holds: false,
      found: 'nobody answers for 10.0.0.100',
    })
  })

  test('holds when one answers twice, and is not known of what nobody has asked for', () => {
    const answering = [{ address: '10.0.0.100', macs: ['02:00:00:00:00:01', '02:00:00:00:00:01'] }]
    expect(judgedOf('I1', { answering }).holds).toBe(true)
    expect(judgedOf('I1', { answering, virtualAddresses: ['10.0.0.100', 'fd00::1'] })).toMatchObject({
      holds: undefined,
      found: 'nobody asked for fd00::1',
    })
  })
})

describe('I2', () => {
  test('says how long there were two owners, and none', () => {
    const events = [...AT_FIRST, address(2000, 'director2', true), address(2300, 'director2', false)]
    const none = [address(5000, 'director1', false), address(6000, 'director2', true)]
    expect(judgedOf('I2', { events: [...events, ...none] })).toMatchObject({
      holds: true,
      found: 'two owners for 300 ms, none for 1000 ms',
    })
  })

  test('is not known when nothing was seen', () => {
    expect(judgedOf('I2', { events: [] }).holds).toBeUndefined()
  })
})

describe('I3', () => {
  test('fails when the tables differ', () => {
    const afterwards = [sample('director1', 60), sample('director2', 60, { table: ['[10.0.0.100]:udp:53'] })]
    expect(judgedOf('I3', { afterwards })).toMatchObject({
      holds: false,
      found: '2 and 1 lines; only director1: [10.0.0.100]:udp:53 192.168.1.11:53 weight 1',
    })
  })

  test('is not known when a table was not read', () => {
    const afterwards = [sample('director1', 60), sample('director2', 60, { table: undefined })]
    expect(judgedOf('I3', { afterwards }).holds).toBeUndefined()
  })
})

describe('I4', () => {
  test('fails when probes were answered and the core forwarded nothing', () => {
    const afterwards = [sample('director1', 60), sample('director2', 60)]
    expect(judgedOf('I4', { afterwards })).toMatchObject({
      holds: false,
      found: 'no packets forwarded, 10000 probes answered',
    })
  })

  test('holds when a counter has begun anew', () => {
    const before = [sample('director1', 60, { forwarded: 500 }), sample('director2', 60)]
    const afterwards = [sample('director1', 60, { forwarded: 100 }), sample('director2', 60)]
    expect(judgedOf('I4', { before, afterwards })).toMatchObject({
      holds: true,
      found: '100 packets forwarded, 10000 probes answered',
    })
  })

  test('is not known without a probe through the core, or an answer to it', () => {
    expect(judgedOf('I4', { traffic: [probe([], [], { by: 'icmp' })] }).holds).toBeUndefined()
    expect(judgedOf('I4', { traffic: [probe([[0, 10_000]])] }).holds).toBeUndefined()
    const afterwards = [sample('director1', 60, { forwarded: undefined }), sample('director2', 60)]
    expect(judgedOf('I4', { afterwards }).holds).toBeUndefined()
  })
})

describe('I5', () => {
  const MIB = 1 << 20
  const withProcess = (descriptors: number, mebibytes: number, role = 'vrrp') => [
    sample('director1', 60, { processes: [{ role, pid: 2, residentBytes: mebibytes * MIB, descriptors }] }),
    sample('director2', 60),
  ]

  test('holds for a few descriptors and a heap more, and for less', () => {
    expect(judgedOf('I5', { afterwards: withProcess(23, 90) }).holds).toBe(true)
    expect(judgedOf('I5', { afterwards: withProcess(10, 20) }).holds).toBe(true)
  })

  test('fails for more than that', () => {
    expect(judgedOf('I5', { afterwards: withProcess(24, 60) })).toMatchObject({
      holds: false,
      found: 'director1: vrrp has 24 descriptors open after 20',
    })
    expect(judgedOf('I5', { afterwards: withProcess(20, 91) })).toMatchObject({
      holds: false,
      found: 'director1: vrrp has 91 MiB in memory after 60 MiB',
    })
    expect(judgedOf('I5', { before: withProcess(100, 200), afterwards: withProcess(105, 260) }).holds).toBe(true)
    expect(judgedOf('I5', { before: withProcess(100, 200), afterwards: withProcess(106, 260) }).holds).toBe(false)
    expect(judgedOf('I5', { before: withProcess(100, 200), afterwards: withProcess(100, 261) }).holds).toBe(false)
  })

  test('fails when a process does not run again, also beside a keepalived', () => {
    expect(judgedOf('I5', { afterwards: withProcess(20, 60, 'check') })).toMatchObject({
      holds: false,
      found: 'director1: vrrp does not run',
    })
    const afterwards = [sample('director1', 60, { processes: undefined }), sample('director2', 60)]
    expect(judgedOf('I5', { afterwards, directors: keepalived }).holds).toBe(false)
    const one = { role: 'check', pid: 1, residentBytes: MIB, descriptors: 5 }
    const before = [sample('director1', 60, { processes: [one, { ...one, pid: 2 }] }), sample('director2', 60)]
    expect(judgedOf('I5', { before, afterwards: withProcess(10, 2, 'check') })).toMatchObject({
      holds: false,
      found: 'director1: 1 of 2 check run',
    })
  })

  test('is not known of a director that did not run before', () => {
    expect(judgedOf('I5', { before: [sample('director1', 60, { processes: undefined })] })).toMatchObject({
      holds: undefined,
      found: 'director1 did not run before, director2 was not looked at',
    })
  })
})

describe('I6', () => {
  test('fails when a file is another one, or is gone', () => {
    const with2 = (fileDigest: string | undefined) => [sample('director1', 60), sample('director2', 60, { fileDigest })]
    expect(judgedOf('I6', { afterwards: with2('def') })).toMatchObject({
      holds: false,
      found: 'the file of director2 is another one',
    })
    expect(judgedOf('I6', { afterwards: with2(undefined) }).holds).toBe(false)
    expect(judgedOf('I6', { before: with2(undefined) }).holds).toBeUndefined()
  })
})

describe('I7', () => {
  const gap = (at: number, ms: number) => ({ traffic: [probe([[at, ms]])] })

  test('fails for a gap for which nobody has a reason', () => {
    expect(judgedOf('I7', gap(5000, 100))).toMatchObject({
      holds: false,
      found: '1 gap without a reason, the first of 100 ms at 5000 ms (udp to 10.0.0.100:53)',
    })
  })

  test('does not look at gaps that are short, or that the machine has made', () => {
    expect(judgedOf('I7', gap(5000, 99)).holds).toBe(true)
    expect(judgedOf('I7', { traffic: [probe([[5000, 300]], [[5000, 250]])] }).holds).toBe(true)
    expect(judgedOf('I7', { traffic: [probe([[5000, 400]], [[5000, 250]])] }).holds).toBe(false)
  })

  test('holds while nobody or both had the address of the probe, or a second beside', () => {
    const none = [...AT_FIRST, address(3000, 'director1', false), address(5000, 'director2', true)]
    expect(judgedOf('I7', { ...gap(2100, 3800), events: none }).holds).toBe(true)
    expect(judgedOf('I7', { ...gap(5500, 400), events: none }).holds).toBe(true)
    expect(judgedOf('I7', { ...gap(5500, 600), events: none }).holds).toBe(false)
    expect(judgedOf('I7', { ...gap(1900, 200), events: none }).holds).toBe(false)
    const both = [...AT_FIRST, address(3000, 'director2', true), address(5000, 'director2', false)]
    expect(judgedOf('I7', { ...gap(3000, 2000), events: both }).holds).toBe(true)
  })

  test('holds for none of an address that the probe is not for', () => {
    const other = [address(3000, 'director1', true, '10.0.0.10'), address(4000, 'director1', false, '10.0.0.10')]
    const change = { ...gap(5000, 400), virtualAddresses: ['10.0.0.100', '10.0.0.10'], events: [...AT_FIRST, ...other] }
    expect(judgedOf('I7', change).holds).toBe(false)
    expect(judgedOf('I7', { ...change, virtualAddresses: ['10.0.0.10'] }).holds).toBe(true)
  })

  test('holds from the begin of what breaks a director that has the address until its mend is done', () => {
    const steps = ['pull cable: active', 'plug cable: active']
    const events = [...AT_FIRST, ...step(0, 2000, 2001), ...step(1, 6000, 6500)]
    expect(judgedOf('I7', { ...gap(2000, 5400), events }, ...steps).holds).toBe(true)
    expect(judgedOf('I7', { ...gap(2000, 5600), events }, ...steps).holds).toBe(false)
    expect(judgedOf('I7', { ...gap(6700, 600), events }, ...steps).holds).toBe(true)
    expect(judgedOf('I7', { ...gap(7000, 600), events }, ...steps).holds).toBe(false)
  })

  test('does not hold for what is broken at a director that nobody asks, but while that is being done', () => {
    const events = [...AT_FIRST, ...step(0, 2000, 2100)]
    expect(judgedOf('I7', { ...gap(6000, 300), events }, 'pull cable: standby').holds).toBe(false)
    expect(judgedOf('I7', { ...gap(2000, 300), events }, 'pull cable: standby').holds).toBe(true)
    expect(judgedOf('I7', { ...gap(6000, 300), events }, 'kill: both').holds).toBe(true)
  })

  test('is not mended by a mend of something else', () => {
    const events = [...AT_FIRST, ...step(0, 2000, 2001), ...step(1, 3000, 3001)]
    const change = { ...gap(6000, 300), events }
    expect(judgedOf('I7', change, 'pull cable: active', 'plug cable: standby').holds).toBe(true)
    expect(judgedOf('I7', change, 'pull cable: active', 'bring link up: { of: active }').holds).toBe(true)
    expect(judgedOf('I7', change, 'pull cable: active', 'plug cable: active').holds).toBe(false)
  })

  test('is not mended by what was done before', () => {
    const events = [...AT_FIRST, ...step(0, 1000, 1001), ...step(1, 2000, 2001)]
    expect(judgedOf('I7', { ...gap(6000, 300), events }, 'plug cable: active', 'pull cable: active').holds).toBe(true)
  })

  test('holds for what is broken at a director that has one of several addresses, or may have', () => {
    const virtualAddresses = ['10.0.0.100', '10.0.0.101']
    const events = [address(0, 'director1', true), address(0, 'director1', true, '10.0.0.101'), ...AT_FIRST]
    const pulled = step(0, 4000, 4001)
    const change = { ...gap(6000, 300), virtualAddresses }
    expect(judgedOf('I7', { ...change, events: [...events, ...pulled] }, 'pull cable: active').holds).toBe(true)
    const lost = [address(4500, 'director1', false), address(4500, 'director2', true)]
    expect(judgedOf('I7', { ...change, events: [...AT_FIRST, ...pulled, ...lost] }, 'pull cable: active').holds).toBe(
      false,
    )
  })

  test('holds until a mended server is found again, and all are mended at once', () => {
    const events = [...AT_FIRST, ...step(0, 2000, 2001), ...step(1, 4000, 4001)]
    const steps = ['break server: server 1', 'mend server: all']
    expect(judgedOf('I7', { ...gap(2000, 4900), events }, ...steps).holds).toBe(true)
    expect(judgedOf('I7', { ...gap(2000, 5100), events }, ...steps).holds).toBe(false)
  })

  test('holds while what a step has begun goes on by itself', () => {
    const events = [...AT_FIRST, ...step(0, 2000, 2001)]
    const flood = 'flood: { with: syn, rate: 1000, for: 2 s }'
    expect(judgedOf('I7', { ...gap(4500, 300), events }, flood).holds).toBe(true)
    expect(judgedOf('I7', { ...gap(6000, 300), events }, flood).holds).toBe(false)
    expect(judgedOf('I7', { ...gap(4500, 300), events }, 'freeze: { of: active, for: 2 s }').holds).toBe(true)
    expect(judgedOf('I7', { ...gap(6000, 300), events }, 'freeze: { of: active, for: 2 s }').holds).toBe(false)
  })

  test('does not hold while a drill only waits, and holds for what is undone at its end', () => {
    const events = [...AT_FIRST, ...step(0, 2000, 8000)]
    expect(judgedOf('I7', { ...gap(5000, 300), events }, 'wait: 6 s').holds).toBe(false)
    expect(judgedOf('I7', { ...gap(9500, 300), events }, 'wait: 6 s').holds).toBe(false)
    expect(judgedOf('I7', { ...gap(9500, 300), events: [...events, undone(9900)] }, 'wait: 6 s').holds).toBe(true)
    const after = [...AT_FIRST, ...step(0, 1000, 1500), ...step(1, 2000, 8000), undone(9900)]
    expect(judgedOf('I7', { ...gap(5000, 300), events: after }, 'wait: 500 ms', 'wait: 6 s').holds).toBe(false)
  })

  test('is not known without a probe, or without a word of a director', () => {
    expect(judgedOf('I7', { traffic: [] }).holds).toBeUndefined()
    expect(judgedOf('I7', { events: [] }).holds).toBeUndefined()
  })
})

describe('I8', () => {
  const line = (level: number) => JSON.stringify({ level, process: 'vrrp', msg: 'it is bad' })

  test('fails for an error for which no step is a reason', () => {
    expect(judgedOf('I8', { events: [...AT_FIRST, log(5000, 'director1', line(50))] })).toMatchObject({
      holds: false,
      found: '1 error without a reason, the first of director1 at 5000 ms: vrrp: it is bad',
    })
    expect(judgedOf('I8', { events: [log(5000, 'director2', '<3>vrrp: it is bad')] }).holds).toBe(false)
    expect(judgedOf('I8', { events: [log(5000, 'director1', line(60))], directors: keepalived }).holds).toBe(false)
  })

  test('holds for warnings, and for lines that tell no level', () => {
    const lines = [line(40), '<4>vrrp: it is odd', 'Error: no level', '{ no JSON', '{}']
    expect(judgedOf('I8', { events: lines.map((each) => log(5000, 'director1', each)) }).holds).toBe(true)
  })

  test('holds for 10 s after a step, and while all is being undone', () => {
    const events = [...step(0, 2000, 2100), log(12_000, 'director1', line(50))]
    const duration = millis(30_000)
    expect(judgedOf('I8', { events, duration }, 'kill: active').holds).toBe(true)
    expect(judgedOf('I8', { events, duration }, 'wait: 100 ms').holds).toBe(false)
    const late = [...events, log(12_200, 'director1', line(50))]
    expect(judgedOf('I8', { events: late, duration }, 'kill: active').holds).toBe(false)
    expect(judgedOf('I8', { events: [...late, undone(12_300)], duration }, 'kill: active').holds).toBe(true)
  })
})
