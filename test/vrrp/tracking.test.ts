import { describe, expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { effectivePriority } from '../../src/vrrp/tracking.ts'
import { anInstance, ip } from './instances.ts'
import { Story } from './story.ts'

const b = anInstance({
  name: 'b',
  interface: 'eth1',
  vrid: 52,
  addresses: [{ address: ip('10.1.0.100'), prefix: 32, device: 'eth1' }],
})
const group = [{ name: 'g', instances: ['a', 'b'], tracks: [] }]
const master = (...of: Parameters<typeof anInstance>) => new Story([anInstance(...of)]).until(4000)

describe('the effective priority', () => {
  const weight = (...weights: readonly number[]) =>
    weights.map((each, i) => ({ type: 'weight', name: `script ${i}`, weight: each }) as const)

  test.each([
    ['is that of the configuration without trackers', 100, [], 100],
    ['is raised and lowered by the sum of all weights', 100, [20, -30, 5], 95],
    ['is not moved by a weight of 0', 100, [0], 100],
    ['is at least 1, since 0 means farewell', 100, [-100], 1],
    ['is at least 1, whatever the sum', 100, [-253, -253, 100], 1],
    ['is at most 254, since 255 is the owner of the addresses', 200, [100], 254],
    ['of the owner stays 255', 255, [-50], 255],
  ])('%s', (_name, priority, weights, expected) => {
    expect(effectivePriority({ priority }, weight(...weights))).toBe(expected)
  })

  test('does not hang on the order of the results, and is clamped only at the end', () => {
    expect(effectivePriority({ priority: 200 }, weight(100, -100))).toBe(200)
    expect(effectivePriority({ priority: 200 }, weight(-100, 100))).toBe(200)
  })

  test('is not moved by a tracker that reports a fault', () => {
    expect(effectivePriority({ priority: 100 }, [{ type: 'fault', name: 'script' }])).toBe(100)
  })
})

describe('another effective priority of a master', () => {
  test('is advertised at once, and in every advert from then on', () => {
    const story = master().track({ script: -30 })
    expect(story.effects).toEqual(['a advertise 70'])
    expect(story.until(6000).effects).toEqual(['5000 a advertise 70', '6000 a advertise 70'])
    expect(story.track({ script: -30 }).effects).toEqual([])
    expect(story.track({}).effects).toEqual(['a advertise 100'])
  })

  test('decides about the adverts of others', () => {
    expect(master().track({ script: -30 }).advert(80).stateOf()).toBe('backup')
    expect(master().advert(80).stateOf()).toBe('master')
    expect(master().track({ script: 50 }).advert(120).stateOf()).toBe('master')
    expect(master().track({ script: -30 }).advert(70, '10.0.0.2').reasonOf()).toBe(
      '10.0.0.2 has the same priority (70) and a greater address',
    )
  })

  test('answers a farewell and a rival', () => {
    expect(master().track({ script: -30 }).advert(0).effects).toEqual(['a advertise 70'])
    expect(master().track({ script: 50 }).advert(120).effects[0]).toBe('a advertise 150')
  })

  test('is not that of the owner', () => {
    expect(master({ priority: 255 }).track({ script: -30 }).effects).toEqual([])
  })
})

describe('another effective priority of a backup', () => {
  const skew = (priority: number) => ((256 - priority) * 1000) / 256

  test('moves the end of its down timer by the difference of the skew times', () => {
    const story = new Story([anInstance()]).until(1000).advert(200)
    expect(nextDeadline(story.state)).toBeCloseTo(1000 + 3000 + skew(100))
    expect(nextDeadline(story.until(2000).track({ script: 100 }).state)).toBeCloseTo(1000 + 3000 + skew(200))
    expect(nextDeadline(story.track({ script: -50 }).state)).toBeCloseTo(1000 + 3000 + skew(50))
    expect(story.effects).toEqual([])
  })

  test('is what it has after a farewell, too', () => {
    const story = new Story([anInstance()]).until(1000).advert(200).track({ script: 100 }).advert(0)
    expect(nextDeadline(story.state)).toBeCloseTo(1000 + skew(200))
  })

  test('above that of the master takes over when the down timer ends', () => {
    const story = new Story([anInstance()]).until(1000).advert(150).track({ script: 60 })
    for (let t = 2000; t <= 4000; t += 1000) story.until(t).advert(150)
    expect(story.stateOf()).toBe('backup')
    expect(story.until(4300).effects).toEqual([])
    expect(story.until(4400).effects.slice(0, 2)).toEqual(['4375 a backup -> master', '4375 a advertise 160'])
    expect(story.reasonOf()).toBe('higher priority than 10.0.0.2 (150)')
  })

  test('below that of a master that it was about to take over from leaves this one alone', () => {
    const story = new Story([anInstance()]).until(3000).advert(90).track({ script: -20 }).until(3500).advert(90)
    expect(story.until(4000).stateOf()).toBe('backup')
    expect(story.reasonOf()).toBe('10.0.0.2 is master with priority 90')
  })

  test('ends a preempt_delay that has begun', () => {
    const story = new Story([anInstance({ preemptDelay: millis(1000) })]).until(1000).advert(90)
    expect(story.reasonOf()).toContain('until preempt_delay is over')
    story.track({ script: -20 }).until(1500).advert(90).track({}).until(2500).advert(90)
    // It is heard anew from then on.
    expect(story.reasonOf()).toContain('until preempt_delay is over')
  })
})

describe('a tracker that reports a fault', () => {
  test('ends the role as a link does, and its recovery begins as a backup', () => {
    const story = master().track({ script: undefined })
    expect(story.effects).toEqual(['a advertise 0', 'a master -> fault', 'remove any 10.0.0.100'])
    expect(story.reasonOf()).toBe('script reports a fault')
    expect(story.advert(1).effects).toEqual([])
    expect(story.track({ script: 0 }).effects).toEqual(['a fault -> backup'])
    expect(story.reasonOf()).toBe('script reports no fault any more')
  })

  test('keeps an instance from beginning, also the owner', () => {
    const story = new Story([]).configure([anInstance({ priority: 255 })]).track({ script: undefined })
    story.link('eth0', true)
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'script reports a fault'])
    expect(story.track({}).stateOf()).toBe('master')
  })

  test('and a link that is down: both have to come back', () => {
    const story = master().link('eth0', false).track({ script: undefined })
    expect(story.reasonOf()).toBe('eth0 is down')
    expect(story.link('eth0', true).stateOf()).toBe('fault')
    expect(story.reasonOf()).toBe('script reports a fault')
    expect(story.track({}).stateOf()).toBe('backup')
  })

  test('is not adopted over', () => {
    const story = new Story([anInstance()]).track({ script: undefined })
    expect(story.on({ type: 'adopt', masters: [anInstance()], known: [] }).stateOf()).toBe('fault')
  })

  test('with the weight of another one in one set: no advert of the new priority', () => {
    const story = master().track({ script: undefined, other: -20 })
    expect(story.effects).toEqual(['a advertise 0', 'a master -> fault', 'remove any 10.0.0.100'])
    expect(story.priorityOf()).toBe(80)
  })

  test('takes its sync group with it', () => {
    const story = new Story([anInstance(), b], group).until(4000).track({ script: undefined }, 'b')
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['fault', 'fault'])
    expect(story.reasonOf('a')).toBe('sync group g: b (script reports a fault)')
    story.track({}, 'b')
    expect(story.reasonOf('a')).toBe('sync group g: b (script reports no fault any more)')
  })
})

describe('what is tracked', () => {
  test('goes on through a reload, with another priority, and another name', () => {
    const story = master().track({ script: -30 })
    story.configure([anInstance({ priority: 120 })])
    expect(story.effects).toEqual(['a advertise 90', 'a announce'])
    expect(story.configure([anInstance({ name: 'z', priority: 120 })]).priorityOf('z')).toBe(90)
  })

  test('changes nothing any more after a stop, nor for an instance that there is not', () => {
    const stopped = master().on({ type: 'stop', keepAddresses: true })
    expect(stopped.track({ script: undefined }).effects).toEqual([])
    expect(stopped.stateOf()).toBe('init')
    expect(master().track({ script: -30 }, 'nobody').effects).toEqual([])
  })
})
