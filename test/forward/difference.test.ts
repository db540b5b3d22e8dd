import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ForwardPlan, planService } from '../../src/balance/plan.ts'
import { decodeDest, DEST, type DestEntry, layDest } from '../../src/forward/ebpf/layout/destination-layout.ts'
import type { ServiceEntry } from '../../src/forward/ebpf/layout/service-layout.ts'
import { type Load, NO_FAULTS } from '../../src/model/core-reading.ts'
import type { AccessEntry, AddressService, ServiceId } from '../../src/model/service.ts'
import type { CoreState } from '../../src/forward/ebpf/core-state.ts'
import { difference } from '../../src/forward/ebpf/difference.ts'
import type { LaidTable } from '../../src/forward/ebpf/laid-table.ts'
import type { Write } from '../../src/forward/ebpf/write.ts'
import type { Hops } from '../../src/model/next-hop.ts'
import type { Address } from '../../src/net/address.ts'
import { address } from '../bpf/packets.ts'
import { ip } from '../vrrp/instances.ts'

/** The core's maps as plain values, written to exactly as the real ones are. */
class Model {
  services = new Map<string, { key: ServiceId; entry: ServiceEntry }>()
  tables = new Map<number, LaidTable>()
  lists = new Map<number, readonly AccessEntry[]>()
  pools = new Map<number, readonly Address[]>()
  dests = new Map<number, { dest: DestEntry; load: Load }>()

  state(): CoreState {
    const services = [...this.services.values()].map((each) => ({
      ...each,
      table: this.tables.get(each.entry.slot),
      localAddresses: this.pools.get(each.entry.slot) ?? [],
      access: this.lists.get(each.entry.slot) ?? [],
    }))
    return { services, dests: new Map(this.dests) }
  }

  write(write: Write): void {
    switch (write.type) {
      case 'dest': {
        const load = write.fresh
          ? { active: 0, inactive: 0, persistent: 0, ...NO_FAULTS }
          : (this.dests.get(write.slot)?.load ?? { active: 0, inactive: 0, persistent: 0, ...NO_FAULTS })
        this.dests.set(write.slot, { dest: write.dest, load })
        break
      }
      case 'table':
        this.tables.set(write.slot, write.table)
        break
      case 'overload':
        break
      case 'local-addresses':
        this.pools.set(write.slot, write.addresses)
        break
      case 'access':
        this.lists.set(write.slot, write.entries)
        break
      case 'service':
        this.services.set(JSON.stringify(write.key), { key: write.key, entry: write.entry })
        break
      case 'delete-service':
        if (write.last) this.lists.delete(write.slot)
        this.services.delete(JSON.stringify(write.key))
        break
    }
  }

  /**
   * What a packet could see at this moment: every table names only servers that are there, of its own service; and a service with
   * a list has one that was made for it, or none of its own.
   */
  check(): void {
    for (const { key, entry } of this.services.values()) {
      const port = key.by === 'address' ? key.vip.port : 0
      const list = this.lists.get(entry.slot)
      if (entry.listed) expect(list).toBeDefined()
      expect(list?.every(({ address: of }) => of === ip(`10.${port}.0.0`)) ?? true).toBe(true)
      for (const slot of this.tables.get(entry.slot)?.slots ?? []) {
        expect(this.dests.get(slot)?.dest.service).toEqual(key)
      }
    }
  }
}

/** Of the servers of the plans below. */
const hops: Hops = new Map(
  [1, 2, 3, 4, 5].map((host) => [
    ip(`10.1.0.${host}`),
    { ifindex: 3, neighbour: ip('10.0.0.254'), mtu: 1500, source: undefined },
  ]),
)
/** What is written to the core. */
const writesOf = (core: Model, plan: ForwardPlan): readonly Write[] => difference(core.state(), plan, hops).writes
const servicePlan = (
  port: number,
  servers: readonly { host: number; weight: number }[],
  access: readonly AccessEntry[] = [],
) =>
  planService(
    {
      id: { by: 'address', vip: { address: ip('10.0.0.1'), port }, protocol: 'TCP' },
      marked: [],
      scheduler: 'wrr',
      schedulerFlags: { port: false, fallback: false, third: false },
      persistence: undefined,
      onePacket: false,
      localAddresses: [],
      idleSeconds: undefined,
      access,
      throughFirewall: false,
    },
    servers.map(({ host, weight }) => ({
      endpoint: { address: ip(`10.1.0.${host}`), port: 80 },
      forwarding: { method: 'NAT' as const },
      weight,
      fullWeight: weight,
      thresholds: { upper: 0, lower: 0 },
    })),
  )
const plans = fc
  .uniqueArray(
    fc.record({
      port: fc.integer({ min: 1, max: 4 }),
      servers: fc.uniqueArray(fc.record({ host: fc.integer({ min: 1, max: 5 }), weight: fc.nat(3) }), {
        selector: ({ host }) => host,
      }),
      lengths: fc.uniqueArray(fc.integer({ min: 16, max: 19 })),
    }),
    { selector: ({ port }) => port },
  )
  .map((list): ForwardPlan => ({
    services: list.map(({ port, servers, lengths }) =>
      servicePlan(
        port,
        servers,
        lengths.map((length) => ({
          verdict: length % 2 === 0 ? 'allow' : 'deny',
          address: ip(`10.${port}.0.0`),
          length,
        })),
      ),
    ),
  }))

describe('difference', () => {
  test('every state between two plans is whole, and the second time there is nothing to write', () => {
    fc.assert(
      fc.property(fc.array(plans, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(20)), (list, connections) => {
        const core = new Model()
        for (const plan of list) {
          for (const write of writesOf(core, plan)) {
            core.write(write)
            core.check()
          }
          expect(writesOf(core, plan)).toEqual([])
          // Some connections come and go in between; a slot with connections must not change hands.
          connections.forEach((slot, i) => {
            const there = core.dests.get(slot)
            if (there !== undefined)
              core.dests.set(slot, { ...there, load: { active: i % 2, inactive: 0, persistent: 0, ...NO_FAULTS } })
          })
          const held = [...core.dests].filter(([, { load }]) => load.active > 0)
          const next = writesOf(core, { services: [] })
          for (const [slot, { dest }] of held) {
            for (const write of next) {
              if (write.type === 'dest' && write.slot === slot) expect(write.dest.endpoint).toEqual(dest.endpoint)
            }
          }
        }
      }),
    )
  })

  test('access lists have a bound, and what is beyond it changes nothing', () => {
    const entries = (count: number): AccessEntry[] =>
      Array.from({ length: count }, (_, i) => ({
        verdict: 'deny',
        address: ip(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
        length: 32,
      }))
    const plan = (first: number) => ({ services: [servicePlan(1, [], entries(first)), servicePlan(2, [], entries(5))] })
    expect(writesOf(new Model(), plan(65_531)).map(({ type }) => type)).toEqual([
      'access',
      'access',
      'table',
      'table',
      'service',
      'service',
    ])
    expect(() => writesOf(new Model(), plan(65_532))).toThrow(
      'the forwarding core holds at most 65536 prefixes in access lists',
    )
  })

  test('a changed weight touches neither the other servers nor the service', () => {
    const core = new Model()
    for (const write of writesOf(core, {
      services: [
        servicePlan(1, [
          { host: 1, weight: 1 },
          { host: 2, weight: 1 },
        ]),
      ],
    }))
      core.write(write)
    const writes = writesOf(core, {
      services: [
        servicePlan(1, [
          { host: 1, weight: 2 },
          { host: 2, weight: 1 },
        ]),
      ],
    })
    expect(writes.map(({ type }) => type)).toEqual(['dest', 'table'])
  })

  test('a server that comes back finds its slot, and with it its connections', () => {
    const core = new Model()
    const plan = { services: [servicePlan(1, [{ host: 1, weight: 1 }])] }
    for (const write of writesOf(core, plan)) core.write(write)
    core.dests.set(0, {
      ...(core.dests.get(0) ?? expect.fail('no server')),
      load: { active: 3, inactive: 0, persistent: 0, ...NO_FAULTS },
    })
    const without = { services: [servicePlan(1, [{ host: 2, weight: 1 }])] }
    for (const write of writesOf(core, without)) core.write(write)
    expect(core.dests.get(0)?.dest.state).toBe('removed')
    for (const write of writesOf(core, plan)) core.write(write)
    expect(core.dests.get(0)).toMatchObject({ dest: { state: 'present', weight: 1 }, load: { active: 3 } })
  })
})

describe('a real server', () => {
  const service: AddressService = { by: 'address', vip: { address: ip('10.0.0.1'), port: 80 }, protocol: 'UDP' }
  const dest: DestEntry = {
    service,
    endpoint: { address: ip('10.1.0.255'), port: 65535 },
    forwarding: { method: 'DR' },
    serviceSlot: 1023,
    state: 'removed',
    weight: 65535,
    releasesClients: true,
    thresholds: { upper: 4_000_000_000, lower: 7 },
    hop: { ifindex: 7, neighbour: ip('10.1.0.1'), mtu: 9000, source: undefined },
  }
  const write = (entry: DestEntry, before: Uint8Array = new Uint8Array(DEST.bytes), fresh = true) =>
    layDest(entry, before, fresh)
  const written = (...change: Parameters<typeof write>) => write(...change).at(-1) ?? expect.fail('nothing was written')

  test.each<[string, Partial<DestEntry>]>([
    ['DR', {}],
    ['itself', { hop: 'local' }],
    ['no route', { hop: undefined }],
    ['IPv6', { service: { ...service, vip: { address: address('2001:db8::100'), port: 0 } } }],
    [
      'GUE over IPv6',
      {
        endpoint: { address: address('2001:db8:1::11'), port: 80 },
        forwarding: { method: 'TUN', tunnel: { type: 'gue', port: 6080, checksum: true } },
        hop: { ifindex: 7, neighbour: address('fe80::1'), mtu: 1280, source: address('2001:db8:1::1') },
      },
    ],
    ['by mark', { service: { by: 'fwmark', mark: 4_000_000_000, family: 'inet6' } }],
    ['GUE, remote', { forwarding: { method: 'TUN', tunnel: { type: 'gue', port: 6080, checksum: 'remote' } } }],
    ['GRE', { forwarding: { method: 'TUN', tunnel: { type: 'gre', checksum: false } } }],
  ])('is read back as it was written: %s', (_name, change) => {
    expect(decodeDest(written({ ...dest, ...change }))).toEqual({ ...dest, ...change })
  })

  test('gets a new next hop in one step, whenever a packet comes by', () => {
    const before = written(dest)
    const other = { ifindex: 8, neighbour: ip('10.1.0.2'), mtu: 1500, source: ip('10.1.0.3') }
    const steps = write({ ...dest, hop: other }, before, false)
    expect(steps.map((bytes) => decodeDest(bytes)?.hop)).toEqual([dest.hop, other])
    expect(write(dest, before, false)).toEqual([before])
  })
})
