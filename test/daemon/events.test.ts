import { expect, test } from 'vitest'
import type { DirectorEvent } from '../../src/control/dump.ts'
import { EVENT_LIMIT, RecentEvents, reloadEvent, transitionEvent } from '../../src/daemon/director/events.ts'

const event = (reason: string): DirectorEvent => ({ at: '', type: 'child-restart', role: 'check', reason })
const reasons = (events: RecentEvents) => events.list().map((each) => ('reason' in each ? each.reason : ''))

test.each([0, 1, EVENT_LIMIT - 1, EVENT_LIMIT, EVENT_LIMIT + 1, 2 * EVENT_LIMIT, 2 * EVENT_LIMIT + 7])(
  'of %i events a director remembers the last thousand, oldest first',
  (count) => {
    const events = new RecentEvents()
    const all = Array.from({ length: count }, (_, i) => String(i))
    for (const reason of all) events.add(event(reason))
    expect(reasons(events)).toEqual(all.slice(-EVENT_LIMIT))
  },
)

test('a transition is an event with the time at which it happened', () => {
  const instance = { name: 'b', interface: 'eth0', family: 4 as const, vrid: 1 }
  const transition = {
    type: 'transition',
    instance,
    from: 'backup',
    to: 'master',
    priority: 100,
    reason: 'no adverts',
    at: 0,
  } as const
  const { type, from, to, reason } = transition
  expect(transitionEvent(transition)).toEqual({ at: '1970-01-01T00:00:00.000Z', type, instance: 'b', from, to, reason })
})

test('the event of a refused file names its first mistakes, and how many more there are', () => {
  const errors = Array.from({ length: 1000 }, (_, i) => `mistake ${i}`)
  expect(reloadEvent('t', 'root', [])).toMatchObject({ errors: [] })
  expect(reloadEvent('t', 'root', errors)).toMatchObject({ errors: [...errors.slice(0, 5), '995 more'] })
})
