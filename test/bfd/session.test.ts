import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BfdPacket } from '../../src/bfd/packet.ts'
import { beginSession, detectionTime, newIdentity, nextBfdDeadline, stepBfd } from '../../src/bfd/session.ts'
import { millis, seconds } from '../../src/time.ts'
import { aPacket, Run, TIMERS } from './sessions.ts'

const waiting = (run: Run, until: number) => run.wait(until, () => nextBfdDeadline(run.session))
const configure = (run: Run, values: Partial<typeof TIMERS>) =>
  run.step({ type: 'configure', timers: { ...TIMERS, ...values } })

/** Up at 0 ms, its poll answered. */
function anUpRun(timers: Partial<typeof TIMERS> = {}): Run {
  const run = new Run(timers)
  run.step({ type: 'deadline' })
  run.hear({ state: 'init' })
  run.hear({ state: 'up', final: true })
  run.sent()
  return run
}

test('two neighbours come up in three packets, each sent at once', () => {
  const [a, b] = [new Run(), new Run()]
  const passOn = (from: Run, to: Run) => {
    for (const packet of from.sent()) to.hear(packet)
  }
  a.step({ type: 'deadline' })
  b.step({ type: 'deadline' })
  b.sent() // lost
  passOn(a, b)
  expect(b.session.state).toBe('init')
  passOn(b, a)
  expect(a.session.state).toBe('up')
  passOn(a, b)
  expect(b.session.state).toBe('up')
  passOn(b, a)
  // The poll of one is answered by then, and that of the other one is in its next packet.
  waiting(b, 50)
  passOn(b, a)
  passOn(a, b)
  expect([a.session.poll, b.session.poll]).toEqual([undefined, undefined])
})

test('a session that another process had goes on without the neighbour noticing', () => {
  const before = anUpRun().session
  const { discriminator, state, diagnostic, remote } = before
  const session = beginSession(before.timers, { discriminator, state, diagnostic, remote }, millis(1000))
  const { effects } = stepBfd(session, { type: 'deadline' }, millis(1000), 0)
  expect(effects).toMatchObject([{ type: 'send', packet: { state: 'up', myDiscriminator: 5, yourDiscriminator: 7 } }])
  expect(nextBfdDeadline({ ...session, sendAt: undefined })).toBe(1150)
})

describe('other timers', () => {
  test('are asked for until the neighbour answers, and longer intervals wait for that', () => {
    const run = anUpRun()
    configure(run, { minTx: millis(200), minRx: millis(20) })
    expect(run.sent()).toMatchObject([{ poll: true, desiredMinTx: 200, requiredMinRx: 20 }])
    // Until then the neighbour expects a packet each 50 ms, and sends one each 50 ms.
    expect(nextBfdDeadline(run.session)).toBe(50)
    run.hear({ state: 'up', desiredMinTx: millis(20) })
    expect(detectionTime(run.session)).toBe(3 * 50)
    waiting(run, 50)
    expect(run.sent()).toMatchObject([{ poll: true }])
    run.hear({ state: 'up', desiredMinTx: millis(20), final: true })
    expect(detectionTime(run.session)).toBe(3 * 20)
    expect(run.session.sendAt).toBe(50 + 200)
  })

  test('that are the same change nothing', () => {
    const run = anUpRun()
    configure(run, {})
    expect(run.sent()).toEqual([])
  })

  test('a shorter interval holds at once', () => {
    const run = anUpRun()
    configure(run, { minTx: millis(10) })
    run.hear({ state: 'up', requiredMinRx: millis(10) })
    expect(run.session.sendAt).toBe(10)
  })
})

test('a neighbour that wants packets less often gets the next one later', () => {
  const run = anUpRun()
  run.hear({ state: 'up', requiredMinRx: millis(400), poll: true })
  run.sent()
  expect(run.session.sendAt).toBe(400)
})

test('a neighbour that is silent while the session is down is forgotten, too', () => {
  const run = new Run()
  run.hear({ yourDiscriminator: 0, state: 'admin-down', desiredMinTx: seconds(1) })
  expect(run.session).toMatchObject({ state: 'down', remote: { discriminator: 7 } })
  waiting(run, 2999)
  expect(run.session.remote.discriminator).toBe(7)
  waiting(run, 3000)
  expect(run.session).toMatchObject({ state: 'down', diagnostic: 0, remote: { discriminator: 0 } })
})

describe('the passive role', () => {
  test('speaks when it is spoken to, and is silent again with its neighbour', () => {
    const run = new Run({ passive: true })
    waiting(run, 10_000)
    run.step({ type: 'stop' })
    expect(run.sent()).toEqual([])
    const other = new Run({ passive: true })
    other.hear({ yourDiscriminator: 0 }, 500)
    expect(other.sent()).toMatchObject([{ state: 'init', yourDiscriminator: 7 }])
    waiting(other, 5000)
    other.sent()
    waiting(other, 60_000)
    expect(other.sent()).toEqual([])
  })
})

test('a neighbour that wants no packets gets none but news', () => {
  const run = anUpRun()
  run.hear({ state: 'up', requiredMinRx: millis(0) })
  expect(run.session.sendAt).toBeUndefined()
  waiting(run, 150)
  expect(run.sent()).toMatchObject([{ state: 'down', diagnostic: 1 }])
})

test('a stop is said at once and for as long as the session is there, and nothing brings it up again', () => {
  const run = anUpRun()
  run.step({ type: 'stop' })
  expect(run.sent()).toMatchObject([{ state: 'admin-down', diagnostic: 7, poll: false, desiredMinTx: 1000 }])
  run.hear({ state: 'init', poll: true })
  run.hear({ state: 'up' })
  expect([run.session.state, run.sent()]).toEqual(['admin-down', []])
  waiting(run, 1000)
  expect(run.sent()).toMatchObject([{ state: 'admin-down' }])
})

const anyPacket = fc
  .record({
    state: fc.constantFrom('admin-down', 'down', 'init', 'up'),
    poll: fc.boolean(),
    final: fc.boolean(),
    demand: fc.boolean(),
    detectMultiplier: fc.integer({ min: 1, max: 5 }),
    desiredMinTx: fc.integer({ min: 0, max: 2000 }).map(millis),
    requiredMinRx: fc.integer({ min: 0, max: 2000 }).map(millis),
  })
  .map(aPacket)

const anyMove = fc.record({
  after: fc.integer({ min: 0, max: 1500 }),
  random: fc.float({ min: 0, max: 1, noNaN: true }),
  event: fc.oneof(
    { weight: 6, arbitrary: anyPacket.map((packet) => ({ type: 'packet', packet }) as const) },
    {
      weight: 1,
      arbitrary: fc
        .record({ minTx: fc.integer({ min: 1, max: 1000 }), minRx: fc.integer({ min: 1, max: 1000 }) })
        .map(({ minTx, minRx }) => ({
          type: 'configure' as const,
          timers: { ...TIMERS, minTx: millis(minTx), minRx: millis(minRx) },
        })),
    },
  ),
})

test('whatever a neighbour says: nothing due is left, slow while not up, one answer a poll, up only by what it said', () => {
  fc.assert(
    fc.property(fc.array(anyMove, { maxLength: 60 }), (moves) => {
      let session = beginSession(TIMERS, newIdentity(5), millis(0))
      let now = 0
      const take = (event: Parameters<typeof stepBfd>[1], random: number): void => {
        const before = session
        const { session: stepped, effects } = stepBfd(before, event, millis(now), random)
        session = stepped
        const sent = effects.flatMap((effect): BfdPacket[] => (effect.type === 'send' ? [effect.packet] : []))
        expect(sent.length).toBeLessThanOrEqual(1)
        for (const packet of sent) {
          expect(packet.poll && packet.final).toBe(false)
          expect(packet.state === 'up' || packet.desiredMinTx >= 1000).toBe(true)
          expect(packet.final).toBe(event.type === 'packet' && event.packet.poll)
        }
        if (before.state !== 'up' && session.state === 'up') {
          expect(event).toMatchObject({ packet: { state: before.state === 'down' ? 'init' : expect.any(String) } })
        }
        const due = nextBfdDeadline(session)
        expect(due === undefined || due >= now).toBe(true)
        if (event.type === 'deadline') expect(due === undefined || due > now).toBe(true)
      }
      for (const { after, random, event } of moves) {
        const until = now + after
        for (let due = nextBfdDeadline(session); due !== undefined && due <= until; due = nextBfdDeadline(session)) {
          now = due
          take({ type: 'deadline' }, random)
        }
        now = until
        take(event, random)
      }
    }),
  )
})
