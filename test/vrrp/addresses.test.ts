import { describe, expect, test } from 'vitest'
import type { VirtualAddress } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { isFinished } from '../../src/vrrp/engine.ts'
import type { HeldAddress } from '../../src/vrrp/state.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

const vip = (last: number, prefix = 24): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix, device: 'eth0' })
const left = (last: number, expires = false): HeldAddress => ({ address: vip(last), router: 'old', expires })
const x = (vrid: number, ...addresses: VirtualAddress[]) => anInstance({ name: 'x', vrid, addresses })
const y = (vrid: number, ...addresses: VirtualAddress[]) => anInstance({ name: 'y', vrid, addresses })
const has = (...addresses: VirtualAddress[]) =>
  anInterface('eth0', {
    addresses: [
      { ...vip(1), primary: true, tentative: false },
      ...addresses.map((each) => ({ ...each, primary: false, tentative: false })),
    ],
  })
const changes = (story: Story) =>
  story.effects
    .map((effect) => effect.replace(/^\d+ /, ''))
    .filter((effect) => /^(add|remove|restore|expire)/.test(effect))

describe('a reload while master of everything', () => {
  const [a, b, c] = [vip(6), vip(7), vip(8)]
  test.each([
    ['VRIDs exchanged', [x(10, a), y(20, b)], [x(20, a), y(10, b)], []],
    ['addresses exchanged', [x(10, a), y(20, b)], [x(10, b), y(20, a)], []],
    ['an address moved to the other', [x(10, a), y(20, b, c)], [x(10, a, b), y(20, c)], []],
    ['one instance takes over from one that is gone', [x(10, a), y(20, b)], [x(10, a, b)], []],
    ['a new name', [x(10, a)], [y(10, a)], []],
    ['to excluded', [x(10, a, b)], [{ ...x(10, a), excludedAddresses: [b] }], []],
    ['another prefix length', [x(10, a)], [x(10, vip(6, 32))], ['add 10.0.0.6', 'remove ours 10.0.0.6']],
    ['one less', [x(10, a, b)], [x(10, a)], ['remove ours 10.0.0.7']],
    ['another router with the same address', [x(10, a)], [y(77, a)], []],
    ['another version of the same router', [x(10, a)], [{ ...x(10, a), version: 2 }], []],
  ] as const)('%s', (_name, before, after, expected) => {
    const story = new Story(before).until(4000).configure(after)
    expect(changes(story)).toEqual(expected)
    expect(changes(story.until(9000))).toEqual([])
  })
})

describe('addresses that are there at the start', () => {
  test('stay while the election listens, and become those of the master', () => {
    const story = new Story([x(10, vip(6))], [], [left(6)])
    expect(changes(story)).toEqual([])
    expect(changes(story.network(has(vip(6))).until(4000))).toEqual([])
    expect(story.stateOf('x')).toBe('master')
  })

  test('are added again by the one that becomes master, when somebody else has removed them meanwhile', () => {
    const story = new Story([x(10, vip(6))], [], [left(6)]).network(has(vip(6))).network(has())
    expect(changes(story)).toEqual([])
    expect(changes(story.until(4000))).toEqual(['add 10.0.0.6'])
  })

  test('go when a master is heard, whoever had put them there', () => {
    for (const remembered of [[left(6)], []]) {
      const story = new Story([x(10, vip(6))], [], remembered)
      story.network(has(vip(6))).advert(90, '10.0.0.2', 1000, 'x')
      expect(changes(story)).toEqual(['remove any 10.0.0.6'])
    }
  })

  test('go when no instance has them any more, if they are ours', () => {
    const remembered = [left(6), left(7)]
    const story = new Story([x(10, vip(6))], [], remembered)
    expect(changes(story)).toEqual(['remove ours 10.0.0.7'])
  })

  test('that would expire outlast the down timer, and are for good when it ends', () => {
    const remembered = [left(6, true)]
    const story = new Story([x(10, vip(6))], [], remembered)
    expect(changes(story)).toEqual(['expire 10.0.0.6 after 14809'])
    expect(changes(story.network(has(vip(6))).until(3609))).toEqual([])
    story.until(3610)
    expect(story.effects).toContain('3609 add 10.0.0.6')
  })

  test('of an instance or an address that a reload brings go when a master is heard', () => {
    const story = new Story([x(10, vip(6))]).network(has(vip(44))).advert(200, '10.0.0.2', 1000, 'x')
    expect(changes(story)).toEqual([])
    story.configure([x(10, vip(6)), y(94, vip(44))])
    expect(changes(story.advert(200, '10.0.0.2', 1000, 'x'))).toEqual([])
    expect(changes(story.advert(200, '10.0.0.2', 1000, 'y'))).toEqual(['remove any 10.0.0.44'])
    story.configure([x(10, vip(6), vip(44))])
    expect(changes(story.advert(200, '10.0.0.2', 1000, 'x'))).toEqual(['remove any 10.0.0.44'])
  })
})

test('an address that somebody else removes from a master is put back', () => {
  const story = new Story([x(10, vip(6))]).until(4000).network(has(vip(6)))
  expect(changes(story)).toEqual([])
  expect(changes(story.network(has()))).toEqual(['restore 10.0.0.6'])
})

describe('a group that a reload makes of a master and a backup', () => {
  const group = [{ name: 'g', instances: ['x', 'y'], tracks: [] }]
  const split = () =>
    new Story([x(10, vip(6)), y(20, vip(7))]).until(3000).advert(200, '10.0.0.2', 1000, 'y').until(4000)

  test('has backups only, and loses no address before somebody else has it', () => {
    const story = split().configure([x(10, vip(6)), y(20, vip(7))], group)
    expect(story.effects).toEqual(['x advertise 0', 'x master -> backup'])
    expect(changes(story.advert(200, '10.0.0.2', 1000, 'y'))).toEqual([])
    expect(changes(story.advert(100, '10.0.0.2', 1000, 'x'))).toEqual(['remove any 10.0.0.6'])
  })

  test('is master of all when nobody is there', () => {
    const story = split()
      .configure([x(10, vip(6)), y(20, vip(7))], group)
      .until(9000)
    expect([story.stateOf('x'), story.stateOf('y')]).toEqual(['master', 'master'])
    expect(changes(story)).toEqual(['add 10.0.0.7'])
  })
})

describe('an orderly stop', () => {
  const stop = (keepAddresses = true) => ({ type: 'stop', keepAddresses }) as const
  const master = (advertInt = 1000) =>
    new Story(
      [x(10, vip(6)), { ...y(20), advertInt: millis(1000) }].map((each) => ({ ...each, advertInt: millis(advertInt) })),
    ).until(20_000)

  test('says farewell, and has the address until a successor advertises', () => {
    const story = master().on(stop())
    expect(story.effects).toEqual(['x advertise 0', 'x master -> init', 'y advertise 0', 'y master -> init'])
    expect(isFinished(story.state)).toBe(false)
    expect(changes(story.advert(0, '10.0.0.2', 1000, 'x'))).toEqual([])
    expect(changes(story.advert(1, '10.0.0.2', 1000, 'x'))).toEqual(['remove any 10.0.0.6'])
    expect(isFinished(story.state)).toBe(true)
  })

  test('leaves it to expire when nobody comes', () => {
    const story = master().on(stop())
    expect(changes(story.until(21_199))).toEqual([])
    expect(changes(story.until(21_201))).toEqual(['expire 10.0.0.6 after 10000'])
    expect(isFinished(story.state)).toBe(true)
  })

  test('removes it when a successor would take longer than can be waited for', () => {
    const story = master(3000).on(stop())
    expect(changes(story.until(22_499))).toEqual([])
    expect(changes(story.until(22_501))).toEqual(['remove any 10.0.0.6'])
  })

  test('can be told not to wait', () => {
    const story = master().on(stop(false))
    expect(changes(story)).toEqual(['remove any 10.0.0.6'])
    expect(isFinished(story.state)).toBe(true)
  })

  test('is over at once for a backup, and in fault', () => {
    const backup = new Story([x(10, vip(6))]).network(has(vip(6))).advert(200, '10.0.0.2', 1000, 'x')
    expect(backup.on(stop()).effects).toEqual(['x backup -> init'])
    const fault = new Story([x(10, vip(6))]).link('eth0', false).on(stop())
    expect([isFinished(backup.state), isFinished(fault.state)]).toEqual([true, true])
  })

  test('releases a sync group together', () => {
    const story = new Story([x(10, vip(6)), y(20, vip(7))], [{ name: 'g', instances: ['x', 'y'], tracks: [] }])
    story.until(4000).on(stop())
    expect(changes(story.advert(1, '10.0.0.2', 1000, 'y'))).toEqual(['remove any 10.0.0.6 10.0.0.7'])
  })

  test('keeps what a second router of this host still waits with', () => {
    const story = new Story([x(10, vip(6)), y(20, vip(6))]).until(4000).on(stop())
    expect(changes(story.advert(1, '10.0.0.2', 1000, 'y'))).toEqual([])
    expect(changes(story.advert(1, '10.0.0.2', 1000, 'x'))).toEqual(['remove any 10.0.0.6'])
  })

  test('is not undone by news of the network', () => {
    const story = master()
      .on(stop())
      .network(has(vip(6)))
    expect([story.effects, story.stateOf('x')]).toEqual([[], 'init'])
  })
})
