import { describe, expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { RFC_ELECTION } from '../../src/model/election.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

/** Lets time pass in which the process does not run. */
function frozen(story: Story, until: number): Story {
  story.now = millis(until)
  return story
}

const aMaster = (change: Parameters<typeof anInstance>[0] = {}) => new Story([anInstance(change)]).until(10_000)
/** When the last advert of such a master was sent. */
const lastAdvert = (story: Story) => (nextDeadline(story.state) ?? 0) - 1000

describe('a master that did not run', () => {
  test('for less than peers wait goes on', () => {
    const story = aMaster()
    const story2 = frozen(story, lastAdvert(story) + 2990).on({ type: 'deadline' })
    expect(story2.stateOf()).toBe('master')
    expect(story2.effects).toEqual(['a advertise 100'])
  })

  test.each(['deadline', 'network'] as const)('for longer says nothing, and keeps its addresses (%s)', (type) => {
    const story = aMaster()
    frozen(story, lastAdvert(story) + 5000)
    const virtual = { address: ip('10.0.0.100'), prefix: 32, primary: false, tentative: false }
    if (type === 'deadline') story.on({ type })
    else story.network(anInterface('eth0', { addresses: [...anInterface('eth0').addresses, virtual] }))
    expect(story.effects).toEqual(['a master -> backup'])
    expect(story.reasonOf()).toBe('sent no advert for 5.00 s: another router may be master by now')
    expect(story.state.held.size).toBe(1)
  })

  test('takes what has waited in its socket for what it is: a successor, to whom the addresses are', () => {
    const story = aMaster()
    frozen(story, lastAdvert(story) + 5000).advert(50)
    expect(story.effects).toEqual(['a master -> backup', 'remove any 10.0.0.100'])
    // Its higher priority counts after the down interval, as ever.
    const back = story.until(story.now + 3700).effects
    expect(back.filter((effect) => effect.endsWith('-> master'))).toHaveLength(1)
  })

  test('has the role again when nobody follows, and was never without the addresses', () => {
    const story = aMaster()
    frozen(story, lastAdvert(story) + 60_000).on({ type: 'deadline' })
    const { effects } = story.until(story.now + 3700)
    expect(effects.map((effect) => effect.replace(/^\d+ /, '')).slice(0, 2)).toEqual([
      'a backup -> master',
      'a advertise 100',
    ])
    expect(effects.join()).not.toContain('remove')
  })

  test('gives up with its group', () => {
    const instances = [anInstance(), anInstance({ name: 'b', vrid: 52, addresses: [], advertInt: millis(10_000) })]
    const story = new Story(instances, [{ name: 'g', instances: ['a', 'b'], tracks: [] }]).until(50_000)
    expect(story.stateOf('b')).toBe('master')
    frozen(story, 55_000).on({ type: 'deadline' })
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['backup', 'backup'])
  })

  test('and owns the addresses goes on: there is nobody to yield to', () => {
    const story = aMaster({ priority: 255 })
    expect(frozen(story, 60_000).on({ type: 'deadline' }).stateOf()).toBe('master')
  })

  test('knows by the highest priority of others when they may have followed', () => {
    const story = aMaster({ election: { ...RFC_ELECTION, highestOther: 56 } })
    expect(
      frozen(story, lastAdvert(story) + 3500)
        .on({ type: 'deadline' })
        .stateOf(),
    ).toBe('master')
    const other = aMaster()
    expect(
      frozen(other, lastAdvert(other) + 3500)
        .on({ type: 'deadline' })
        .stateOf(),
    ).toBe('backup')
  })
})

describe('a backup that did not run', () => {
  const aBackup = () => new Story([anInstance({ advertInt: millis(10) })]).until(5).advert(200, '10.0.0.2', 10)

  test('when its down timer ended listens for the whole down interval again', () => {
    const story = frozen(aBackup(), 1000).on({ type: 'deadline' })
    expect(story.stateOf()).toBe('backup')
    expect(story.reasonOf()).toMatch(/^did not run for 0\.9\d s: listens again before it takes over$/)
    story.until(1030).advert(200, '10.0.0.2', 10).until(1060)
    expect(story.stateOf()).toBe('backup')
  })

  test('takes over after that, however late its timer is then', () => {
    const story = frozen(aBackup(), 1000).on({ type: 'deadline' })
    expect(frozen(story, 2000).on({ type: 'deadline' }).stateOf()).toBe('master')
  })

  test('by less than an advert takes over: a busy machine has a late timer now and then', () => {
    const story = aBackup()
    const due = nextDeadline(story.state) ?? 0
    expect(
      frozen(story, due + 9)
        .on({ type: 'deadline' })
        .stateOf(),
    ).toBe('master')
  })

  test('counts from when an advert came, not from when it was read', () => {
    const advert = (receivedAt: number) =>
      frozen(aBackup(), 1000).on({
        type: 'advert',
        instance: 'a',
        source: ip('10.0.0.2'),
        priority: 200,
        interval: millis(10),
        receivedAt: millis(receivedAt),
      })
    expect(nextDeadline(advert(990).state)).toBeCloseTo(990 + 30 + (156 * 10) / 256)
    expect(nextDeadline(advert(2000).state)).toBeCloseTo(1000 + 30 + (156 * 10) / 256)
  })
})
