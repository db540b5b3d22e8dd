import { describe, expect, test } from 'vitest'
import type { VrrpInstance } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { masterDownInterval, skewTime } from '../../src/vrrp/timers.ts'
import { anInstance, ip, USUAL_GARP } from './instances.ts'
import { Story } from './story.ts'

describe('timers (§6.1)', () => {
  test.each([
    [3, 100, 1000, (156 * 1000) / 256],
    [3, 254, 10, 20 / 256],
    [3, 1, 40_950, (255 * 40_950) / 256],
    [2, 100, 3000, (156 * 1000) / 256],
  ] as const)('version %i, priority %i, interval %i ms: skew %d ms', (version, priority, interval, skew) => {
    const instance = anInstance({ version, priority })
    expect(skewTime(instance, millis(interval))).toBeCloseTo(skew)
    expect(masterDownInterval(instance, millis(interval))).toBeCloseTo(3 * interval + skew)
  })
})

describe('start (§6.4.1)', () => {
  test('the owner of the addresses is master at once', () => {
    expect(new Story([anInstance({ priority: 255 })]).effects).toEqual([
      'a init -> master',
      'a advertise 255',
      'add 10.0.0.100',
      'a announce',
    ])
  })

  test('anybody else waits for the down interval first', () => {
    const story = new Story([anInstance()])
    expect(story.effects).toEqual(['a init -> backup'])
    expect(story.until(3609).effects).toEqual([])
    expect(story.until(3610).effects).toEqual([
      '3609 a backup -> master',
      '3609 a advertise 100',
      '3609 add 10.0.0.100',
      '3609 a announce',
    ])
  })
})

describe('backup (§6.4.2)', () => {
  test('an advert of the same or a higher priority restarts the timer with the sender’s interval', () => {
    const story = new Story([anInstance()]).until(3000).advert(100, '10.0.0.2', 3000)
    expect(nextDeadline(story.state)).toBeCloseTo(3000 + 9000 + (156 * 3000) / 256)
  })

  test('an advert of a lower priority is discarded when preempting', () => {
    const story = new Story([anInstance()]).until(3000).advert(99)
    expect(nextDeadline(story.state)).toBeCloseTo(3609.375)
  })

  test('without preemption it restarts the timer', () => {
    const story = new Story([anInstance({ preempt: false })]).until(3000).advert(99)
    expect(nextDeadline(story.state)).toBeCloseTo(3000 + 3609.375)
  })

  test('with preempt_delay a lower master is left alone for that long', () => {
    const story = new Story([anInstance({ preemptDelay: millis(10_000) })])
    for (let t = 1000; t <= 20_000 && story.stateOf() === 'backup'; t += 1000) story.until(t).advert(99)
    expect(story.now).toBeGreaterThanOrEqual(10_000 + 3609)
    expect(story.now).toBeLessThanOrEqual(10_000 + 3609 + 2000)
  })

  test('priority 0 leaves the skew time only, by the interval of the master that leaves', () => {
    const story = new Story([anInstance()]).until(100).advert(200, '10.0.0.2', 500).until(200).advert(0)
    expect(nextDeadline(story.state)).toBeCloseTo(200 + (156 * 500) / 256)
  })

  test('stopping says nothing to anybody', () => {
    expect(new Story([anInstance()]).on({ type: 'stop', keepAddresses: true }).effects).toEqual(['a backup -> init'])
  })

  test('an unrelated event while the timer runs does not make it master', () => {
    expect(new Story([anInstance()]).until(1000).on({ type: 'deadline' }).effects).toEqual([])
  })
})

describe('master (§6.4.3)', () => {
  const master = (change: Partial<VrrpInstance> = {}) => new Story([anInstance(change)]).until(3700)

  test('advertises in its own interval, whatever it had learned before', () => {
    const story = new Story([anInstance()]).advert(200, '10.0.0.2', 3000).until(11_000)
    const adverts = story.until(14_000).effects.filter((effect) => effect.includes('advertise'))
    expect(adverts).toHaveLength(3)
  })

  test('announces its addresses again after garp_master_delay', () => {
    expect(
      master()
        .until(9000)
        .effects.filter((effect) => effect.includes('announce')),
    ).toEqual(['8609 a announce'])
    expect(
      master({ garp: { ...USUAL_GARP, delay: millis(0) } })
        .until(9000)
        .effects.join(),
    ).not.toContain('announce')
  })

  test('answers priority 0 with an advert', () => {
    expect(master().advert(0).effects).toEqual(['a advertise 100'])
  })

  test.each([
    ['a higher priority', 101, '10.0.0.0'],
    ['the same priority from a greater address', 100, '10.0.0.2'],
  ])('yields to %s', (_name, priority, source) => {
    expect(master().advert(priority, source).effects).toEqual(['a master -> backup', 'remove any 10.0.0.100'])
  })

  test('addresses are compared as unsigned numbers', () => {
    expect(master().advert(100, '200.0.0.1').effects).toEqual(['a master -> backup', 'remove any 10.0.0.100'])
    expect(master().advert(100, '9.0.0.1').stateOf()).toBe('master')
  })

  test('answers a lower priority at once, and repeats its announcement soon', () => {
    const story = master().advert(99)
    expect(story.effects).toEqual(['a advertise 100', 'a rival 99', 'a announce'])
    const repeats = story.until(9000).effects.filter((effect) => effect.includes('announce'))
    expect(repeats).toEqual(['3750 a announce', '3900 a announce', '4700 a announce', '8700 a announce'])
  })

  test('a storm of lower priorities is answered each time, but announced only every 50 ms', () => {
    const story = master()
    let announced = 0
    for (let i = 0; i < 1000; i++) {
      expect(story.advert(99).effects[0]).toBe('a advertise 100')
      announced += story.effects.includes('a announce') ? 1 : 0
    }
    expect(announced).toBe(1)
  })

  test('of a lower priority that comes again it is told each time, every 50 ms at most', () => {
    const rivals = (pause: number) => {
      const story = master()
      let told = 0
      for (let at = 4000; at < 14_000; at += pause) {
        told += story.until(at).advert(99).effects.includes('a rival 99') ? 1 : 0
      }
      return told
    }
    expect(rivals(1000)).toBe(10)
    expect(rivals(10)).toBe(200)
  })

  test('stopping sends priority 0 before the addresses go', () => {
    const { effects } = master().on({ type: 'stop', keepAddresses: false })
    expect(effects).toEqual(['a advertise 0', 'a master -> init', 'remove any 10.0.0.100'])
  })

  test('loses the role with its link, and comes back as backup', () => {
    const story = master().link('eth0', false)
    expect(story.effects).toEqual(['a advertise 0', 'a master -> fault', 'remove any 10.0.0.100'])
    expect(story.advert(1).effects).toEqual([])
    expect(story.link('eth0', true).effects).toEqual(['a fault -> backup'])
  })
})

describe('sync groups', () => {
  const inside = [{ address: ip('10.1.0.100'), prefix: 32, device: 'eth1' }]
  const pair = () =>
    new Story(
      [anInstance(), anInstance({ name: 'b', interface: 'eth1', vrid: 52, addresses: inside })],
      [{ name: 'g', instances: ['a', 'b'], tracks: [] }],
    )

  test('become master together, when the last member is ready', () => {
    const story = pair().until(3000).advert(200, '10.0.0.2', 1000, 'b')
    expect(story.until(6000).effects).toEqual([])
    expect(story.until(6700).effects.filter((effect) => effect.includes('->'))).toEqual([
      '6609 a backup -> master',
      '6609 b backup -> master',
    ])
  })

  test('yield together', () => {
    const story = pair().until(4000).advert(200)
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['backup', 'backup'])
    expect(story.effects).toContain('remove any 10.0.0.100')
    expect(story.advert(200, '10.0.0.2', 1000, 'b').effects).toEqual(['remove any 10.1.0.100'])
  })

  test('fail and recover together', () => {
    const story = pair().until(4000).link('eth1', false)
    expect(story.effects).toEqual([
      'a advertise 0',
      'a master -> fault',
      'b advertise 0',
      'b master -> fault',
      'remove any 10.0.0.100 10.1.0.100',
    ])
    expect(story.link('eth1', true).effects).toEqual(['a fault -> backup', 'b fault -> backup'])
  })
})

describe('configuration', () => {
  test('the same one again changes nothing', () => {
    const story = new Story([anInstance()]).until(4000)
    expect(story.configure([anInstance()]).effects).toEqual([])
    expect(nextDeadline(story.state)).toBeCloseTo(4609.375)
  })

  test('a master keeps its role with new addresses', () => {
    const story = new Story([anInstance()]).until(4000)
    const addresses = [{ address: ip('10.0.0.101'), prefix: 32, device: 'eth0' }]
    story.configure([anInstance({ addresses })])
    expect(story.effects).toEqual(['a advertise 100', 'add 10.0.0.101', 'a announce', 'remove ours 10.0.0.100'])
  })

  test('an instance that is gone gives up in order, and a new one starts', () => {
    const story = new Story([anInstance()]).until(4000)
    const other = [{ address: ip('10.0.0.101'), prefix: 32, device: 'eth0' }]
    story.configure([anInstance({ vrid: 9, addresses: other })])
    expect(story.effects).toEqual(['a advertise 0', 'a master -> init', 'a init -> backup'])
    // The address stays until a successor is heard, or it is known that there is none.
    story.advert(90, '10.0.0.2', 1000, 'a (removed)')
    expect(story.effects).toEqual(['remove ours 10.0.0.100'])
    expect(story.stateOf('a (removed)')).toBe('gone')
  })

  test('a process that follows a dead one goes on as master', () => {
    const story = new Story([anInstance()]).on({ type: 'adopt', masters: [anInstance()], known: [] })
    expect(story.effects).toEqual(['a backup -> master', 'a advertise 100', 'add 10.0.0.100', 'a announce'])
  })
})
