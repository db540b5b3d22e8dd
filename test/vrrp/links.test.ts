import { describe, expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { anInstance, aPeer, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

const unicast = { source: ip('10.0.0.1'), unicastPeers: [aPeer('10.0.0.2')] }
const on = (name: string, index: number, ...addresses: readonly string[]) =>
  anInterface(name, {
    index,
    addresses: addresses.map((each) => ({ address: ip(each), prefix: 24, primary: true, tentative: false })),
  })

describe('the source of the adverts', () => {
  test('belongs to the instance, not to the interface', () => {
    const other = anInstance({ name: 'b', vrid: 52, source: ip('10.0.0.5'), unicastPeers: [aPeer('10.0.0.2')] })
    const story = new Story([anInstance(unicast), other]).network(on('eth0', 1, '10.0.0.1', '10.0.0.5'))
    const link = (name: string) => story.state.members.get(name)?.link
    expect([link('a')?.source, link('b')?.source]).toEqual(['10.0.0.1', '10.0.0.5'])
    story.network(on('eth0', 1, '10.0.0.1'))
    expect([story.stateOf('a'), story.stateOf('b'), link('b')?.fault]).toEqual(['backup', 'fault', 'no-source'])
  })

  test('may be on another interface', () => {
    const story = new Story([anInstance({ ...unicast, source: ip('10.9.9.9') })])
    expect(story.stateOf()).toBe('fault')
    expect(story.network(on('lo', 9, '10.9.9.9')).stateOf()).toBe('backup')
  })

  test('is no virtual address of any instance, nor one that a process before has left', () => {
    const story = new Story([anInstance()]).network(on('eth0', 1, '10.0.0.100', '10.0.0.7'))
    expect(story.state.members.get('a')?.link?.source).toBe('10.0.0.7')
  })

  test('is the link-local address in IPv6, once nobody else is known to have it', () => {
    const router = anInstance({ family: 6, addresses: [{ address: ip('fe80::100'), prefix: 128, device: 'eth0' }] })
    const at = (address: string, tentative = false) => ({ address: ip(address), prefix: 64, primary: true, tentative })
    const story = new Story([router]).network(
      anInterface('eth0', { addresses: [at('10.0.0.1'), at('2001:db8::1'), at('fe80::100'), at('fe80::1', true)] }),
    )
    expect(story.reasonOf()).toBe('eth0 has no link-local IPv6 address')
    story.network(anInterface('eth0', { addresses: [at('2001:db8::1'), at('fe80::1')] }))
    expect(story.state.members.get('a')).toMatchObject({ link: { source: 'fe80::1' }, state: { name: 'backup' } })
    // As numbers, not as texts: fe80::9 is less than fe80::10.
    story.until(9000)
    expect(story.advert(100, 'fe80::0').stateOf()).toBe('master')
    expect(story.advert(100, 'fe80::10').stateOf()).toBe('backup')
  })

  test('is no use to unicast without a peer, where that is a fault', () => {
    const story = new Story([anInstance({ lacksPeers: true })])
    expect(story.stateOf()).toBe('fault')
    expect(story.reasonOf()).toBe('it has no unicast peer, and unicast_fault_no_peer is set')
    story.configure([anInstance(unicast)])
    expect(story.stateOf()).toBe('backup')
  })

  test('leads to the interface of an instance that names none, wherever it is', () => {
    const story = new Story([anInstance({ ...unicast, interface: '', source: ip('10.0.0.5') })])
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', '10.0.0.5 is not on this host'])
    story.network(on('eth4', 4, '10.0.0.5'))
    expect(story.state.members.get('a')).toMatchObject({ link: { source: '10.0.0.5' }, state: { name: 'backup' } })
    story.network(on('eth4', 4, '10.0.0.8'), on('eth3', 3, '10.0.0.5'))
    expect(story.stateOf()).toBe('backup')
    story.network({ ...on('eth3', 3, '10.0.0.5'), up: false })
    expect([story.stateOf(), story.reasonOf()]).toEqual(['fault', 'the interface that has 10.0.0.5 is down'])
  })

  test('decides between equal priorities', () => {
    const master = (source: string) =>
      new Story([anInstance({ ...unicast, source: ip(source) })])
        .network(on('eth0', 1, '10.0.0.1', '10.0.0.3'))
        .until(9000)
    expect(master('10.0.0.3').advert(100, '10.0.0.2').stateOf()).toBe('master')
    expect(master('10.0.0.1').advert(100, '10.0.0.2').stateOf()).toBe('backup')
  })

  test('that is lost sends the farewell all the same', () => {
    const story = new Story([anInstance(unicast)]).until(9000).network(on('eth0', 1))
    expect(story.effects[0]).toBe('a advertise 0')
  })
})

describe('a link that comes up', () => {
  const recovered = (change: Parameters<typeof anInstance>[0]) =>
    new Story([anInstance({ advertInt: millis(100), ...change })]).until(500).link('eth0', false).link('eth0', true)

  test('tells unicast peers where the source is, repeatedly, until an advert comes', () => {
    const story = recovered(unicast)
    expect(story.effects).toEqual(['a fault -> backup', 'a introduce 10.0.0.1'])
    expect(story.until(900).effects).toEqual(['600 a introduce 10.0.0.1', '800 a introduce 10.0.0.1'])
    expect(story.advert(200, '10.0.0.2', 100).until(1100).effects).toEqual([])
  })

  test('starts the down timer when adverts can have come', () => {
    for (const change of [unicast, {}]) {
      const down = 300 + (156 * 100) / 256
      const { state } = recovered(change).until(1650)
      expect(nextDeadline(state)).toBeCloseTo(500 + 1200 + down)
    }
  })

  test.each([0, 30_000])(
    'leaves a lower master alone for a preempt_delay of %d ms, for which it must be heard',
    (delay) => {
      const story = recovered({ ...unicast, preemptDelay: millis(delay) })
      // The peer's neighbour entry for us is out of date for a second.
      for (let t = 1500; t < 20_000; t += 100) {
        story.until(t).advert(50, '10.0.0.2', 100)
        if (delay > 0) expect(story.stateOf()).toBe('backup')
      }
      expect(story.stateOf()).toBe(delay > 0 ? 'backup' : 'master')
    },
  )
})

test('an interface that was made anew in a moment is introduced, and adverts are waited for', () => {
  const anew = anInterface('eth0', { index: 7, mac: '020000000007' })
  const story = new Story([anInstance(unicast)]).until(2000).network(anew)
  expect(story.effects).toEqual(['a introduce 10.0.0.1'])
  expect(nextDeadline(story.until(3500).state)).toBeCloseTo(2000 + 1200 + 3609.375)
  const master = new Story([anInstance(unicast)]).until(9000).network(anew)
  expect(master.effects).toEqual(['a introduce 10.0.0.1', 'restore 10.0.0.100', 'a announce'])
})
