import { describe, expect, test } from 'vitest'
import { type ElectionOptions, RFC_ELECTION } from '../../src/model/election.ts'
import type { VrrpInstance } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { emptyEngine } from '../../src/vrrp/state.ts'
import { anInstance } from './instances.ts'
import { Story } from './story.ts'

const withOptions = (options: Partial<ElectionOptions>, change: Partial<VrrpInstance> = {}) =>
  new Story([anInstance({ ...change, election: { ...RFC_ELECTION, ...options } })])
const owner = { priority: 255 }

test('down_timer_adverts: so many adverts have to be missing', () => {
  const skew = (156 * 1000) / 256
  expect(nextDeadline(withOptions({ downTimerAdverts: 6 }).state)).toBeCloseTo(6000 + skew)
  expect(nextDeadline(withOptions({ downTimerAdverts: 1 }).advert(200).state)).toBeCloseTo(1000 + skew)
})

test('lower_prio_no_advert: no answer, but hosts are told all the same', () => {
  expect(withOptions({ answersLower: false }).until(3700).advert(99).effects).toEqual(['a rival 99', 'a announce'])
})

test('higher_prio_send_advert: once more before it yields', () => {
  expect(withOptions({ advertBeforeYielding: true }).until(3700).advert(101).effects).toEqual([
    'a advertise 100',
    'a master -> backup',
    'remove any 10.0.0.100',
  ])
})

describe('of two owners', () => {
  test('the one with the greater address stays', () => {
    expect(withOptions({}, owner).advert(255, '10.0.0.2').stateOf()).toBe('backup')
    expect(withOptions({}, owner).advert(255, '10.0.0.0').stateOf()).toBe('master')
  })

  test('owner_ignore_adverts: both stay, without a word to each other', () => {
    const story = withOptions({ ownerIgnoresAdverts: true }, owner).advert(255, '10.0.0.2')
    expect([story.stateOf(), story.effects]).toEqual(['master', ['a rival 255', 'a announce']])
    expect(story.advert(0, '10.0.0.2').effects).toEqual([])
    expect(withOptions({ ownerIgnoresAdverts: true }).until(3700).advert(101).stateOf()).toBe('backup')
  })
})

describe('a start delay', () => {
  const bootedAgo = (ms: number, delayAfterBoot: number) => {
    const story = new Story([])
    story.state = emptyEngine
    const instances = [anInstance({ election: { ...RFC_ELECTION, delayAfterBoot: millis(delayAfterBoot) } })]
    story.on({ type: 'configure', instances, groups: [], linkDelays: [], results: [], bootedAt: millis(-ms) })
    return story.link('eth0', true)
  }

  test('puts the first down timer off', () => {
    const story = withOptions({ startDelay: millis(20_000) })
    expect(nextDeadline(story.state)).toBeCloseTo(23_609.375)
    expect(story.reasonOf()).toBe('started, with a start delay of 20.0 s')
  })

  test('is not over before its time because a master was heard', () => {
    const story = withOptions({ startDelay: millis(20_000) })
      .until(1000)
      .advert(200)
    expect(nextDeadline(story.state)).toBe(20_000)
    expect(nextDeadline(story.until(1500).advert(0).state)).toBe(20_000)
  })

  test('has the owner wait, too', () => {
    const story = withOptions({ startDelay: millis(20_000) }, owner)
    expect([story.stateOf(), nextDeadline(story.state)]).toEqual(['backup', 20_000])
    expect(story.until(20_000).stateOf()).toBe('master')
  })

  test('counts from the boot of the host', () => {
    expect(nextDeadline(bootedAgo(30_000, 40_000).state)).toBeCloseTo(13_609.375)
    expect(nextDeadline(bootedAgo(50_000, 40_000).state)).toBeCloseTo(3609.375)
  })

  test('does not come again: an instance of a later reload begins at once', () => {
    const delayed = { ...RFC_ELECTION, startDelay: millis(20_000) }
    const story = new Story([anInstance({ election: delayed })]).until(30_000)
    story.configure([anInstance({ election: delayed }), anInstance({ name: 'b', vrid: 52, election: delayed })])
    story.link('eth0', true)
    expect(story.until(34_000).stateOf('b')).toBe('master')
  })
})

describe('an interval that is longer than the own one', () => {
  test('of one packet costs a master less than three own intervals', () => {
    const story = new Story([anInstance({ priority: 200 })]).until(5000).advert(255, '10.0.0.9', 40_950)
    expect(story.stateOf()).toBe('backup')
    expect(story.until(5000 + 3000).stateOf()).toBe('master')
  })

  test('the same with its group', () => {
    const instances = [anInstance(), anInstance({ name: 'b', vrid: 52, addresses: [] })]
    const story = new Story(instances, [{ name: 'g', instances: ['a', 'b'], tracks: [] }]).until(5000)
    story.advert(255, '10.0.0.9', 40_950)
    expect(story.stateOf('b')).toBe('backup')
    expect([story.until(8000).stateOf('a'), story.stateOf('b')]).toEqual(['master', 'master'])
  })

  test('is learned when it is said again', () => {
    const story = new Story([anInstance()]).until(5000).advert(255, '10.0.0.9', 10_000).advert(255, '10.0.0.9', 10_000)
    expect(nextDeadline(story.state)).toBeCloseTo(5000 + 30_000 + (156 * 10_000) / 256)
  })

  test('is learned by a master that has taken its role back in between, so that it does not so again and again', () => {
    const story = new Story([anInstance()]).until(5000).advert(255, '10.0.0.9', 3000).until(8000)
    expect(story.stateOf()).toBe('master')
    story.advert(255, '10.0.0.9', 3000)
    expect(nextDeadline(story.state)).toBeCloseTo(8000 + 9000 + (156 * 3000) / 256)
  })

  test('counts three times the own one at most in a backup that hears it once', () => {
    const story = new Story([anInstance()]).until(1000).advert(255, '10.0.0.9', 40_950)
    expect(nextDeadline(story.state)).toBeCloseTo(1000 + 9000 + (156 * 3000) / 256)
    expect(nextDeadline(story.advert(255, '10.0.0.2', 1000).state)).toBeCloseTo(1000 + 3609.375)
  })
})

describe('two masters', () => {
  const dual = (story: Story) => story.state.members.get('a')?.dual

  test('are known by the one that stays, from the first advert to the last', () => {
    const story = new Story([anInstance()]).until(5000).advert(99, '10.0.0.7')
    expect(dual(story)).toMatchObject({ source: '10.0.0.7', priority: 99, since: 5000, heardAt: 5000 })
    expect(dual(story.until(6000).advert(99, '10.0.0.7'))).toMatchObject({ since: 5000, heardAt: 6000 })
    expect(dual(story.until(8400))).toBeDefined()
    expect(dual(story.until(8600))).toBeUndefined()
  })

  test('are no more when this one gives up', () => {
    const story = new Story([anInstance()]).until(5000).advert(99, '10.0.0.7').advert(101)
    expect([story.stateOf(), dual(story)]).toEqual(['backup', undefined])
  })

  test('an advert of our own, which comes back, is told and not answered', () => {
    expect(new Story([anInstance()]).until(5000).advert(100, '10.0.0.1').effects).toEqual(['a rival 100', 'a announce'])
  })
})

test.each<[string, Partial<VrrpInstance>, number]>([
  ['priority', { priority: 200 }, 1000 + 3000 + (56 * 1000) / 256],
  ['down_timer_adverts', { election: { ...RFC_ELECTION, downTimerAdverts: 6 } }, 1000 + 6000 + (156 * 1000) / 256],
])('a reload with another %s moves the down timer of a backup that goes on', (_, change, due) => {
  const story = new Story([anInstance()]).until(1000).advert(250).until(1500)
  expect(nextDeadline(story.configure([anInstance(change)]).state)).toBeCloseTo(due)
})
