import { describe, expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import type { Duty } from '../../src/model/duty.ts'
import { anInstance, ip } from './instances.ts'
import { Story } from './story.ts'

const A = '10.0.0.100'
const yieldRole = (story: Story, force = false, duty: Duty = 'standby', ...instances: string[]) =>
  story.on({ type: 'yield', instances: instances.length === 0 ? ['a'] : instances, duty, force })
const resume = (story: Story, take: boolean, duty: Duty = 'normal') =>
  story.on({ type: 'resume', instances: ['a'], duty, take })
/** A master since 3.6 s, at 4 s. */
const aMaster = (change: Parameters<typeof anInstance>[0] = {}) => new Story([anInstance(change)]).until(4000)
const handedOver = () => yieldRole(aMaster()).until(4600).advert(90)

describe('a master that is to hand over', () => {
  test('says goodbye, has its addresses and is silent until its successor is heard', () => {
    const story = yieldRole(aMaster())
    expect(story.effects).toEqual(['a advertise 0'])
    expect([story.stateOf(), story.reasonOf()]).toEqual(['master', 'is to hand over, and waits for a successor'])
    expect(story.until(4600).effects).toEqual([])
    expect(story.advert(90).effects).toEqual(['a yielded: handed-over', 'a master -> backup', `remove any ${A}`])
    expect([story.reasonOf(), story.state.members.get('a')?.duty]).toEqual(['handed over to 10.0.0.2', 'standby'])
  })

  test('says goodbye once more, and goes on as master when nobody follows', () => {
    const story = yieldRole(aMaster())
    expect(story.until(8199).effects).toEqual(['5200 a advertise 0'])
    expect(story.until(8200).effects).toEqual(['8200 a yielded: nobody', '8200 a advertise 100'])
    expect(story.reasonOf()).toBe('nobody has taken over; master still')
    // Then it is as before: of the two goodbyes and their answer nothing is left.
    expect(story.until(9300).effects).toContain('9200 a advertise 100')
    expect(story.advert(90).stateOf()).toBe('master')
  })

  test('by force gives its addresses up when nobody follows', () => {
    const story = yieldRole(aMaster(), true, 'maintenance').until(8200)
    expect(story.effects).toEqual([
      '5200 a advertise 0',
      '8200 a yielded: given-up',
      '8200 a master -> backup',
      `8200 remove any ${A}`,
    ])
  })

  test.each([
    [200, 800],
    [1000, 4200],
    [10_000, 20_000],
  ])('with an interval of %i ms waits for %i ms at most', (interval, wait) => {
    const story = new Story([anInstance({ advertInt: millis(interval) })]).until(100_000)
    const until = Math.max(4200, wait)
    expect(
      yieldRole(story)
        .until(100_000 + until - 1)
        .effects.join(),
    ).not.toContain('yielded')
    expect(story.until(100_000 + until).effects.join()).toContain('yielded: nobody')
  })

  test('is not taken for a master again when its priority changes meanwhile', () => {
    const tracks = [{ kind: 'file', name: 'f', weight: 1, reverse: false }] as const
    const story = yieldRole(new Story([anInstance({ tracks })], [], [], {}).until(4000))
    expect(story.file('f', 20).effects).toEqual(['a priority 100 -> 120'])
  })

  test('goes on at the goodbye of another master, who will not follow; who must give up waits on', () => {
    const story = yieldRole(aMaster()).advert(0)
    expect(story.effects).toEqual(['a yielded: nobody', 'a advertise 100'])
    expect(story.reasonOf()).toBe('10.0.0.2 gives its role up, too; master still')
    expect(yieldRole(aMaster(), true).advert(0).effects).toEqual([])
  })

  test('answers when it has lost its role otherwise', () => {
    const story = yieldRole(aMaster()).link('eth0', false)
    expect(story.effects).toEqual(['a advertise 0', 'a yielded: given-up', 'a master -> fault', `remove any ${A}`])
  })

  test('takes its group with it', () => {
    const b = anInstance({
      name: 'b',
      vrid: 52,
      addresses: [{ address: ip('10.0.0.101'), prefix: 32, device: 'eth0' }],
    })
    const groups = [{ name: 'g', instances: ['a', 'b'], tracks: [] }]
    const story = yieldRole(new Story([anInstance(), b], groups).until(4000))
    expect(story.effects).toEqual(['a advertise 0', 'b advertise 0'])
    story.advert(90, '10.0.0.2', 1000, 'b')
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['backup', 'backup'])
    expect(story.effects.filter((each) => each.includes('yielded'))).toEqual([
      'a yielded: handed-over',
      'b yielded: handed-over',
    ])
    // Whoever is to follow for the other has still to be heard.
    expect(story.effects.filter((each) => each.startsWith('remove'))).toEqual(['remove any 10.0.0.101'])
    expect(story.advert(90).effects).toEqual([`remove any ${A}`])
  })

  test('is no backup: there is nothing to hand over', () => {
    const story = yieldRole(new Story([anInstance()]))
    expect(story.effects).toEqual(['a yielded: not-master'])
    expect(story.state.members.get('a')?.duty).toBe('normal')
  })
})

describe('one that was handed over', () => {
  test('leaves a master of lower priority alone, and follows where there is none', () => {
    const story = handedOver()
    for (let at = 5600; at <= 20_600; at += 1000) story.until(at).advert(90)
    expect([story.stateOf(), story.reasonOf()]).toEqual(['backup', '10.0.0.2 (90) is master, and it was handed over'])
    expect(story.until(30_000).stateOf()).toBe('master')
  })

  test('takes the role back at once, also with nopreempt', () => {
    const story = yieldRole(aMaster({ preempt: false }))
      .until(4600)
      .advert(90)
    expect(resume(story, true).effects).toEqual(['a resumed: taken'])
    expect(story.until(4600).effects).toContain('4600 a backup -> master')
  })

  test('does not take it back from one of higher priority, or before it is heard', () => {
    const story = handedOver().until(5600).advert(100)
    expect(resume(story, true).effects).toEqual(['a resumed: outranked'])
    expect(story.until(5600).stateOf()).toBe('backup')
    const deaf = handedOver().until(5000).link('eth0', false)
    expect(resume(deaf, true).effects).toEqual(['a resumed: waits'])
  })

  test('displaces a master of lower priority as configured when it takes part as before', () => {
    const story = handedOver()
    expect(resume(story, false).effects).toEqual([])
    expect(story.until(5600).advert(90).until(6600).advert(90).until(9000).stateOf()).toBe('master')
  })

  test('is so from the start when that was asked before', () => {
    const story = new Story([anInstance({ priority: 255 })])
    const duties = { maintenance: false, standby: ['b'] }
    const b = anInstance({ name: 'b', vrid: 52, priority: 255, addresses: [] })
    story.configure([anInstance({ priority: 255 }), b], [], { duties })
    expect([story.stateOf('a'), story.network().stateOf('b')]).toEqual(['master', 'backup'])
  })
})

describe('maintenance', () => {
  test('is to be no master, whoever is missing', () => {
    const story = yieldRole(aMaster(), false, 'maintenance').until(4600).advert(90)
    expect(story.until(60_000).stateOf()).toBe('backup')
    expect(resume(story, false).until(60_100).stateOf()).toBe('master')
  })

  test('is for backups, too, and for instances that a reload brings', () => {
    const story = yieldRole(new Story([anInstance()]), false, 'maintenance')
    expect(story.until(60_000).stateOf()).toBe('backup')
    const other = anInstance({ name: 'b', vrid: 52, addresses: [] })
    story.configure([anInstance(), other], [], { duties: { maintenance: true, standby: [] } })
    expect([story.until(90_000).stateOf('b'), story.stateOf('a')]).toEqual(['backup', 'backup'])
  })
})

describe('preemption after the checks', () => {
  test('a backup leaves a master of lower priority alone until all checks have had a result', () => {
    const story = new Story([anInstance({ preemptAfterChecks: true })])
    for (let at = 1000; at <= 10_000; at += 1000) story.until(at).advert(90)
    expect(story.stateOf()).toBe('backup')
    expect(story.reasonOf()).toBe('10.0.0.2 (90) is master, and not all checks of this node have had a result')
    story.on({ type: 'checked' })
    for (let at = 11_000; at <= 14_000; at += 1000) story.until(at).advert(90)
    expect(story.stateOf()).toBe('master')
  })

  test('it does not wait where there is no master', () => {
    expect(new Story([anInstance({ preemptAfterChecks: true })]).until(4000).stateOf()).toBe('master')
  })
})

describe('a master that a reload removes', () => {
  const other = () => anInstance({ name: 'b', vrid: 52, addresses: [] })

  test('keeps its address until its successor is heard, and is no instance any more', () => {
    const story = aMaster().configure([other()])
    expect(story.effects).toEqual(['a advertise 0', 'a master -> init', 'b init -> backup'])
    expect(story.advert(90, '10.0.0.2', 1000, 'a (removed)').effects).toEqual([`remove ours ${A}`])
  })

  test('gives it up when nobody follows', () => {
    expect(aMaster().configure([other()]).until(5200).effects).toEqual([`5200 remove ours ${A}`])
  })

  test('has it again when it is back before', () => {
    const story = aMaster().configure([other()]).configure([other(), anInstance()])
    expect(story.effects).toEqual(['a init -> backup'])
    expect(story.until(9000).effects.join()).not.toContain('remove')
    expect(story.stateOf()).toBe('master')
  })
})
