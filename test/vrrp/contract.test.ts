import fc from 'fast-check'
import { test } from 'vitest'
import type { LinkDelay, Track, TrackerResult } from '../../src/model/tracking.ts'
import type { VirtualAddress, VrrpInstance } from '../../src/model/vrrp.ts'
import { type Millis, millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { itemsOf } from '../../src/net/route.ts'
import { routingKey } from '../../src/vrrp/routing.ts'
import { emptyEngine, type EngineState, type Event } from '../../src/vrrp/state.ts'
import { checkedStep } from './checked-step.ts'
import { anInstance, aPeer, aRoute, aRule, ip } from './instances.ts'
import { anInterface, aResult } from './story.ts'

const NAMES = ['x', 'y', 'z'] as const
const vip = (last: number): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix: 24, device: 'eth0' })
const addresses = fc.subarray([vip(100), vip(101), vip(102)])
// The second is the first one, changed.
const routes = fc.subarray(
  [aRoute(1), aRoute(1, { metrics: { mtuBytes: 1400 } }), aRoute(2, { source: ip('10.0.0.100') })],
  {
    maxLength: 2,
  },
)
const rules = fc.subarray([aRule(1)])

const tracks: fc.Arbitrary<readonly Track[]> = fc.array(
  fc
    .record({
      what: fc.constantFrom(
        ['script', 's'] as const,
        ['file', 'f'] as const,
        ['interface', 'eth0'] as const,
        ['interface', 'eth1'] as const,
        ['process', 'p'] as const,
      ),
      weight: fc.oneof(fc.constant(0), fc.integer({ min: -253, max: 253 })),
      reverse: fc.boolean(),
    })
    .map(({ what: [kind, name], weight, reverse }) => ({ kind, name, weight, reverse })),
  { maxLength: 2 },
)

const instance = (name: string): fc.Arbitrary<VrrpInstance> =>
  fc
    .record({
      interface: fc.constantFrom('eth0', 'eth1'),
      vrid: fc.constantFrom(10, 20, 30),
      version: fc.constantFrom(2 as const, 3 as const),
      priority: fc.constantFrom(1, 100, 150, 254, 255),
      preempt: fc.boolean(),
      preemptDelay: fc.constantFrom(millis(0), millis(2000)),
      preemptAfterChecks: fc.boolean(),
      addresses,
      routes,
      rules,
      unicastPeers: fc.constantFrom([], [aPeer('10.0.0.2')]),
      tracks: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: tracks }),
      trackPrimary: fc.boolean(),
    })
    .map((change) => anInstance({ name, ...change }))

const result: fc.Arbitrary<TrackerResult> = fc.oneof(
  fc
    .tuple(fc.constantFrom(['script', 's'] as const, ['process', 'p'] as const), fc.boolean())
    .map(([[kind, name], good]) => {
      return aResult(kind, name, good)
    }),
  fc.integer({ min: -300, max: 300 }).map((number) => aResult('file', 'f', number)),
)
const results = fc.array(result, { maxLength: 3 })
const delay = fc.constantFrom(millis(0), millis(150), millis(5000))
const linkDelays: fc.Arbitrary<readonly LinkDelay[]> = fc.uniqueArray(
  fc.record({ interface: fc.constantFrom('eth0', 'eth1'), down: delay, up: delay }),
  { maxLength: 2, selector: (each) => each.interface },
)

const configure: fc.Arbitrary<Event> = fc
  .tuple(
    fc.subarray([...NAMES], { minLength: 1 }).chain((names) => fc.tuple(...names.map(instance))),
    fc.subarray([...NAMES]),
    tracks,
    linkDelays,
    results,
    fc.record({ addresses, routes, rules }),
  )
  .map(([instances, group, shared, delays, known, statics]) => ({
    type: 'configure',
    instances,
    groups: group.length > 1 ? [{ name: 'g', instances: group, tracks: shared }] : [],
    linkDelays: delays,
    results: known,
    duties: { maintenance: instances[0]?.vrid === 30, standby: ['y'] },
    statics,
  }))

const network: fc.Arbitrary<Event> = fc
  .array(fc.record({ up: fc.boolean(), has: fc.boolean(), index: fc.nat(2), present: addresses }), {
    minLength: 2,
    maxLength: 2,
  })
  .map((links) => ({
    type: 'network',
    interfaces: links.map(({ up, has, index, present }, i) =>
      anInterface(`eth${i}`, {
        up,
        index: i + 10 * index,
        addresses: [
          ...(has ? [{ address: ip('10.0.0.1'), prefix: 24, primary: true, tentative: false }] : []),
          ...present.map((each) => ({ ...each, primary: false, tentative: false })),
        ],
      }),
    ),
  }))

const routing: fc.Arbitrary<Event> = fc
  .record({ routes, rules })
  .map((gone) => ({ type: 'routing', missing: itemsOf(gone).map(routingKey) }))

const name = fc.constantFrom(...NAMES)
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: configure },
  { weight: 3, arbitrary: network },
  { weight: 1, arbitrary: routing },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('advert' as const),
      instance: name,
      source: fc.constantFrom(ip('10.0.0.0'), ip('10.0.0.2')),
      priority: fc.constantFrom(0, 1, 100, 150, 255),
      interval: fc.constantFrom(millis(100), millis(1000)),
    }),
  },
  {
    weight: 3,
    arbitrary: results.map((told): Event => ({ type: 'trackers', results: told })),
  },
  fc.subarray([10, 20, 30]).map((vrids): Event => ({
    type: 'adopt',
    masters: vrids.map((vrid) => ({ name: 'x', interface: 'eth0', family: 4 as const, vrid })),
    known: [],
  })),
  fc
    .tuple(fc.subarray([...NAMES]), fc.constantFrom('standby' as const, 'maintenance' as const), fc.boolean())
    .map(([names, duty, force]): Event => ({ type: 'yield', instances: names, duty, force })),
  fc
    .tuple(fc.subarray([...NAMES]), fc.constantFrom('normal' as const, 'standby' as const), fc.boolean())
    .map(([names, duty, take]): Event => ({ type: 'resume', instances: names, duty, take })),
  fc.constant<Event>({ type: 'checked' }),
  fc.constant<Event>({ type: 'hand-over' }),
  fc.boolean().map((keepAddresses): Event => ({ type: 'stop', keepAddresses })),
)

/** Lets everything happen that is due until then. */
function elapse(state: EngineState, from: Millis, until: Millis): EngineState {
  let [current, now] = [state, from]
  for (let turns = 0; turns < 200; turns++) {
    const due = nextDeadline(current)
    if (due === undefined || due > until) break
    now = millis(Math.max(now, due))
    current = checkedStep(current, { type: 'deadline' }, now).state
  }
  return current
}

test('whatever happens, in whatever order, the effects of each step are what the engine promises', () => {
  const left = fc.array(fc.record({ address: fc.constantFrom(vip(100), vip(103)), expires: fc.boolean() }))
  const history = fc.array(fc.tuple(event, fc.constantFrom(0, 1, 100, 700, 4000)), { maxLength: 25 })
  fc.assert(
    fc.property(left, configure, network, history, (found, first, links, events) => {
      let now = millis(0)
      let state = emptyEngine
      const addresses = found.map((each) => ({ ...each, router: 'before' }))
      for (const [each, pause] of [
        [{ type: 'inherit', addresses } as const, 0],
        [first, 0],
        [links, 5000],
        ...events,
      ] as const) {
        state = checkedStep(state, each, now).state
        const next = millis(now + pause)
        state = elapse(state, now, next)
        now = next
      }
    }),
    { numRuns: 500 },
  )
})
