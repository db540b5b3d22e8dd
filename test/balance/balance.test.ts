import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maglevTable } from '../../src/balance/hash-tables.ts'
import { formPool } from '../../src/balance/pool.ts'
import { poolChanges } from '../../src/balance/pool-changes.ts'
import { schedulerTable } from '../../src/balance/scheduler-table.ts'
import { LONGEST_SEQUENCE, wrrSequence } from '../../src/balance/wrr.ts'
import type { RealServer, VirtualServer } from '../../src/model/service.ts'
import { ip } from '../vrrp/instances.ts'

const endpoint = (i: number) => ({ address: ip(`192.168.1.${11 + i}`), port: 8080 })
const vip = { address: ip('10.0.0.100'), port: 80 }

describe('weighted round robin', () => {
  test('a period holds every server as often as its weight says', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 20 }), (weights) => {
        const { entries: sequence } = wrrSequence(weights)
        const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
        const divisor = weights.reduce(gcd, 0) || 1
        const counts = weights.map((_, i) => sequence.filter((position) => position === i).length)
        expect(counts).toEqual(weights.map((weight) => weight / divisor))
      }),
    )
  })

  test('huge weights are scaled to fit the longest table and keep their shares', () => {
    const { entries: sequence } = wrrSequence([65_535, 65_534, 1])
    expect(sequence.length).toBeLessThanOrEqual(LONGEST_SEQUENCE)
    const share = sequence.filter((position) => position === 0).length / sequence.length
    expect(share).toBeCloseTo(0.5, 2)
    expect(sequence).toContain(2)
  })
})

describe('pool', () => {
  const real = (i: number, change: Partial<RealServer> = {}): RealServer => ({
    endpoint: endpoint(i),
    forwarding: { method: 'NAT' },
    weight: 1,
    thresholds: { upper: 0, lower: 0 },
    inhibitOnFailure: false,
    checks: [],
    ...change,
  })
  const server = (change: Partial<VirtualServer> = {}): VirtualServer => ({
    id: { by: 'address', vip, protocol: 'TCP' },
    marked: [],
    scheduler: 'rr',
    schedulerFlags: { port: false, fallback: false, third: false },
    persistence: undefined,
    onePacket: false,
    localAddresses: [],
    idleSeconds: undefined,
    access: [],
    throughFirewall: false,
    method: 'NAT',
    quorum: 1,
    hysteresis: 0,
    sorryServer: undefined,
    realServers: [real(0), real(1), real(2)],
    ...change,
  })
  const up =
    (...indexes: number[]) =>
    (candidate: RealServer) =>
      indexes.some((i) => endpoint(i).address === candidate.endpoint.address)
  const names = (pool: ReturnType<typeof formPool>) =>
    pool.service.destinations.map((dest) => `${dest.endpoint.address.split('.').at(-1)}:${dest.weight}`)

  test('a failed server leaves the pool', () => {
    expect(names(formPool(server(), up(0, 2), undefined))).toEqual(['13:1', '11:1'])
  })

  test('with inhibit_on_failure it stays with weight 0', () => {
    const realServers = [real(0, { inhibitOnFailure: true }), real(1)]
    expect(names(formPool(server({ realServers }), up(1), undefined))).toEqual(['12:1', '11:0'])
  })

  test('below the quorum the sorry server serves alone', () => {
    const change = {
      quorum: 2,
      sorryServer: { endpoint: { address: ip('192.168.1.99'), port: 80 }, forwarding: { method: 'DR' as const } },
    }
    const pool = formPool(server(change), up(0), undefined)
    expect(pool.quorum.up).toBe(false)
    expect(names(pool)).toEqual(['99:1'])
  })

  test('below the quorum without a sorry server the working servers go on, and the quorum is lost all the same', () => {
    const pool = formPool(server({ quorum: 2 }), up(0), { up: true })
    expect(pool.quorum.up).toBe(false)
    expect(names(pool)).toEqual(['11:1'])
  })

  test('a sorry server that is one of the real servers is there once, and serves', () => {
    const realServers = [real(0, { inhibitOnFailure: true }), real(1, { inhibitOnFailure: true })]
    const { endpoint: same, forwarding } = real(0)
    const pool = formPool(server({ realServers, sorryServer: { endpoint: same, forwarding } }), up(), undefined)
    expect(names(pool)).toEqual(['11:1', '12:0'])
  })

  test('without a server that works nobody serves', () => {
    expect(names(formPool(server(), up(), undefined))).toEqual([])
  })

  test('a quorum that hysteresis keeps lost takes no server out either', () => {
    const pool = formPool(server({ quorum: 2, hysteresis: 1 }), up(0, 1), { up: false })
    expect(pool.quorum.up).toBe(false)
    expect(names(pool)).toEqual(['12:1', '11:1'])
  })

  test('what inhibit_on_failure keeps has weight 0 while it is down, and while the sorry server serves', () => {
    const realServers = [0, 1, 2].map((i) => real(i, { inhibitOnFailure: i < 2 }))
    const config = server({ quorum: 2, realServers })
    expect(names(formPool(config, up(0), { up: true }))).toEqual(['12:0', '11:1'])
    const sorryServer = { endpoint: { address: ip('192.168.1.99'), port: 80 }, forwarding: { method: 'NAT' as const } }
    expect(names(formPool({ ...config, sorryServer }, up(0), { up: true }))).toEqual(['99:1', '12:0', '11:0'])
  })

  test('servers of weight 0 alone are no quorum', () => {
    expect(formPool(server({ realServers: [real(0, { weight: 0 })] }), up(0), { up: true }).quorum.up).toBe(false)
  })

  test('hysteresis keeps a quorum that wavers', () => {
    const config = server({ quorum: 2, hysteresis: 1 })
    expect(formPool(config, up(0), { up: true }).quorum.up).toBe(true)
    expect(formPool(config, up(), { up: true }).quorum.up).toBe(false)
    expect(formPool(config, up(0, 1), { up: false }).quorum.up).toBe(false)
    expect(formPool(config, up(0, 1, 2), { up: false }).quorum.up).toBe(true)
  })

  test('says what has become of it: who comes, goes and gets another weight, and quorum', () => {
    const config = server({ quorum: 2, realServers: [real(0), real(1), real(2)] })
    const [all, some] = [formPool(config, up(0, 1, 2), undefined), formPool(config, up(1), { up: true })]
    const other = formPool(server({ quorum: 2, realServers: [real(1, { weight: 5 })] }), up(1), { up: false })
    const texts = (...change: Parameters<typeof poolChanges>) =>
      poolChanges(...change).map(({ level, text }) => `${level}: ${text}`)
    expect(texts('web', undefined, some)).toEqual([
      'info: Adding service [192.168.1.12]:8080 to VS web with weight 1',
      'warn: Lost quorum for VS web',
    ])
    expect(texts('web', all, some)).toEqual([
      'info: Removing service [192.168.1.13]:8080 from VS web',
      'info: Removing service [192.168.1.11]:8080 from VS web',
      'warn: Lost quorum for VS web',
    ])
    expect(texts('web', some, other)).toEqual([
      'info: Changing weight of service [192.168.1.12]:8080 of VS web from 1 to 5',
      'info: Gained quorum for VS web',
    ])
    expect(texts('web', some, some)).toEqual([])
  })

  test('a drained server is in the pool, and the program steps over it', () => {
    const pool = formPool(server({ realServers: [real(0, { weight: 0 }), real(1)] }), up(0, 1), undefined)
    expect(names(pool)).toEqual(['12:1', '11:0'])
    expect(schedulerTable(pool.service).entries).toEqual([0, 1])
  })
})

describe('mh, when one of the servers goes', () => {
  const servers = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      address: ip(`192.168.1.${11 + i}`),
      port: 80,
      weight: 1,
      lastWeight: 1,
    }))

  test.each([4, 10, 20, 100])('of %i: its share of new clients moves, and at most 3 in 100 others', (count) => {
    const gone = Math.floor(count / 2)
    const before = maglevTable(servers(count))
    const after = maglevTable(servers(count).toSpliced(gone, 1)).map((position) =>
      position < gone ? position : position + 1,
    )
    const its = before.filter((position) => position === gone).length
    const moved = before.filter((position, bucket) => position !== gone && after[bucket] !== position).length
    expect(its / before.length).toBeCloseTo(1 / count, 3)
    expect(moved / before.length).toBeLessThan(0.03)
  })
})
