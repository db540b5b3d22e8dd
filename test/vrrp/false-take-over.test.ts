import { describe, expect, test } from 'vitest'
import { RFC_ELECTION } from '../../src/model/election.ts'
import { anInstance } from './instances.ts'
import { Story } from './story.ts'

/** A backup that has taken its master for dead gives the role back, and the hosts with it. */

const dual = (story: Story) => story.state.members.get('a')?.dual

describe('a master that hears again whom it took for dead', () => {
  test('says so by one more advert before it yields: the other one may not know that there were two', () => {
    const story = new Story([anInstance()]).until(1000).advert(200).until(6000)
    expect(story.stateOf()).toBe('master')
    expect(story.advert(200).effects).toEqual(['a advertise 100', 'a master -> backup', 'remove any 10.0.0.100'])
    expect(story.until(6500).effects).toEqual([])
  })

  test('says it once, with higher_prio_send_advert as well', () => {
    const election = { ...RFC_ELECTION, advertBeforeYielding: true }
    const story = new Story([anInstance({ election })]).until(1000).advert(200).until(6000).advert(200)
    expect(story.effects.filter((each) => each.includes('advertise'))).toEqual(['a advertise 100'])
  })

  test('says it for each member of its group', () => {
    const instances = [anInstance(), anInstance({ name: 'b', vrid: 52, addresses: [] })]
    const story = new Story(instances, [{ name: 'g', instances: ['a', 'b'], tracks: [] }]).until(1000)
    story.advert(200).advert(200, '10.0.0.2', 1000, 'b').until(6000).advert(200)
    expect(story.effects.filter((each) => each.includes('advertise'))).toEqual(['a advertise 100', 'b advertise 100'])
  })

  test.each<[string, (story: Story) => Story]>([
    ['whom it has never heard', (story) => story],
    ['who had given the role up', (story) => story.advert(200).advert(0)],
    ['who is not the one that it had heard', (story) => story.advert(200, '10.0.0.3')],
  ])('but nothing to one %s', (_, before) => {
    const story = before(new Story([anInstance()]).until(1000)).until(6000)
    expect(story.stateOf()).toBe('master')
    expect(story.advert(200).effects).toEqual(['a master -> backup', 'remove any 10.0.0.100'])
  })

  test('and nothing when it has said goodbye', () => {
    const story = new Story([anInstance()]).until(1000).advert(200).until(6000)
    story.on({ type: 'yield', instances: ['a'], duty: 'normal', force: false }).advert(200)
    expect(story.effects.filter((each) => each.includes('advertise'))).toEqual([])
    expect(story.stateOf()).toBe('backup')
  })
})

describe('a master that hears this last advert', () => {
  test('wins back the hosts, at once and again', () => {
    const story = new Story([anInstance({ priority: 200 })]).until(6000).advert(100)
    expect(story.effects).toEqual(['a advertise 200', 'a rival 100', 'a announce'])
    expect(story.until(7500).effects.filter((each) => each.endsWith('announce'))).toHaveLength(3)
  })

  test('answers, and takes it for no second master, when it has just displaced that router', () => {
    const story = new Story([anInstance({ priority: 200 })]).until(1000).advert(100).until(3219)
    expect(story.stateOf()).toBe('master')
    expect(story.advert(100).effects).toEqual(['a advertise 200'])
    expect(dual(story)).toBeUndefined()
    // One that goes on is one.
    expect(story.until(4300).advert(100).effects).toEqual(['a advertise 200', 'a rival 100', 'a announce'])
    expect(dual(story)).toMatchObject({ source: '10.0.0.2' })
  })
})
