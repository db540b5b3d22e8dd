import { describe, expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import type { Track } from '../../src/model/tracking.ts'
import { anInstance, ip } from './instances.ts'
import { anInterface, aResult, Story } from './story.ts'

/** A file whose number counts, and a script that decides about fault. */
const load: Track = { kind: 'file', name: 'load', weight: 1, reverse: false }
const script: Track = { kind: 'script', name: 'script', weight: 0, reverse: false }
const good = [aResult('script', 'script', true)]

const b = anInstance({
  name: 'b',
  interface: 'eth1',
  vrid: 52,
  addresses: [{ address: ip('10.1.0.100'), prefix: 32, device: 'eth1' }],
})
const group = [{ name: 'g', instances: ['a', 'b'], tracks: [] }]
const tracking = (change: Parameters<typeof anInstance>[0] = {}) => anInstance({ tracks: [load, script], ...change })
const backup = (change: Parameters<typeof anInstance>[0] = {}) =>
  new Story([tracking(change)], [], [], { results: good })
const master = (change: Parameters<typeof anInstance>[0] = {}) => backup(change).until(4000)

describe('another effective priority of a master', () => {
  test('is advertised at once, and in every advert from then on', () => {
    const story = master().file('load', -30)
    expect(story.effects).toEqual(['a advertise 70', 'a priority 100 -> 70'])
    expect(story.until(6000).effects).toEqual(['5000 a advertise 70', '6000 a advertise 70'])
    expect(story.file('load', -30).effects).toEqual([])
    expect(story.file('load', 0).effects).toEqual(['a advertise 100', 'a priority 70 -> 100'])
  })

  test('decides about the adverts of others', () => {
    expect(master().file('load', -30).advert(80).stateOf()).toBe('backup')
    expect(master().advert(80).stateOf()).toBe('master')
    expect(master().file('load', 50).advert(120).stateOf()).toBe('master')
    expect(master().file('load', -30).advert(70, '10.0.0.2').reasonOf()).toBe(
      '10.0.0.2 has the same priority (70) and a greater address',
    )
  })

  test('answers a farewell and a rival', () => {
    expect(master().file('load', -30).advert(0).effects).toEqual(['a advertise 70'])
    expect(master().file('load', 50).advert(120).effects[0]).toBe('a advertise 150')
  })

  test('is not that of the owner', () => {
    expect(master({ priority: 255 }).file('load', -30).effects).toEqual([])
  })
})

describe('another effective priority of a backup', () => {
  const skew = (priority: number) => ((256 - priority) * 1000) / 256

  test('moves the end of its down timer by the difference of the skew times', () => {
    const story = backup().until(1000).advert(200)
    expect(nextDeadline(story.state)).toBeCloseTo(1000 + 3000 + skew(100))
    expect(nextDeadline(story.until(2000).file('load', 100).state)).toBeCloseTo(1000 + 3000 + skew(200))
    expect(nextDeadline(story.file('load', -50).state)).toBeCloseTo(1000 + 3000 + skew(50))
    expect(story.effects).toEqual(['a priority 200 -> 50'])
  })

  test('is what it has after a farewell, too', () => {
    const story = backup().until(1000).advert(200).file('load', 100).advert(0)
    expect(nextDeadline(story.state)).toBeCloseTo(1000 + skew(200))
  })

  test('above that of the master takes over when the down timer ends', () => {
    const story = backup().until(1000).advert(150).file('load', 60)
    for (let t = 2000; t <= 4000; t += 1000) story.until(t).advert(150)
    expect(story.stateOf()).toBe('backup')
    expect(story.until(4300).effects).toEqual([])
    expect(story.until(4400).effects.slice(0, 2)).toEqual(['4375 a backup -> master', '4375 a advertise 160'])
    expect(story.reasonOf()).toBe('higher priority than 10.0.0.2 (150)')
  })

  test('below that of a master that it was about to take over from leaves this one alone', () => {
    const story = backup().until(3000).advert(90).file('load', -20).until(3500).advert(90)
    expect(story.until(4000).stateOf()).toBe('backup')
    expect(story.reasonOf()).toBe('10.0.0.2 is master with priority 90')
  })

  test('ends a preempt_delay that has begun', () => {
    const story = backup({ preemptDelay: millis(1000) })
      .until(1000)
      .advert(90)
    expect(story.reasonOf()).toContain('until preempt_delay is over')
    story.file('load', -20).until(1500).advert(90).file('load', 0).until(2500).advert(90)
    // It is heard anew from then on.
    expect(story.reasonOf()).toContain('until preempt_delay is over')
  })
})

describe('a tracker that reports a fault', () => {
  test('ends the role as a link does, and its recovery begins as a backup', () => {
    const story = master().script('script', false)
    expect(story.effects).toEqual(['a advertise 0', 'a master -> fault', 'remove any 10.0.0.100'])
    expect(story.reasonOf()).toBe('script reports a fault')
    expect(story.advert(1).effects).toEqual([])
    expect(story.script('script', true).effects).toEqual(['a fault -> backup'])
    expect(story.reasonOf()).toBe('script reports no fault any more')
  })

  test('that has recovered leaves the down timer as it is: adverts have arrived all the time', () => {
    const down = 3000 + ((256 - 100) * 1000) / 256
    const story = master().script('script', false).until(5000).script('script', true)
    expect(nextDeadline(story.state)).toBeCloseTo(5000 + down)
    // After the link it waits until adverts can come, also when a tracker was missing longer than that.
    story.link('eth0', false).script('script', false).until(6000).link('eth0', true).script('script', true)
    expect(nextDeadline(story.state)).toBeCloseTo(6000 + down + 1200)
  })

  test('keeps an instance from beginning, also the owner', () => {
    const story = new Story([]).configure([tracking({ priority: 255 })]).script('script', false)
    story.link('eth0', true)
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'script reports a fault'])
    expect(story.script('script', true).stateOf()).toBe('master')
  })

  test('and a link that is down: both have to come back', () => {
    const story = master().link('eth0', false).script('script', false)
    expect(story.reasonOf()).toBe('eth0 is down')
    expect(story.link('eth0', true).stateOf()).toBe('fault')
    expect(story.reasonOf()).toBe('script reports a fault')
    expect(story.script('script', true).stateOf()).toBe('backup')
  })

  test('is not adopted over', () => {
    const story = backup().script('script', false)
    expect(story.on({ type: 'adopt', masters: [anInstance()], known: [] }).stateOf()).toBe('fault')
  })

  test('with the weight of another one in one set: no advert of the new priority', () => {
    const story = master().trackers(aResult('script', 'script', false), aResult('file', 'load', -20))
    expect(story.effects).toEqual(['a advertise 0', 'a master -> fault', 'remove any 10.0.0.100'])
    expect(story.priorityOf()).toBe(80)
  })

  test('takes its sync group with it', () => {
    const inGroup = [anInstance(), { ...b, tracks: [script] }]
    const story = new Story(inGroup, group, [], { results: good }).until(4000).script('script', false)
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['fault', 'fault'])
    expect(story.reasonOf('a')).toBe('sync group g: b (script reports a fault)')
    story.script('script', true)
    expect(story.reasonOf('a')).toBe('sync group g: b (script reports no fault any more)')
  })

  test('by a number that takes 254 or more from the priority', () => {
    const story = master().file('load', -254)
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'load says -254'])
    expect([story.file('load', -253).stateOf(), story.priorityOf()]).toEqual(['backup', 1])
  })
})

describe('a script that has not said anything yet', () => {
  test('keeps an instance from beginning, and its first result decides', () => {
    const story = new Story([tracking()])
    expect([story.stateOf(), story.reasonOf()]).toEqual(['init', 'waits for the first result of the script script'])
    expect(story.until(20_000).effects).toEqual([])
    expect(story.script('script', true).effects).toEqual(['a init -> backup'])
    expect(new Story([tracking()]).script('script', false).effects).toEqual(['a init -> fault'])
  })

  test('keeps the others of its group from it, too', () => {
    const story = new Story([tracking(), b], group)
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['init', 'init'])
    expect(story.until(5000).script('script', true).effects).toEqual(['a init -> backup', 'b init -> backup'])
  })

  test('is nothing to wait for with a weight', () => {
    const story = new Story([anInstance({ tracks: [{ ...script, weight: 20 }] })])
    expect([story.stateOf(), story.priorityOf()]).toEqual(['backup', 100])
    expect(story.script('script', true).effects).toEqual(['a priority 100 -> 120'])
  })

  test('does not end the role of who began to hang on it by a reload', () => {
    const story = new Story([anInstance()]).until(4000).configure([tracking()])
    expect(story.stateOf()).toBe('master')
    expect(story.script('script', false).stateOf()).toBe('fault')
  })

  test('does not keep a process that follows a dead one from going on as master', () => {
    const story = new Story([tracking()]).on({ type: 'adopt', masters: [anInstance()], known: [] })
    expect(story.stateOf()).toBe('master')
    expect(story.script('script', false).stateOf()).toBe('fault')
  })

  test('is waited for by who has lost its link meanwhile', () => {
    const story = new Story([tracking()]).link('eth0', false).link('eth0', true)
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'waits for the first result of the script script'])
    expect(story.script('script', true).stateOf()).toBe('backup')
  })

  test('joins a group that is master: all are backups then', () => {
    const story = new Story([anInstance()], [{ name: 'g', instances: ['a'], tracks: [] }]).until(4000)
    story.network(anInterface('eth1')).configure([anInstance(), { ...b, tracks: [script] }], group)
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['master', 'init'])
    story.script('script', true)
    expect([story.stateOf('a'), story.stateOf('b')]).toEqual(['backup', 'backup'])
  })
})

describe('another interface', () => {
  const eth1: Track = { kind: 'interface', name: 'eth1', weight: 0, reverse: false }
  const watching = (change: Partial<Track> = {}, others: Parameters<typeof anInstance>[0] = {}) =>
    new Story([anInstance({ tracks: [{ ...eth1, ...change }], ...others })])
      .network(anInterface('eth1', { index: 2 }))
      .until(6000)
  const eth1Is = (up: boolean) => anInterface('eth1', { index: 2, up })

  test('that is down is a fault', () => {
    const story = watching().network(eth1Is(false))
    expect(story.effects).toEqual(['a advertise 0', 'a master -> fault', 'remove any 10.0.0.100'])
    expect(story.reasonOf()).toBe('eth1 is down')
    expect(story.network(eth1Is(true)).effects).toEqual(['a fault -> backup'])
    expect(story.reasonOf()).toBe('eth1 is up again')
  })

  test('that there is not is down', () => {
    const story = new Story([anInstance({ tracks: [eth1] })])
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'eth1 is down'])
  })

  test('with a weight moves the priority', () => {
    const story = watching({ weight: -30 }).network(eth1Is(false))
    expect(story.effects.slice(0, 2)).toEqual(['a advertise 70', 'a priority 100 -> 70'])
    expect(watching({ weight: 30 }).priorityOf()).toBe(130)
    expect(watching({ weight: 30, reverse: true }).priorityOf()).toBe(70)
  })

  test('that is up is a fault where it says reverse', () => {
    const story = watching({ reverse: true })
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'eth1 is up'])
    expect(story.network(eth1Is(false)).reasonOf()).toBe('eth1 is down again')
  })

  test('that is its own has no weight', () => {
    expect(watching({ name: 'eth0', weight: -30 }).priorityOf()).toBe(100)
    expect(watching({ name: 'eth0', weight: -30 }).link('eth0', false).stateOf()).toBe('fault')
  })

  test('of a group is one of each of its members', () => {
    const groups = [{ name: 'g', instances: ['a', 'b'], tracks: [{ ...eth1, name: 'eth2', weight: -30 }] }]
    const story = new Story([anInstance(), b], groups).network(anInterface('eth2', { index: 3 })).until(5000)
    story.network(anInterface('eth2', { index: 3, up: false }))
    expect(story.effects.slice(0, 4)).toEqual([
      'a advertise 70',
      'a priority 100 -> 70',
      'b advertise 70',
      'b priority 100 -> 70',
    ])
  })
})

describe('the own interface of an instance that does not track it', () => {
  const careless = () => new Story([anInstance({ trackPrimary: false })]).until(4000)

  test('may be down', () => {
    expect(careless().link('eth0', false).stateOf()).toBe('master')
  })

  test('has to have an address, and to be there', () => {
    expect(
      careless()
        .network(anInterface('eth0', { addresses: [] }))
        .stateOf(),
    ).toBe('fault')
    expect(careless().on({ type: 'network', interfaces: [] }).stateOf()).toBe('fault')
  })

  test('counts where its group tracks it', () => {
    const own: Track = { kind: 'interface', name: 'eth0', weight: -30, reverse: false }
    const groups = [{ name: 'g', instances: ['a', 'b'], tracks: [own] }]
    const story = new Story([anInstance({ trackPrimary: false }), b], groups).link('eth0', false)
    expect([story.priorityOf('a'), story.priorityOf('b')]).toEqual([70, 70])
  })
})

describe('a configured source', () => {
  const sent = (trackSource: boolean) =>
    new Story([anInstance({ source: ip('10.0.0.9'), trackSource })]).network(
      anInterface('lo', {
        index: 9,
        addresses: [{ address: ip('10.0.0.9'), prefix: 32, primary: true, tentative: false }],
      }),
    )

  test('may be on any interface, unless it is tracked', () => {
    expect(sent(false).stateOf()).toBe('backup')
    expect([sent(true).stateOf(), sent(true).reasonOf()]).toEqual(['fault', '10.0.0.9 is not on eth0'])
  })
})

describe('what is tracked', () => {
  test('goes on through a reload, with another priority, and another name', () => {
    const story = master().file('load', -30)
    story.configure([tracking({ priority: 120 })])
    expect(story.effects).toEqual(['a priority 70 -> 90', 'a advertise 90', 'a announce'])
    expect(story.configure([tracking({ name: 'z', priority: 120 })]).priorityOf('z')).toBe(90)
  })

  test('and what comes with a configuration, are one', () => {
    const story = master().configure([tracking()], [], { results: [aResult('file', 'load', -30)] })
    expect(story.effects).toEqual(['a advertise 70', 'a priority 100 -> 70'])
    expect(
      master()
        .configure([tracking()], [], { results: [aResult('script', 'script', false)] })
        .stateOf(),
    ).toBe('fault')
  })

  test('is forgotten when nobody tracks it any more', () => {
    const story = master().file('load', -30).configure([anInstance()])
    expect([story.priorityOf(), story.state.results.size]).toEqual([100, 0])
    expect(story.file('load', -30).state.results.size).toBe(0)
  })

  test('changes nothing any more after a stop', () => {
    const stopped = master().on({ type: 'stop', keepAddresses: true })
    expect(stopped.script('script', false).effects).toEqual([])
    expect(stopped.stateOf()).toBe('init')
  })

  test('has had its value since it changed, not since the last result', () => {
    const story = master()
    const since = () => story.state.results.get('file load')?.since
    story.trackers(aResult('file', 'load', 5, 1000)).trackers(aResult('file', 'load', 5, 2000))
    expect(since()).toBe(1000)
    expect(story.trackers(aResult('file', 'load', 6, 3000)).state.results.get('file load')?.since).toBe(3000)
  })
})
