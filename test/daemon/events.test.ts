import { expect, test } from 'vitest'
import type { DirectorEvent } from '../../src/control/dump.ts'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import { EVENT_LIMIT, RecentEvents, reloadEvent, transitionEvents } from '../../src/daemon/director/events.ts'

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

const instance = (name: string, state: InstanceSnapshot['state'], since = ''): InstanceSnapshot => ({
  name,
  state,
  since,
  reason: `${name} is ${state}`,
  interface: 'eth0',
  vrid: 1,
  version: 2,
  priority: 100,
  addresses: [],
  advertsSent: 0,
  advertsReceived: 0,
  dropped: {},
  peers: [],
})

test('an instance that is new or in another state is an event, one that only counts is none', () => {
  const before = [instance('a', 'backup'), instance('b', 'backup'), instance('gone', 'master')]
  const now = [
    { ...instance('a', 'backup'), advertsReceived: 7 },
    instance('b', 'master', 't1'),
    instance('c', 'init', 't2'),
  ]
  expect(transitionEvents(before, now)).toEqual([
    { at: 't1', type: 'transition', instance: 'b', from: 'backup', to: 'master', reason: 'b is master' },
    { at: 't2', type: 'transition', instance: 'c', from: undefined, to: 'init', reason: 'c is init' },
  ])
})

test('the event of a refused file names its first mistakes, and how many more there are', () => {
  const errors = Array.from({ length: 1000 }, (_, i) => `mistake ${i}`)
  expect(reloadEvent('t', 'root', [])).toMatchObject({ errors: [] })
  expect(reloadEvent('t', 'root', errors)).toMatchObject({ errors: [...errors.slice(0, 5), '995 more'] })
})
