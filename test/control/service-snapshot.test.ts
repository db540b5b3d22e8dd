import { describe, expect, test } from 'vitest'
import { type ConfiguredService, serviceSnapshots } from '../../src/control/service-snapshot.ts'
import type { ServiceSnapshot } from '../../src/control/snapshot.ts'
import type { IpvsService } from '../../src/model/ipvs.ts'
import type { VirtualServer } from '../../src/model/service.ts'
import { ip } from '../vrrp/instances.ts'
import { NO_FAULTS } from '../../src/model/core-reading.ts'
import { counters, reading, serverReading, serviceId, serviceReading } from './reading.ts'

const endpoint = (host: number) => ({ address: ip(`10.1.0.${host}`), port: 80 })
const server: VirtualServer = {
  name: '[10.0.0.100]:tcp:80',
  services: [serviceId(80)],
  marked: [],
  scheduler: 'wlc',
  schedulerFlags: { port: false, fallback: false, third: false },
  persistence: undefined,
  onePacket: false,
  access: [],
  throughFirewall: false,
  method: 'NAT',
  localAddresses: [],
  idleSeconds: undefined,
  quorum: 1,
  hysteresis: 0,
  sorryServer: { endpoint: endpoint(9), forwarding: { method: 'NAT' } },
  realServers: [1, 2].map((host) => ({
    endpoint: endpoint(host),
    forwarding: { method: 'NAT' },
    weight: host,
    thresholds: { upper: 0, lower: 0 },
    inhibitOnFailure: false,
    checks: [],
  })),
}
const configured = (change: Partial<ConfiguredService> = {}): ConfiguredService => ({
  server,
  id: serviceId(80),
  hasQuorum: true,
  weights: new Map([['[10.1.0.1]:80', 1]]),
  verdicts: [
    { up: true, since: '2026-01-01T00:00:00.000Z', reason: '200' },
    { up: false, since: undefined, reason: 'ECONNREFUSED' },
  ],
  ...change,
})
const inShort = ({ servers }: ServiceSnapshot) =>
  servers.map(({ name, role, state, weight, reason }) => `${name} ${role} ${state} ${weight}: ${reason}`)

describe('a service of the configuration', () => {
  test('has the weight of the configuration where checkers ask for another one', () => {
    const verdict = { up: true, since: undefined, reason: 'exit status 7' }
    const verdicts = [
      { ...verdict, weight: 5 },
      { ...verdict, weight: 2 },
    ]
    const [service] = serviceSnapshots([configured({ verdicts })], [], reading([], []))
    expect(service?.servers.map((each) => each.configuredWeight)).toEqual([1, undefined, undefined])
  })

  test('has its servers with their verdicts, its sorry server, and servers whose connections are ending', () => {
    const faults = { unanswered: 4, refused: 5, reset: 6 }
    const met = { active: 1, inactive: 2, persistent: 3 }
    const load = { ...met, ...faults }
    const read = reading(
      [serviceReading(80, { counted: { run: 1, counters: counters(7), zero: counters(5) } })],
      [
        serverReading(80, 1, { load }),
        serverReading(80, 3, { isPresent: false, load }),
        serverReading(81, 4, { load }),
      ],
    )
    const [service, ...others] = serviceSnapshots([configured()], [], read)
    expect(others).toEqual([])
    // What is set to zero are ipvsadm's totals, not these.
    expect(service).toMatchObject({ owner: 'configuration', quorum: 'up', method: 'NAT', counters: { inPackets: 7 } })
    expect(service && inShort(service)).toEqual([
      '[10.1.0.1]:80 real up 1: 200',
      '[10.1.0.2]:80 real down 0: ECONNREFUSED',
      '[10.1.0.9]:80 sorry standby 0: serves when quorum is lost',
      '[10.1.0.3]:80 real removed 0: its connections are ending',
    ])
    expect(service?.servers[0]).toMatchObject({ ...met, faults })
  })

  test('says why a server that is up does not serve', () => {
    const weights = new Map([['[10.1.0.9]:80', 1]])
    const [service] = serviceSnapshots([configured({ hasQuorum: false, weights })], [], reading([], []))
    expect(service && inShort(service)).toEqual([
      '[10.1.0.1]:80 real up 0: 200; the sorry server serves: quorum is lost',
      '[10.1.0.2]:80 real down 0: ECONNREFUSED',
      '[10.1.0.9]:80 sorry up 1: quorum is lost',
    ])
  })

  test('with an access list shows the prefixes that have decided most first', () => {
    const access = [3, 4].map((net) => ({ verdict: 'deny' as const, address: ip(`10.${net}.0.0`), length: 16 }))
    const listed = serviceReading(80, { access: { entries: access, hits: [1n, 5n, 9n] } })
    const [service] = serviceSnapshots([configured({ server: { ...server, access } })], [], reading([listed], []))
    expect(service?.access).toEqual({
      prefixes: 2,
      others: 'allow',
      othersHits: 9,
      hits: [
        { verdict: 'deny', prefix: '10.4.0.0/16', hits: 5 },
        { verdict: 'deny', prefix: '10.3.0.0/16', hits: 1 },
      ],
    })
  })
})

describe('a service that was made by hand', () => {
  const table = (methods: readonly ('NAT' | 'DR')[]): IpvsService => ({
    ...serviceReading(81),
    servers: methods.map((method, i) => ({
      endpoint: endpoint(1 + i),
      forwarding: { method },
      weight: i,
      fullWeight: 1,
      thresholds: { upper: 0, lower: 0 },
    })),
  })

  test('comes behind those of the configuration, with servers that nobody checks', () => {
    const met = { active: 4, inactive: 0, persistent: 0 }
    const load = { ...met, ...NO_FAULTS }
    const read = reading([serviceReading(81, { byHand: true })], [serverReading(81, 1, { load })])
    const [, service] = serviceSnapshots([configured()], [table(['NAT', 'NAT'])], read)
    expect(service).toMatchObject({ name: '[10.0.0.1]:tcp:81', owner: 'ipvsadm', quorum: undefined, method: 'NAT' })
    expect(service && inShort(service)).toEqual([
      '[10.1.0.1]:80 real up 0: not checked',
      '[10.1.0.2]:80 real up 1: not checked',
    ])
    expect(service?.servers[0]).toMatchObject(met)
  })

  test.each<[readonly ('NAT' | 'DR')[], 'NAT' | undefined]>([
    [['NAT', 'NAT'], 'NAT'],
    [['NAT', 'DR'], undefined],
    [[], undefined],
  ])('with servers by %j has the method %s', (methods, method) => {
    expect(serviceSnapshots([], [table(methods)], reading([], []))[0]?.method).toBe(method)
  })
})
