import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Members } from '../../../../src/daemon/script/watch/members.ts'

const NAMES = ['a', 'b', 'c']
const names = fc.subarray(NAMES).map((some) => new Set(some))
const pid = fc.integer({ min: 1, max: 6 })
const change = fc.oneof(
  fc.record({ pid, names }),
  fc.record({ parent: pid, child: pid }),
  fc.record({ drop: fc.constantFrom(...NAMES) }),
)

test('each tracker has as many processes as count for it, and says when that changes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const members = new Members()
      const model = new Map<number, ReadonlySet<string>>()
      const counted = (name: string) => [...model.values()].filter((set) => set.has(name)).length
      for (const each of changes) {
        const before = NAMES.map(counted)
        if ('drop' in each) {
          members.drop(each.drop)
          for (const [pid, set] of model) model.set(pid, new Set([...set].filter((name) => name !== each.drop)))
        } else {
          const [of, set] =
            'pid' in each ? [each.pid, each.names] : [each.child, model.get(each.parent) ?? new Set<string>()]
          const said = members.set(of, 'pid' in each ? each.names : members.trackersOf(each.parent))
          model.set(of, set)
          expect([...said].sort()).toStrictEqual(NAMES.filter((name, i) => counted(name) !== before[i]))
        }
        expect(NAMES.map((name) => members.count(name))).toStrictEqual(NAMES.map(counted))
        expect(new Set(members.pids)).toStrictEqual(
          new Set([...model].flatMap(([pid, set]) => (set.size > 0 ? pid : []))),
        )
      }
    }),
  )
})
