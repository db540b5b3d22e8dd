import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maglevTable } from '../../src/balance/hash-tables.ts'
import { formPool, knownQuorum, type Quorum } from '../../src/balance/pool.ts'
import { poolChanges } from '../../src/balance/pool-changes.ts'
import { schedulerTable } from '../../src/balance/scheduler-table.ts'
import { LONGEST_SEQUENCE, wrrSequence } from '../../src/balance/wrr.ts'
import { endpointIn, type RealServer, type ServiceId, type VirtualServer } from '../../src/model/service.ts'
import { ip } from '../vrrp/instances.ts'
import type { Address } from '../../src/net/address.ts'

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
    name: '[10.0.0.1]:tcp:80',
    services: [{ by: 'address', vip, protocol: 'TCP' }],
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
  const up = (...indexes: number[]) => indexes.map((i) => endpoint(i).address)
  const form = (whole: VirtualServer, ups: readonly Address[], before: Quorum | undefined) => {
    const standings = whole.realServers.map((real) => ({
      up: ups.includes(real.endpoint.address),
      weight: real.weight,
    }))
    return formPool(whole, standings, before)
  }
  const names = (pool: ReturnType<typeof formPool>) =>
    (pool.services[0]?.destinations ?? []).map((dest) => `${dest.endpoint.address.split('.').at(-1)}:${dest.weight}`)

  test('a failed server leaves the pool', () => {
    expect(names(form(server(), up(0, 2), undefined))).toEqual(['13:1', '11:1'])
  })

  test('with inhibit_on_failure it stays with weight 0', () => {
    const realServers = [real(0, { inhibitOnFailure: true }), real(1)]
    expect(names(form(server({ realServers }), up(1), undefined))).toEqual(['12:1', '11:0'])
  })

  test('below the quorum the sorry server serves alone', () => {
    const change = {
      quorum: 2,
      sorryServer: { endpoint: { address: ip('192.168.1.99'), port: 80 }, forwarding: { method: 'DR' as const } },
    }
    const pool = form(server(change), up(0), undefined)
    expect(pool.quorum.up).toBe(false)
    expect(names(pool)).toEqual(['99:1'])
  })

  test('below the quorum without a sorry server the working servers go on, and the quorum is lost all the same', () => {
    const pool = form(server({ quorum: 2 }), up(0), { up: true })
    expect(pool.quorum.up).toBe(false)
    expect(names(pool)).toEqual(['11:1'])
  })

  test('with sorry_server_inhibit it is there with weight 0 while it does not serve', () => {
    const sorryServer = {
      endpoint: { address: ip('192.168.1.99'), port: 80 },
      forwarding: { method: 'DR' as const },
      inhibit: true as const,
    }
    const whole = server({ sorryServer })
    const fresh = form(whole, up(0, 1, 2), undefined)
    expect(names(fresh)).toEqual(['99:0', '13:1', '12:1', '11:1'])
    const lost = form(whole, up(), fresh.quorum)
    expect(names(lost)).toEqual(['99:1'])
    const back = form(whole, up(0), lost.quorum)
    expect(names(back)).toEqual(['99:0', '11:1'])
    expect(names(form(whole, up(0, 1), back.quorum))).toEqual(['99:0', '12:1', '11:1'])
  })

  test('that one with alpha begins without quorum is not told as a loss', () => {
    const none = form(server(), up(), undefined)
    expect(poolChanges('web', undefined, none, true)).toEqual([])
    expect(poolChanges('web', undefined, none)).toMatchObject([{ text: 'Lost quorum for VS web' }])
    expect(poolChanges('web', form(server(), up(0), undefined), none, true).map(({ text }) => text)).toContain(
      'Lost quorum for VS web',
    )
  })

  test('a sorry server that is one of the real servers is there once, and serves', () => {
    const realServers = [real(0, { inhibitOnFailure: true }), real(1, { inhibitOnFailure: true })]
    const { endpoint: same, forwarding } = real(0)
    const pool = form(server({ realServers, sorryServer: { endpoint: same, forwarding } }), up(), undefined)
    expect(names(pool)).toEqual(['11:1', '12:0'])
  })

  test('without a server that works nobody serves', () => {
    expect(names(form(server(), up(), undefined))).toEqual([])
  })

  test('a quorum that hysteresis keeps lost takes no server out either', () => {
    const pool = form(server({ quorum: 2, hysteresis: 1 }), up(0, 1), { up: false })
    expect(pool.quorum.up).toBe(false)
    expect(names(pool)).toEqual(['12:1', '11:1'])
  })

  test('what inhibit_on_failure keeps has weight 0 while it is down, and while the sorry server serves', () => {
    const realServers = [0, 1, 2].map((i) => real(i, { inhibitOnFailure: i < 2 }))
    const config = server({ quorum: 2, realServers })
    expect(names(form(config, up(0), { up: true }))).toEqual(['12:0', '11:1'])
    const sorryServer = { endpoint: { address: ip('192.168.1.99'), port: 80 }, forwarding: { method: 'NAT' as const } }
    expect(names(form({ ...config, sorryServer }, up(0), { up: true }))).toEqual(['99:1', '12:0', '11:0'])
  })

  test('servers of weight 0 alone are no quorum', () => {
    expect(form(server({ realServers: [real(0, { weight: 0 })] }), up(0), { up: true }).quorum.up).toBe(false)
  })

  test('a server that starts slowly has a small weight, and counts for the quorum with the whole one', () => {
    const config = server({
      scheduler: 'wrr',
      quorum: 20,
      realServers: [real(0, { weight: 10 }), real(1, { weight: 10 })],
    })
    const pool = formPool(
      config,
      [
        { up: true, weight: 10 },
        { up: true, weight: 10, risen: 3 },
      ],
      { up: true },
    )
    expect(names(pool)).toEqual(['12:3', '11:10'])
    expect(pool.services[0]?.destinations[0]?.fullWeight).toBe(3)
    expect(pool.quorum.up).toBe(true)
  })

  test('hysteresis keeps a quorum that wavers', () => {
    const config = server({ quorum: 2, hysteresis: 1 })
    expect(form(config, up(0), { up: true }).quorum.up).toBe(true)
    expect(form(config, up(), { up: true }).quorum.up).toBe(false)
    expect(form(config, up(0, 1), { up: false }).quorum.up).toBe(false)
    expect(form(config, up(0, 1, 2), { up: false }).quorum.up).toBe(true)
  })

  test('quorum is known when servers of which nothing is known change nothing of it', () => {
    const known = (change: Partial<VirtualServer>, ups: readonly Address[], ...isKnown: boolean[]) => {
      const whole = server(change)
      const standings = whole.realServers.map(({ endpoint: { address }, weight }) => ({
        up: ups.includes(address),
        weight,
      }))
      return knownQuorum({ ...formPool(whole, standings, undefined), server: whole, standings }, isKnown)
    }
    const [two, all] = [{ quorum: 2 }, up(0, 1, 2)]
    expect(known(two, all, true, true, false)).toBe(true)
    expect(known(two, all, true, false, false)).toBeUndefined()
    expect(known(two, all, false, false, false)).toBeUndefined()
    expect(known(two, up(2), true, true, false)).toBe(false)
    // With alpha what is not known is down.
    expect(known(two, up(), true, false, false)).toBeUndefined()
    expect(known({ quorum: 1, realServers: [] }, [])).toBe(false)
  })

  test('says what has become of it: who comes, goes and gets another weight, and quorum', () => {
    const config = server({ quorum: 2, realServers: [real(0), real(1), real(2)] })
    const [all, some] = [form(config, up(0, 1, 2), undefined), form(config, up(1), { up: true })]
    const other = form(server({ quorum: 2, realServers: [real(1, { weight: 5 })] }), up(1), { up: false })
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
    const pool = form(server({ realServers: [real(0, { weight: 0 }), real(1)] }), up(0, 1), undefined)
    expect(names(pool)).toEqual(['12:1', '11:0'])
    expect(pool.services.map((service) => schedulerTable(service).entries)).toEqual([[0, 1]])
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

describe('a virtual server that is a group', () => {
  const address = (port: number, host = '10.0.0.1'): ServiceId => ({
    by: 'address',
    vip: { address: ip(host), port },
    protocol: 'TCP',
  })
  const real = (port: number, method: 'NAT' | 'DR'): RealServer => ({
    endpoint: { address: ip('192.168.1.11'), port },
    forwarding: { method },
    weight: 1,
    thresholds: { upper: 0, lower: 0 },
    inhibitOnFailure: false,
    checks: [],
  })

  test.each([
    ['NAT changes the port', address(443), real(8080, 'NAT'), 8080],
    ['direct routing cannot', address(443), real(8080, 'DR'), 443],
    ['a server without a port has that of each service', address(443), real(0, 'NAT'), 443],
    ['every port stays every port', address(0), real(8080, 'DR'), 8080],
    ['a mark keeps what was asked for', { by: 'fwmark', mark: 1, family: 'inet' } as const, real(8080, 'NAT'), 0],
  ])('%s', (_what, id, server, port) => expect(endpointIn(id, server).port).toBe(port))
})
