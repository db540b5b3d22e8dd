import { describe, expect, test } from 'vitest'
import type { StaticObjects, VrrpInstance } from '../../src/model/vrrp.ts'
import { itemsOf, type Route, type Rule } from '../../src/net/route.ts'
import { isFinished } from '../../src/vrrp/engine.ts'
import { FIGHT_LASTS, FIGHTS, routingKey } from '../../src/vrrp/routing.ts'
import { anInstance, aRoute, aRule, ip } from './instances.ts'
import { anInterface, Story } from './story.ts'

const [r1, r2] = [aRoute(1), aRoute(2)]
const [u1, u2] = [aRule(1), aRule(2)]
const routeKey = (route: Route) => routingKey({ kind: 'route', route })
const ruleKey = (rule: Rule) => routingKey({ kind: 'rule', rule })
const a = anInstance({ routes: [r1], rules: [u1] })

const R1 = '10.1.0.0/16 via 10.0.0.254 dev eth0'
const R2 = '10.2.0.0/16 via 10.0.0.254 dev eth0'
const U1 = '1: from 10.1.0.0/16 lookup 5'
const U2 = '2: from 10.2.0.0/16 lookup 5'

const of = ({ effects }: Story) =>
  effects.map((effect) => effect.replace(/^\d+ /, '')).filter((effect) => /-routing|^add |^remove /.test(effect))
const master = (...instances: readonly VrrpInstance[]) => new Story(instances).until(4000)
const statics = (change: Partial<StaticObjects>): StaticObjects => ({ addresses: [], routes: [], rules: [], ...change })

function configure(story: Story, instances: readonly VrrpInstance[], objects: StaticObjects): Story {
  return story.on({ type: 'configure', instances, groups: [], linkDelays: [], results: [], statics: objects })
}

describe('with the role', () => {
  test('routes and rules come behind the addresses, and go before them in the opposite order', () => {
    const story = new Story([a])
    expect(of(story.until(4000))).toEqual(['add 10.0.0.100', `add-routing ${R1}, ${U1}`])
    expect(of(story.advert(200))).toEqual([`remove-routing ${U1}, ${R1}`, 'remove any 10.0.0.100'])
  })

  test('a fault takes them away', () => {
    expect(of(master(a).link('eth0', false))).toContain(`remove-routing ${U1}, ${R1}`)
  })

  test('what two instances want stays as long as one is master', () => {
    const b = anInstance({ name: 'b', vrid: 52, addresses: [], routes: [r1, r2] })
    const story = master(a, b)
    expect(of(story.advert(200, '10.0.0.2', 1000, 'b'))).toEqual([`remove-routing ${R2}`])
    expect(of(story.advert(200))).toContain(`remove-routing ${U1}, ${R1}`)
  })

  test('a stop keeps them as long as the addresses: until a successor is heard', () => {
    const story = master(a)
    expect(of(story.on({ type: 'stop', keepAddresses: true }))).toEqual([])
    expect(of(story.advert(90))).toContain(`remove-routing ${U1}, ${R1}`)
    expect(isFinished(story.state)).toBe(true)
  })

  test('a stop without a successor ends with none of them', () => {
    const story = master(a).on({ type: 'stop', keepAddresses: true })
    expect(of(story.until(10_000))).toEqual([`remove-routing ${U1}, ${R1}`])
    expect(isFinished(story.state)).toBe(true)
  })
})

describe('a reload while master', () => {
  test('changes only what differs', () => {
    const story = master(a).configure([{ ...a, routes: [r1, r2], rules: [u2] }])
    expect(of(story)).toEqual([`add-routing ${R2}, ${U2}`, `remove-routing ${U1}`])
  })

  test('a route that is another one by the same name is added, and not removed', () => {
    const story = master(a).configure([{ ...a, routes: [aRoute(1, { metrics: { mtuBytes: 1400 } })] }])
    expect(of(story)).toEqual([`add-routing ${R1}`])
  })

  test('nothing is done about one that is the same', () => {
    expect(of(master(a).configure([{ ...a, priority: 101 }]))).toEqual([])
  })
})

describe('what a process before has put there', () => {
  const inherited = (instances: readonly VrrpInstance[]) => {
    const story = new Story([]).network(anInterface('eth0'))
    story.on({ type: 'inherit', addresses: [], routing: itemsOf({ routes: [r1, r2], rules: [u1] }) })
    return story.configure(instances)
  }

  test('stays where an instance may still be master, and goes where none wants it', () => {
    expect(of(inherited([a]))).toEqual([`remove-routing ${R2}`])
  })

  test('goes when somebody else is heard', () => {
    const story = inherited([a])
    expect(of(story.advert(200))).toContain(`remove-routing ${U1}, ${R1}`)
  })

  test('is adopted without being touched', () => {
    const story = inherited([a])
    story.on({ type: 'adopt', masters: [a], known: [] })
    expect(story.stateOf()).toBe('master')
    expect(of(story)).toEqual(['add 10.0.0.100'])
  })
})

describe('what somebody else removes', () => {
  test('is put back at once', () => {
    const story = master(a).on({ type: 'routing', missing: [ruleKey(u1), routeKey(r1)] })
    expect(story.effects).toEqual([`restore-routing ${R1}, ${U1}`])
    expect(story.stateOf()).toBe('master')
  })

  test('stays away if it is not tracked, if it is not ours, or while its link is down', () => {
    const [route, rule] = [aRoute(1, { tracked: false }), aRule(1, { tracked: false })]
    const other = aRoute(3, { hops: [{ ...only(r1.hops), device: 'eth1' }] })
    const story = master(anInstance({ routes: [route, other], rules: [rule] }))
    const missing = [routeKey(route), ruleKey(rule), routeKey(other), routeKey(r2)]
    expect(story.on({ type: 'routing', missing }).effects).toEqual([])
    story.network(anInterface('eth1', { index: 2 }))
    expect(story.on({ type: 'routing', missing }).effects).toHaveLength(1)
  })

  test('is not put back by who hands over, or has stopped', () => {
    const event = { type: 'routing', missing: [routeKey(r1)] } as const
    expect(master(a).on({ type: 'hand-over' }).on(event).effects).toEqual([])
    expect(master(a).on({ type: 'stop', keepAddresses: true }).on(event).effects).toEqual([])
  })

  test(`is left alone after ${FIGHTS} times, and put back again when ${FIGHT_LASTS} ms are over`, () => {
    const story = master(a)
    const event = { type: 'routing', missing: [routeKey(r1)] } as const
    const isBack = { type: 'routing', missing: [] } as const
    for (let i = 0; i < FIGHTS; i++) expect(story.on(isBack).on(event).effects).toEqual([`restore-routing ${R1}`])
    expect(story.on(isBack).on(event).effects).toEqual([`abandon-routing ${R1}`])
    expect(story.on(event).effects).toEqual([])
    expect(of(story.until(3999 + FIGHT_LASTS))).toEqual([])
    expect(of(story.until(4001 + FIGHT_LASTS))).toEqual([`restore-routing ${R1}`])
    expect(story.on(isBack).on(event).effects).toEqual([`restore-routing ${R1}`])
  })

  test('is tried again with each news of the network when it could not be added, which is no fight', () => {
    const story = master(a)
    const event = { type: 'routing', missing: [routeKey(r1)] } as const
    for (let i = 0; i < 3 * FIGHTS; i++) expect(story.on(event).effects).toEqual([`restore-routing ${R1}`])
  })

  test('a route comes back with the address that is its source, tracked or not', () => {
    const route = aRoute(1, { source: ip('10.0.0.100'), tracked: false })
    const story = master(anInstance({ routes: [route, r2] }))
    expect(story.network(anInterface('eth0')).effects).toEqual([
      'restore 10.0.0.100',
      `restore-routing ${R1} src 10.0.0.100`,
    ])
  })
})

describe('static objects', () => {
  const address = { address: ip('10.0.0.50'), prefix: 24, device: 'eth0' }

  test('are there whatever the roles are, follow a reload, and go at the end', () => {
    const story = new Story([])
    configure(story, [a], statics({ addresses: [address], routes: [r2], rules: [u2] }))
    expect(of(story)).toEqual(['add 10.0.0.50', `add-routing ${R2}, ${U2}`])
    story.network(anInterface('eth0'))
    expect(of(story.advert(200))).toEqual([])
    configure(story, [a], statics({ routes: [r1, r2] }))
    expect(of(story)).toEqual([`add-routing ${R1}`, `remove-routing ${U2}`, 'remove ours 10.0.0.50'])
    expect(of(story.on({ type: 'stop', keepAddresses: true }))).toEqual([`remove-routing ${R2}, ${R1}`])
    expect(isFinished(story.state)).toBe(true)
  })

  test('of a master that stops stay until its addresses go', () => {
    const story = configure(master(a), [a], statics({ routes: [r2] }))
    expect(of(story.on({ type: 'stop', keepAddresses: true }))).toEqual([])
    expect(of(story.advert(90))).toEqual([`remove-routing ${U1}, ${R2}, ${R1}`, 'remove any 10.0.0.100'])
  })

  test('are put back when somebody else takes them away', () => {
    const story = configure(new Story([]), [], statics({ addresses: [address], routes: [r2] }))
    story.network(anInterface('eth0'))
    expect(story.effects).toEqual(['restore 10.0.0.50'])
    expect(story.on({ type: 'routing', missing: [routeKey(r2)] }).effects).toEqual([`restore-routing ${R2}`])
  })

  test('of which an instance wants one, too, stay when it leaves', () => {
    const story = configure(master(a), [a], statics({ routes: [r1] }))
    expect(of(story)).toEqual([])
    expect(of(story.advert(200))).toEqual([`remove-routing ${U1}`, 'remove any 10.0.0.100'])
  })
})

function only<T>(items: readonly T[]): T {
  const [item] = items
  if (item === undefined) throw new Error('there is none')
  return item
}
