import { describe, expect, test } from 'vitest'
import type { Garp, VirtualAddress } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { nextDeadline, step } from '../../src/vrrp/engine.ts'
import type { Announce } from '../../src/vrrp/effect.ts'
import { type EngineState, type Event } from '../../src/vrrp/state.ts'
import { anInstance, ip, USUAL_GARP } from './instances.ts'
import { Story } from './story.ts'

/** When an instance announces, how often each address, and which. */

const vip = (last: number, device = 'eth0'): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix: 24, device })
const instance = (garp: Partial<Garp>) =>
  anInstance({ addresses: [vip(6), vip(7, 'eth1')], garp: { ...USUAL_GARP, delay: millis(0), ...garp } })

/** The announcements until then, with what comes in by the way: `TIME xREPEAT ADDRESS …`. */
function announcements(garp: Partial<Garp>, until: number, inputs: readonly [number, Event][] = []): readonly string[] {
  const lines: string[] = []
  let state: EngineState = new Story([instance(garp)]).state
  let now = millis(0)
  const feed = (event: Event) => {
    const { state: next, effects } = step(state, event, now)
    state = next
    const announced = effects.filter((effect): effect is Announce => effect.type === 'announce')
    for (const { repeat, addresses } of announced) {
      lines.push(`${Math.floor(now)} x${repeat} ${addresses.map(({ address }) => address).join(' ')}`)
    }
  }
  const left = [...inputs]
  for (;;) {
    const input = left[0]
    const at = Math.min(nextDeadline(state) ?? Infinity, input?.[0] ?? Infinity)
    if (at > until) return lines
    now = millis(Math.max(now, at))
    if (input !== undefined && input[0] <= at) {
      left.shift()
      feed(input[1])
    } else feed({ type: 'deadline' })
  }
}
const lower: Event = { type: 'advert', instance: 'a', source: ip('10.0.0.2'), priority: 50, interval: millis(1000) }

test('a block when it becomes master, and another after garp_master_delay', () => {
  expect(announcements({ delay: millis(2000), repeat: 3 }, 10_000)).toEqual([
    '3609 x3 10.0.0.6 10.0.0.7',
    '5609 x3 10.0.0.6 10.0.0.7',
  ])
})

test('refreshes, for as long as it is master', () => {
  const refresh = { refresh: millis(2000), refreshRepeat: 2 }
  expect(announcements(refresh, 9000)).toEqual([
    '3609 x5 10.0.0.6 10.0.0.7',
    '5609 x2 10.0.0.6 10.0.0.7',
    '7609 x2 10.0.0.6 10.0.0.7',
  ])
  expect(announcements(refresh, 7000, [[4000, { ...lower, priority: 200 }]])).toHaveLength(1)
})

test.each([
  ['those of the other interfaces', false, '10.0.0.7'],
  ['all', true, '10.0.0.6 10.0.0.7'],
] as const)('garp_extra_if: %s', (_name, all, addresses) => {
  const extra = { every: millis(2000), all }
  expect(announcements({ extra }, 6000).slice(1)).toEqual([`5609 x1 ${addresses}`])
})

describe('after an advert of lower priority', () => {
  test('at once and in growing gaps, garp_lower_prio_repeat times, and after garp_lower_prio_delay', () => {
    const garp = { lowerRepeat: 2, lowerDelay: millis(3000) }
    const times = announcements(garp, 20_000, [[4000, lower]]).map((each) => each.split(' ').slice(0, 2).join(' '))
    expect(times).toEqual(['3609 x5', '4000 x2', '4050 x2', '4200 x2', '5000 x2', '7000 x2'])
  })

  test('nothing when garp_lower_prio_repeat is 0', () => {
    expect(announcements({ lowerRepeat: 0 }, 20_000, [[4000, lower]])).toHaveLength(1)
  })

  test('with fast adverts the second comes within an interval', () => {
    const fast = { ...instance({}), advertInt: millis(10) }
    const story = new Story([fast]).until(100)
    story.advert(50, '10.0.0.2', 10, 'a')
    story.until(111)
    expect(story.effects.filter((each) => each.includes('announce'))).toEqual(['110 a announce'])
  })
})
