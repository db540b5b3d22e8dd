import fc from 'fast-check'
import { expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { nextDeadline, step } from '../../src/vrrp/engine.ts'
import { MemberTable } from '../../src/vrrp/member-table.ts'
import { addressesOf, addressKey, type Member } from '../../src/vrrp/state.ts'
import { anInstance, ip } from './instances.ts'
import { Story } from './story.ts'

const NAMES = Array.from({ length: 100 }, (_, i) => `i${i}`)

const member = (name: string, priority = 100): Member => ({
  config: anInstance({ name }),
  link: undefined,
  tracked: [],
  priority,
  state: { name: 'init' },
  reason: '',
  keeps: undefined,
  duty: 'normal',
  departed: false,
  dual: undefined,
})

test('is a map of members with the soonest time of all, and what it was before it stays', () => {
  const change = fc.oneof(
    fc.record({ name: fc.constantFrom(...NAMES), priority: fc.nat(255) }),
    fc.record({ name: fc.constantFrom(...NAMES), due: fc.nat(1000) }),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const table = MemberTable.of(
        NAMES.map((name) => member(name)),
        () => [],
      )
      const members = new Map(NAMES.map((name) => [name, member(name)]))
      const due = new Map<string, number>()
      const last = changes.reduce((now, each) => {
        if ('due' in each) {
          due.set(each.name, each.due)
          return now.withDue(each.name, each.due)
        }
        members.set(each.name, member(each.name, each.priority))
        return now.with(member(each.name, each.priority))
      }, table)
      expect(new Map(last)).toStrictEqual(members)
      expect(last.next).toBe(Math.min(Infinity, ...due.values()))
      expect(last.due(500)).toStrictEqual(NAMES.filter((name) => (due.get(name) ?? Infinity) <= 500))
      expect([...table.values()].every(({ priority }) => priority === 100) && table.next === Infinity).toBe(true)
    }),
  )
})

test('knows who lists an address', () => {
  const a = { ...member('a'), config: anInstance({ name: 'a' }) }
  const b = { ...member('b'), config: anInstance({ name: 'b' }) }
  const table = MemberTable.of([a, b], ({ config }) => addressesOf(config).map(addressKey)).with({ ...b, priority: 7 })
  expect(table.claimants('eth0 10.0.0.100/32').map(({ priority }) => priority)).toEqual([100, 7])
  expect(table.claimants('eth0 10.0.0.101/32')).toEqual([])
})

test('without a member the others are where they were, and due when they were', () => {
  const table = MemberTable.of(
    NAMES.map((name) => member(name)),
    () => ['an address'],
  )
  const rest = table.withDue('i1', 10).withDue('i40', 50).withDue('i99', 70).without('i1')
  expect([rest.size, rest.next, rest.get('i1'), rest.has('i1')]).toEqual([99, 50, undefined, false])
  expect([rest.due(60), rest.dueAt('i99')]).toEqual([['i40'], 70])
  expect([...rest.keys()]).toEqual(NAMES.filter((name) => name !== 'i1'))
  expect(rest.claimants('an address')).toHaveLength(99)
})

/** Time of an advert, in µs: the best of some rounds, whatever else the machine does. */
function costOfAdvert(count: number): number {
  const instances = Array.from({ length: count }, (_, i) =>
    anInstance({
      name: `i${i}`,
      vrid: i % 256,
      addresses: [{ address: ip(`10.1.${i >> 8}.${i & 255}`), prefix: 32, device: 'eth0' }],
    }),
  )
  let { state } = new Story(instances)
  const rounds = Array.from({ length: 20 }, (_, round) => {
    const begin = performance.now()
    for (let i = 0; i < 500; i++) {
      const instance = `i${(i * 7) % count}`
      const at = millis(round * 10 + i / 100)
      const event = { type: 'advert', instance, source: ip('10.0.0.2'), priority: 200, interval: millis(1000) } as const
      ;({ state } = step(state, event, at))
      if (nextDeadline(state) === undefined) throw new Error('a backup waits')
    }
    return (performance.now() - begin) * 2
  })
  return Math.min(...rounds)
}

test('an advert costs about the same among 2000 instances as among 20', () => {
  costOfAdvert(20) // compiled by then
  expect(costOfAdvert(2000)).toBeLessThan(5 * costOfAdvert(20))
})
