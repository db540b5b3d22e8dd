import { describe, expect, test } from 'vitest'
import type { VirtualAddress } from '../../src/model/vrrp.ts'
import { after, millis } from '../../src/time.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

/** Another program takes a virtual address away from a master. */
const vip = (last: number): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix: 24, device: 'eth0' })
const x = anInstance({ name: 'x', vrid: 10, addresses: [vip(6)] })
const has = (...addresses: readonly VirtualAddress[]) =>
  anInterface('eth0', {
    addresses: [
      { ...vip(1), primary: true, tentative: false },
      ...addresses.map((each) => ({ ...each, primary: false, tentative: false })),
    ],
  })

/** It is taken away so often, once in `every` ms. What comes of the last time. */
function rob(story: Story, times: number, every = 100): readonly string[] {
  let effects: readonly string[] = []
  for (let i = 0; i < times; i++) {
    story.network(has(vip(6)))
    story.until(after(story.now, millis(every)))
    effects = story.network(has()).effects
  }
  return effects
}
const master = (config = x) => new Story([config]).until(4000)

test('nine times in a minute it is put back at once', () => {
  const story = master()
  expect(rob(story, 9)).toEqual(['restore 10.0.0.6'])
  expect(story.stateOf('x')).toBe('master')
})

describe('the tenth time', () => {
  test('the role is left to others, and taken up again after a minute', () => {
    const story = master()
    const effects = rob(story, 10)
    expect(effects).toContain('x advertise 0')
    expect(effects).toContain('x master -> fault')
    expect(effects).not.toContain('restore 10.0.0.6')
    expect(story.reasonOf('x')).toBe('another program takes 10.0.0.6 away again and again')
    story.until(64_999)
    expect(story.stateOf('x')).toBe('fault')
    story.until(65_001)
    expect([story.stateOf('x'), story.reasonOf('x')]).toEqual(['backup', 'tries again with 10.0.0.6'])
    story.until(70_000)
    expect(story.stateOf('x')).toBe('master')
    expect(rob(story, 9)).toEqual(['restore 10.0.0.6'])
  })

  test('of an address with no_track it is left alone, and the role stays', () => {
    const untracked = { ...x, addresses: [{ ...vip(6), options: { untracked: true } as const }] }
    const story = master(untracked)
    expect(rob(story, 9)).toEqual(['restore 10.0.0.6'])
    expect(rob(story, 1)).toEqual([])
    expect(story.stateOf('x')).toBe('master')
  })

  test('its sync group goes with it', () => {
    const y = anInstance({ name: 'y', vrid: 20, addresses: [vip(7)] })
    const story = new Story([x, y], [{ name: 'g', instances: ['x', 'y'], tracks: [] }]).until(4000)
    for (let i = 0; i < 10; i++) story.network(has(vip(6), vip(7))).network(has(vip(7)))
    expect([story.stateOf('x'), story.stateOf('y')]).toEqual(['fault', 'fault'])
  })
})

test('a static address is put back, unless it has no_track', () => {
  const untracked: VirtualAddress = { ...vip(7), options: { untracked: true } }
  const statics = { addresses: [vip(6), untracked], routes: [], rules: [] }
  const event = { type: 'configure', instances: [], groups: [], linkDelays: [], results: [], statics } as const
  const story = new Story([]).on(event).network(has(vip(6), vip(7)))
  expect(story.network(has(vip(6))).effects).toEqual([])
  expect(story.network(has()).effects).toEqual(['restore 10.0.0.6'])
})

test('what was never there, since the kernel does not take it, nobody has taken away', () => {
  const story = master()
  for (let i = 0; i < 20; i++) story.network(has())
  expect(story.effects).toEqual(['restore 10.0.0.6'])
  expect(story.stateOf('x')).toBe('master')
})

test('more seldom than ten times in a minute it goes on for ever', () => {
  const story = master()
  expect(rob(story, 40, 7000)).toEqual(['restore 10.0.0.6'])
  expect(story.stateOf('x')).toBe('master')
})
