import { describe, expect, test } from 'vitest'
import type { Track } from '../../src/model/tracking.ts'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

const delayed = (down: number, up: number, device = 'eth0') => ({
  linkDelays: [{ interface: device, down: millis(down), up: millis(up) }],
})
const eth1: Track = { kind: 'interface', name: 'eth1', weight: 0, reverse: false }
const master = (down: number, up: number) => new Story([anInstance()], [], [], delayed(down, up)).until(4000)

describe('an interface with delays', () => {
  test('that is down counts when it has been for as long as is said', () => {
    const story = master(500, 800).link('eth0', false)
    expect([story.stateOf(), nextDeadline(story.state)]).toEqual(['master', 4500])
    expect(story.until(4499).stateOf()).toBe('master')
    expect(story.until(4500).effects).toEqual([
      '4500 a advertise 0',
      '4500 a master -> fault',
      '4500 remove any 10.0.0.100',
    ])
  })

  test('that comes up counts when it has been for as long as is said', () => {
    const story = master(500, 800).link('eth0', false).until(5000).link('eth0', true)
    expect(story.until(5799).stateOf()).toBe('fault')
    expect(story.until(5800).effects).toEqual(['5800 a fault -> backup'])
  })

  test('that comes back in time has not been away', () => {
    const story = master(500, 800).link('eth0', false).until(4400).link('eth0', true)
    expect(story.until(20_000).effects.filter((effect) => effect.includes('->'))).toEqual([])
    // The next time begins anew.
    expect(story.link('eth0', false).until(20_499).stateOf()).toBe('master')
    expect(story.until(20_500).stateOf()).toBe('fault')
  })

  test('that changes all the time stays what it was: the last change has to last', () => {
    const story = master(500, 800)
    for (let at = 4000; at < 9000; at += 200) story.until(at).link('eth0', at % 400 === 200)
    expect(story.stateOf()).toBe('master')
  })

  test('counts at once before it has been up, and when there is another one by its name', () => {
    const down = anInterface('eth0', { up: false })
    const story = new Story([]).configure([anInstance()], [], delayed(500, 800)).network(down)
    expect(story.stateOf()).toBe('fault')
    expect(story.link('eth0', true).stateOf()).toBe('backup')
    expect(story.network({ ...down, index: 7 }).stateOf()).toBe('fault')
  })

  test('that is gone is gone at once', () => {
    expect(master(500, 800).on({ type: 'network', interfaces: [] }).stateOf()).toBe('fault')
  })

  test('has to have its address all the time', () => {
    expect(
      master(500, 800)
        .network(anInterface('eth0', { up: false, addresses: [] }))
        .stateOf(),
    ).toBe('fault')
  })

  test('is believed to be down before peers take over, whatever is said: below two intervals', () => {
    const limit = 2000 - 1000 / 256
    const story = master(5000, 5000).link('eth0', false)
    expect(story.until(4000 + limit - 1).stateOf()).toBe('master')
    expect(story.until(4000 + limit).stateOf()).toBe('fault')
  })

  test('and of the intervals that of a faster master counts', () => {
    const story = new Story([anInstance()], [], [], delayed(5000, 5000)).until(1000).advert(200, '10.0.0.2', 100)
    story.link('eth0', false)
    expect(nextDeadline(story.state)).toBeCloseTo(1000 + 200 - 100 / 256)
  })

  test('that is only tracked may have a delay of any length', () => {
    const story = new Story([anInstance({ tracks: [eth1] })], [], [], delayed(60_000, 1000, 'eth1'))
      .network(anInterface('eth1', { index: 2 }))
      .until(4000)
      .network(anInterface('eth1', { index: 2, up: false }))
    expect(story.until(63_999).stateOf()).toBe('master')
    expect(story.until(64_000).stateOf()).toBe('fault')
  })

  test('does not keep others from their changes', () => {
    const b = anInstance({
      name: 'b',
      interface: 'eth1',
      vrid: 52,
      addresses: [{ address: ip('10.1.0.100'), prefix: 32, device: 'eth1' }],
    })
    const story = new Story([anInstance(), b], [], [], delayed(500, 800)).until(4000)
    expect(story.link('eth0', false).link('eth1', false).stateOf('b')).toBe('fault')
    expect(story.stateOf('a')).toBe('master')
  })

  test('is left as it is by a stop, and by what comes after it', () => {
    const story = master(500, 800).link('eth0', false).on({ type: 'stop', keepAddresses: true })
    expect(story.until(20_000).stateOf()).toBe('init')
    expect(nextDeadline(story.state)).toBeUndefined()
  })
})
