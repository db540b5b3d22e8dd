import { describe, expect, test } from 'vitest'
import type { BfdState } from '../../src/bfd/packet.ts'
import { detectionTime, nextBfdDeadline, transmitInterval } from '../../src/bfd/session.ts'
import { millis, seconds } from '../../src/time.ts'
import { Run } from '../bfd/sessions.ts'

/**
 * BFD (RFC 5880) by its statements, in asynchronous mode. What is refused on receipt (§6.8.6, first half) is in
 * test/bfd/packet.test.ts and test/bfd/receive.test.ts.
 */

function inState(state: BfdState, timers: ConstructorParameters<typeof Run>[0] = {}): Run {
  const run = new Run(timers)
  run.step({ type: 'deadline' })
  if (state === 'init') run.hear({ state: 'down', desiredMinTx: seconds(1) })
  if (state === 'up') run.hear({ state: 'init' })
  if (state === 'admin-down') run.step({ type: 'stop' })
  expect(run.session.state).toBe(state)
  run.sent()
  return run
}

describe('§6.2, §6.8.6: the state machine', () => {
  // Own state, what is heard, the state behind it; the diagnostic where it goes down.
  const table: [BfdState, BfdState, BfdState, number?][] = [
    ['down', 'admin-down', 'down'],
    ['down', 'down', 'init'],
    ['down', 'init', 'up'],
    ['down', 'up', 'down'],
    ['init', 'admin-down', 'down', 3],
    ['init', 'down', 'init'],
    ['init', 'init', 'up'],
    ['init', 'up', 'up'],
    ['up', 'admin-down', 'down', 3],
    ['up', 'down', 'down', 3],
    ['up', 'init', 'up'],
    ['up', 'up', 'up'],
    ['admin-down', 'admin-down', 'admin-down', 7],
    ['admin-down', 'down', 'admin-down', 7],
    ['admin-down', 'init', 'admin-down', 7],
    ['admin-down', 'up', 'admin-down', 7],
  ]
  test.each(table)('%s hears %s: %s', (own, heard, behind, diagnostic = 0) => {
    const run = inState(own)
    run.hear({ state: heard })
    expect(run.session).toMatchObject({ state: behind, diagnostic })
  })

  test('a session that does not hear its neighbour for the detection time is down with diagnostic 1 (§6.8.4)', () => {
    for (const state of ['init', 'up'] as const) {
      const run = inState(state)
      run.hear({ state: state === 'init' ? 'down' : 'up' }, 10)
      run.step({ type: 'deadline' }, 10 + 149.9)
      expect(run.session.state).toBe(state)
      run.step({ type: 'deadline' }, 10 + 150)
      expect(run.session).toMatchObject({ state: 'down', diagnostic: 1, remote: { discriminator: 0 } })
    }
  })
})

test('§6.8.4: the detection time is the neighbour’s multiplier times the larger of own RequiredMinRx and its DesiredMinTx', () => {
  const run = inState('up', { minRx: millis(30) })
  run.hear({ state: 'up', final: true, detectMultiplier: 4, desiredMinTx: millis(20) })
  expect(detectionTime(run.session)).toBe(4 * 30)
  run.hear({ state: 'up', detectMultiplier: 2, desiredMinTx: millis(100) })
  expect(detectionTime(run.session)).toBe(2 * 100)
})

describe('§6.8.3: DesiredMinTx is at least one second while the session is not up', () => {
  test.each(['down', 'init', 'admin-down'] as const)('%s', (state) => {
    const run = inState(state)
    expect(transmitInterval(run.session)).toBe(1000)
    run.step({ type: 'deadline' }, 1000)
    expect(run.sent()).toMatchObject([{ state, desiredMinTx: 1000 }])
  })

  test('a change of it is told in a Poll Sequence (§6.5)', () => {
    const run = inState('down')
    run.hear({ state: 'init' })
    expect(run.sent()).toMatchObject([{ state: 'up', desiredMinTx: 50, poll: true, final: false }])
    run.step({ type: 'deadline' }, 50)
    expect(run.sent()).toMatchObject([{ poll: true }])
    run.hear({ state: 'up', final: true })
    run.step({ type: 'deadline' }, 100)
    expect(run.sent()).toMatchObject([{ poll: false }])
  })
})

describe('§6.8.7: transmitting', () => {
  /** The intervals between periodic packets, for 500 random numbers from 0 to 1. */
  const intervals = (multiplier: number) => {
    const run = inState('up', { multiplier })
    run.hear({ state: 'up', final: true })
    return Array.from({ length: 500 }, (_, i) => {
      run.random = i / 499
      const at = run.session.sendAt ?? Number.NaN
      run.step({ type: 'deadline' }, at)
      run.hear({ state: 'up' })
      return (run.session.sendAt ?? Number.NaN) - at
    })
  }

  test.each([
    [3, 1],
    [1, 0.9],
  ])('with multiplier %i the interval is 75 %% to %f of what is agreed', (multiplier, most) => {
    const all = intervals(multiplier).toSorted((a, b) => a - b)
    expect(all.at(0)).toBeCloseTo(50 * 0.75)
    expect(all.at(-1)).toBeCloseTo(50 * most)
    expect(all[250]).toBeCloseTo((50 * (0.75 + most)) / 2, 0)
  })

  test('the interval is the larger of own DesiredMinTx and the neighbour’s RequiredMinRx', () => {
    const run = inState('up')
    run.hear({ state: 'up', requiredMinRx: millis(300) })
    expect(transmitInterval(run.session)).toBe(300)
    run.hear({ state: 'up', requiredMinRx: millis(1) })
    expect(transmitInterval(run.session)).toBe(50)
  })

  test('a poll is answered at once with the final bit, and the periodic packets keep their time', () => {
    const run = inState('up')
    run.hear({ state: 'up', final: true })
    const { sendAt } = run.session
    run.hear({ state: 'up', poll: true }, 3)
    expect(run.sent()).toMatchObject([{ poll: false, final: true, state: 'up' }])
    expect(run.session.sendAt).toBe(sendAt)
  })

  test('other contents are sent at once', () => {
    const run = inState('up')
    run.hear({ state: 'down' }, 5)
    expect(run.sent()).toMatchObject([{ state: 'down', diagnostic: 3 }])
  })

  test('nothing is sent periodically to a neighbour that wants nothing, or is in demand mode, but in a Poll Sequence', () => {
    const run = inState('up')
    run.hear({ state: 'up', demand: true })
    expect(run.session.sendAt).toBeDefined()
    run.hear({ state: 'up', demand: true, final: true })
    expect(run.session.sendAt).toBeUndefined()
    run.hear({ state: 'up', demand: false })
    expect(run.session.sendAt).toBeDefined()
    run.hear({ state: 'up', requiredMinRx: millis(0) })
    expect(run.session.sendAt).toBeUndefined()
  })

  test('a passive system sends nothing while it does not know the neighbour’s discriminator (§6.1)', () => {
    const run = new Run({ passive: true })
    expect(nextBfdDeadline(run.session)).toBeUndefined()
    run.hear({ yourDiscriminator: 0 })
    expect(run.sent()).toMatchObject([{ state: 'init' }])
  })
})

test('§4.1: state, diagnostic, discriminators, multiplier and intervals are on the wire; echo and authentication are not', () => {
  const run = new Run({ idleTx: seconds(2) })
  run.step({ type: 'deadline' })
  expect(run.sent()).toEqual([
    {
      diagnostic: 0,
      state: 'down',
      poll: false,
      final: false,
      demand: false,
      detectMultiplier: 3,
      myDiscriminator: 5,
      yourDiscriminator: 0,
      desiredMinTx: 2000,
      requiredMinRx: 50,
    },
  ])
})
