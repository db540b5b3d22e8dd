import { describe, expect, test } from 'vitest'
import type { VirtualAddress } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import type { HeldAddress } from '../../src/vrrp/state.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

const vip = (last: number): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix: 24, device: 'eth0' })
const LEASE = millis(5000)
const x = anInstance({ name: 'x', vrid: 10, addresses: [vip(6)], lease: LEASE })
const own = { ...vip(1), primary: true, tentative: false }
const has = (...addresses: readonly VirtualAddress[]) =>
  anInterface('eth0', {
    addresses: [own, ...addresses.map((each) => ({ ...each, primary: false, tentative: false }))],
  })

/** What happens to addresses until then, with the times. */
function changes(story: Story, until: number): readonly string[] {
  story.until(until)
  return story.effects.filter((effect) => /^\d+ (add|remove|restore|expire|renew)/.test(effect))
}

test('a master renews its leases when a half is left, and goes on with it', () => {
  const story = new Story([x])
  expect(changes(story, 9000)).toEqual(['3609 add 10.0.0.6', '6109 renew 10.0.0.6', '8609 renew 10.0.0.6'])
})

test('several are renewed together, by the shortest lease; what is for good is not', () => {
  const y = anInstance({ name: 'y', vrid: 20, addresses: [vip(7)], lease: millis(20_000) })
  const z = anInstance({ name: 'z', vrid: 30, addresses: [vip(8)] })
  const story = new Story([x, y, z]).until(3700)
  expect(changes(story, 9000).map((each) => each.replace(/^\d+ /, ''))).toEqual([
    'renew 10.0.0.6 10.0.0.7',
    'renew 10.0.0.6 10.0.0.7',
  ])
})

test('who gives an address up renews it no more, and who stops does until somebody follows', () => {
  const story = new Story([x]).until(5000)
  story.advert(200, '10.0.0.2', 1000, 'x')
  expect(changes(story, 8000)).toEqual([])
  const slow = { ...x, advertInt: millis(2000), lease: millis(4000) }
  const leaving = new Story([slow]).until(8000).on({ type: 'stop', keepAddresses: true })
  const after = changes(leaving, 11_000).map((each) => each.replace(/^\d+ /, ''))
  expect(after).toEqual(['renew 10.0.0.6', 'expire 10.0.0.6 after 10000'])
})

test('another lease by a reload holds at once', () => {
  const story = new Story([x]).until(4000).configure([{ ...x, lease: millis(8000) }])
  expect(story.effects).toContain('add 10.0.0.6')
})

describe('found by a new process', () => {
  const left: HeldAddress = { address: vip(6), router: 'old', expires: false, lease: LEASE }

  test('they are renewed at once, and while it is not known who is master', () => {
    const story = new Story([x], [], [left])
    expect(nextDeadline(story.state)).toBe(0)
    expect(changes(story, 3000)).toEqual(['0 renew 10.0.0.6', '2500 renew 10.0.0.6'])
    expect(changes(story, 6000)).toEqual(['5000 renew 10.0.0.6'])
    expect(story.stateOf('x')).toBe('master')
  })
})

describe('of a master that could not run for longer than its lease', () => {
  const frozen = () => {
    const story = new Story([x]).until(4000).network(has(vip(6)))
    story.now = millis(15_000)
    return story
  }

  test('nothing is put back before it is known what was heard', () => {
    const story = frozen().network(has())
    expect(story.effects).toEqual(['x master -> backup'])
    story.advert(200, '10.0.0.2', 1000, 'x')
    expect(story.on({ type: 'deadline' }).effects).toEqual([])
    expect(story.stateOf('x')).toBe('backup')
  })

  test('all is put back when nobody else was there', () => {
    const story = frozen().network(has()).until(19_000)
    expect(story.effects.filter((each) => each.includes('10.0.0.6'))).toEqual(['18609 add 10.0.0.6'])
    expect(story.stateOf('x')).toBe('master')
  })
})
