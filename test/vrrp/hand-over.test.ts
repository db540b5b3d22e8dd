import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { VirtualAddress } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { addressesOf } from '../../src/vrrp/state.ts'
import { anInstance, aPeer, ip } from './instances.ts'
import { type Host, type Setup, World } from './world.ts'

const vip = (last: number): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix: 24, device: 'eth0' })

/** One configuration of both directors: which of two instances has which address, and what the two are like. */
interface Plan {
  readonly homes: readonly ('x' | 'y' | 'excluded')[]
  readonly vrids: readonly [number, number]
  readonly grouped: boolean
  readonly crossed: boolean
  readonly preempt: boolean
}

const plan: fc.Arbitrary<Plan> = fc.record({
  homes: fc.array(fc.constantFrom('x', 'y', 'excluded'), { minLength: 3, maxLength: 3 }),
  vrids: fc.constantFrom([10, 20], [20, 10], [10, 77], [77, 20]),
  grouped: fc.boolean(),
  crossed: fc.boolean(),
  preempt: fc.boolean(),
})

function setup({ homes, vrids, grouped, crossed, preempt }: Plan, host: number): Setup {
  const at = (home: string) => homes.flatMap((each, i) => (each === home ? [vip(100 + i)] : []))
  const [x, y] = vrids
  const priority = (instance: number) => ((crossed ? (host + instance) % 2 : host) === 0 ? 150 : 100)
  return {
    instances: [
      anInstance({ name: 'x', vrid: x, addresses: at('x'), preempt, priority: priority(0) }),
      anInstance({
        name: 'y',
        vrid: y,
        addresses: at('y'),
        excludedAddresses: at('excluded'),
        preempt,
        priority: priority(1),
      }),
    ],
    groups: grouped ? [{ name: 'g', instances: ['x', 'y'], tracks: [] }] : [],
  }
}

/** Where it must end: one master of each router, who has its addresses alone; of a group, the same one. */
function expectSettled(world: World, current: Plan): void {
  const [first] = world.hosts
  const { instances } = setup(current, 0)
  const masters = instances.map(({ vrid }) => world.masters(vrid))
  for (const [i, instance] of instances.entries()) {
    expect(masters[i]).toHaveLength(1)
    for (const address of addressesOf(instance)) expect(world.holders(address)).toEqual(masters[i])
  }
  if (current.grouped) expect(masters[0]).toEqual(masters[1])
  if (current.preempt && !current.crossed) expect(masters[0]).toEqual([first])
}

/** An instance without addresses is removed, and then another one that had its name: the second one is not kept from ending its wait. */
const removedTwice: [begin: Plan, changes: { next: Plan; what: string; host: number; apart: number }[]] = (() => {
  const plain = { grouped: false, crossed: false, preempt: false }
  const first: Plan = { ...plain, homes: ['x', 'x', 'x'], vrids: [77, 20] }
  const second: Plan = { ...first, vrids: [10, 20] }
  return [
    { ...plain, homes: ['y', 'y', 'y'], vrids: [10, 20] },
    [
      { next: first, what: 'reload', host: 0, apart: 0 },
      { next: second, what: 'reload', host: 0, apart: 0 },
      { next: second, what: 'restart', host: 0, apart: 0 },
    ],
  ]
})()

describe('planned changes of two directors', () => {
  const change = fc.record({
    next: plan,
    what: fc.constantFrom('reload', 'restart', 'hand over'),
    host: fc.nat(1),
    apart: fc.nat(3000),
  })

  test('never leave an address without a host, and end with one master of each router', () => {
    fc.assert(
      fc.property(plan, fc.array(change, { minLength: 1, maxLength: 4 }), (begin, changes) => {
        const world = new World(2)
        let current = begin
        for (const [i, host] of world.hosts.entries()) world.start(host, setup(current, i))
        const all = [0, 1, 2].map((i) => vip(100 + i))
        const nothingIsLost = () => {
          for (const address of all) expect(world.holders(address)).not.toEqual([])
        }
        world.run(20_000)
        expectSettled(world, current)
        for (const { next, what, host: which, apart } of changes) {
          const order = which === 0 ? [0, 1] : [1, 0]
          const hosts = order.flatMap((i) => world.hosts[i] ?? [])
          const [one] = hosts
          if (what === 'reload') {
            // What moves to a router that the other host is master of, or takes over with the old file, is with none until both
            // know the new one.
            const one = new Set(setup(current, 0).instances.flatMap(({ vrid }) => world.masters(vrid))).size === 1
            // A group whose members have higher priorities on different hosts can yield on both in the same instant.
            const isContradictory = next.grouped && next.crossed
            const check = one && !isContradictory ? nothingIsLost : undefined
            for (const host of hosts) {
              world.reload(host, setup(next, world.hosts.indexOf(host)))
              world.run(world.now + (apart % 400), check)
            }
            world.run(world.now + 10_000, check)
            current = next
          } else if (one !== undefined) {
            world.stop(one)
            world.run(world.now + 3000 + (what === 'restart' ? apart : 20_000), nothingIsLost)
            expect(one.running).toBe(false)
            world.start(one, setup(current, world.hosts.indexOf(one)))
          }
          world.run(world.now + 30_000, nothingIsLost)
          expectSettled(world, current)
        }
      }),
      { numRuns: 200, examples: [removedTwice] },
    )
  })

  test('restarts of a director that is alone lose nothing; a stop for good leaves nothing', () => {
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 8000 }), (current, pause) => {
        const world = new World(1)
        const [host] = world.hosts as readonly [Host]
        world.start(host, setup(current, 0))
        world.run(20_000)
        world.stop(host)
        const here = () => expect(host.addresses.size).toBe(3)
        world.run(world.now + pause, here)
        if (host.running) return // it has not left yet
        world.start(host, setup(current, 0))
        world.run(world.now + 20_000, here)
        expectSettled(world, current)
        world.stop(host)
        world.run(world.now + 20_000)
        world.start(host, { instances: [], groups: [] })
        world.run(world.now + 1)
        expect([...host.addresses.keys()]).toEqual([])
      }),
    )
  })
})

describe('a unicast director whose link comes up', () => {
  test.each([false, true])('is no master while another one is; introductions get lost: %s', (lost) => {
    fc.assert(
      fc.property(
        fc.constantFrom(10, 100, 250, 1000),
        fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 8 }),
        (advertInt, outages) => {
          const world = new World(2)
          const [one, two] = world.hosts as readonly [Host, Host]
          const of = (own: Host, other: Host, priority: number, preemptDelay: number) => {
            const addresses = { source: ip(own.source), unicastPeers: [aPeer(other.source)] }
            const times = { advertInt: millis(advertInt), preemptDelay: millis(preemptDelay) }
            return { instances: [anInstance({ ...addresses, ...times, priority })], groups: [] }
          }
          world.start(two, of(two, one, 100, 0))
          world.run(10_000)
          world.losesIntroductions = lost
          world.start(one, of(one, two, 200, 1_000_000))
          const oneMaster = () => expect(world.masters(51)).toEqual([two])
          world.run(world.now + 5000, oneMaster)
          for (const outage of outages) {
            world.plug(one, false)
            world.run(world.now + outage, oneMaster)
            world.plug(one, true)
            world.run(world.now + 5000, oneMaster)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})
