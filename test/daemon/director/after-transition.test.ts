import { expect, test } from 'vitest'
import type { InstanceSnapshot } from '../../../src/control/snapshot.ts'
import { afterTransition } from '../../../src/daemon/director/after-transition.ts'
import { InstanceRecords } from '../../../src/daemon/vrrp/instance-records.ts'
import { anInstance } from '../../vrrp/instances.ts'
import { Story } from '../../vrrp/story.ts'

const known: readonly InstanceSnapshot[] = new InstanceRecords().snapshot(
  new Story([anInstance(), anInstance({ name: 'b', vrid: 52 })]).state,
)
const at = Date.UTC(2026, 0, 1)
const toMaster = {
  type: 'transition',
  from: 'backup',
  to: 'master',
  priority: 100,
  reason: 'no adverts from a master',
  at,
} as const

test('an instance has the state, the reason and the time of its transition; the others are as they were', () => {
  const [a, b] = afterTransition(known, { ...toMaster, instance: anInstance() })
  expect(a).toEqual({
    ...known[0],
    state: 'master',
    reason: 'no adverts from a master',
    since: '2026-01-01T00:00:00.000Z',
  })
  expect(b).toBe(known[1])
})

test('a transition of a router that is not known yet, or has another VRID by now, changes nothing', () => {
  for (const instance of [anInstance({ name: 'c', vrid: 53 }), anInstance({ vrid: 53 })]) {
    expect(afterTransition(known, { ...toMaster, instance })).toEqual(known)
  }
})
