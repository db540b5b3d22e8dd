import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { withoutBfd } from '../../src/config/part.ts'
import type { BfdSession } from '../../src/model/bfd.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => loadConfig({ name: 'x', text }, surroundings())
const block = (inside = '', name = 's') => `bfd_instance ${name} {\n neighbor_ip 10.0.0.2\n ${inside}\n}\n`
const instance = (inside: string) =>
  `vrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 10.0.0.9/24 }\n ${inside}\n}\n`

function sessionOf(text: string): BfdSession | undefined {
  const { config, diagnostics } = load(text)
  expect(diagnostics).toEqual([])
  return config?.bfdSessions[0]
}

test('what a session is that says nothing but its neighbour: as in keepalived, but with TTL 255 for IPv6, too', () => {
  const defaults = {
    name: 's',
    source: undefined,
    multihop: false,
    ttl: 255,
    leastTtl: 255,
    minTx: 10,
    minRx: 10,
    idleTx: 1000,
    multiplier: 5,
    passive: false,
    forVrrp: true,
    enabled: true,
  }
  expect(sessionOf(block())).toEqual({ ...defaults, neighbour: '10.0.0.2' })
  expect(sessionOf(block().replace('10.0.0.2', '2001:DB8::2'))).toEqual({ ...defaults, neighbour: '2001:db8::2' })
})

describe('a keyword of a bfd_instance counts', () => {
  test.each<[string, Partial<BfdSession>]>([
    ['source_ip 10.0.0.1', { source: '10.0.0.1' as BfdSession['neighbour'] }],
    ['min_rx 3.312', { minRx: 3.312 as BfdSession['minRx'] }],
    ['min_tx 1000', { minTx: 1000 as BfdSession['minTx'] }],
    ['idle_tx 2500', { idleTx: 2500 as BfdSession['idleTx'] }],
    ['multiplier 255', { multiplier: 255 }],
    ['passive', { passive: true }],
    ['ttl 64', { ttl: 64, leastTtl: 64 }],
    ['hoplimit 64', { ttl: 64, leastTtl: 64 }],
    ['max_hops 3', { ttl: 255, leastTtl: 252 }],
    ['max_hops 255', { leastTtl: 0 }],
    ['max_hops -1', { leastTtl: 0 }],
    ['multihop', { multihop: true, ttl: 64, leastTtl: 0 }],
    ['multihop no', { multihop: false, ttl: 255, leastTtl: 255 }],
    ['multihop\n max_hops 2', { multihop: true, ttl: 64, leastTtl: 62 }],
    ['vrrp', { forVrrp: true }],
    ['checker', { forVrrp: false }],
    ['vrrp\n checker', { forVrrp: true }],
  ])('%s', (line, expected) => expect(sessionOf(block(line))).toMatchObject(expected))

  test('neighbour_ip', () => {
    expect(sessionOf(block().replace('neighbor', 'neighbour'))?.neighbour).toBe('10.0.0.2')
  })

  test.each(['min_rx 0.5', 'min_tx 1001', 'idle_tx 999', 'multiplier 0', 'ttl 256', 'max_hops -2', 'weight 254'])(
    '%s is an error at its place',
    (line) => {
      const { config, diagnostics } = load(block(line))
      expect(config).toBeUndefined()
      expect(diagnostics).toMatchObject([{ code: 'bad-value' }])
    },
  )
})

describe('track_bfd', () => {
  const tracks = (text: string) => {
    const { config } = load(text)
    return { own: config?.instances[0]?.tracks, group: config?.syncGroups[0]?.tracks }
  }
  const track = (weight: number, reverse = false) => [{ kind: 'bfd', name: 's', weight, reverse }]
  const group = (inside: string) => `vrrp_sync_group g {\n group { a }\n ${inside}\n}\n`

  test.each([
    ['', 'track_bfd { s }', track(0)],
    ['weight -20', 'track_bfd { s }', track(-20)],
    ['weight 0 reverse', 'track_bfd { s }', track(0, true)],
    ['weight -20', 'track_bfd { s weight 30 reverse }', track(30, true)],
    ['vrrp', 'track_bfd { s }', track(0)],
    ['checker', 'track_bfd { s }', []],
  ])('with `%s` in the bfd_instance and `%s`', (inside, line, expected) => {
    expect(tracks(block(inside) + instance(line)).own).toEqual(expected)
    expect(tracks(block(inside) + instance('') + group(line)).group).toEqual(expected)
  })

  test('of a member with a weight has no effect, as in keepalived, unless the group says otherwise', () => {
    const text = block() + instance('track_bfd { s weight 5 }')
    expect(tracks(text + group('')).own).toEqual([])
    expect(tracks(text + group('sync_group_tracking_weight')).own).toEqual(track(5))
    const { diagnostics } = load(text + group(''))
    expect(diagnostics.map(({ code }) => code)).toContain('bad-weight')
  })
})

describe('a mistake is told with its place', () => {
  test.each([
    [block('source_ip fd00::1'), 'mixed-families', '`s` has a neighbour of the other family: 10.0.0.2', 'source_ip'],
    [
      block() + block('', 't'),
      'duplicate-address',
      'there is a BFD session with 10.0.0.2 already, at x:2:2',
      'neighbor_ip',
    ],
    [block('max_hops 70\n ttl 64'), 'ignored-value', 'it is more than the TTL, 64: hops do not count', 'max_hops'],
    [
      block().replace('10.0.0.2', 'fe80::2'),
      'no-effect',
      'a link-local address does not say on which interface it is: `s` never comes up',
      'neighbor_ip',
    ],
    [
      block('checker') + instance('track_bfd { s }'),
      'no-effect',
      '`s` is for checkers only: it has no effect here',
      's }',
    ],
    [
      block() + instance('track_bfd { s }\n unicast_src_ip 10.0.0.1\n unicast_peer { 10.0.0.2 }'),
      'bad-weight',
      '`a` is in fault when its own peer 10.0.0.2 is gone: then nobody has the addresses',
      's }',
    ],
    [
      block() + instance('track_bfd { s weight -5 }\n nopreempt'),
      'bad-weight',
      'with `nopreempt` no other director takes over from `a` because of a lower priority',
      's weight',
    ],
  ])('%s', (text, code, message, at) => {
    const found = load(text).diagnostics.find((each) => each.code === code)
    expect(found?.message).toBe(message)
    expect(text.slice(found?.at.start).startsWith(at)).toBe(true)
  })

  test.each([
    block('source_ip 10.0.0.1') + block('source_ip 10.0.0.3', 't'),
    block() + block('multihop', 't'),
    block() + instance('track_bfd { s weight -5 }\n unicast_src_ip 10.0.0.1\n unicast_peer { 10.0.0.2 }'),
  ])('but not where there is none', (text) => expect(load(text).diagnostics).toEqual([]))
})

test('--no_bfd leaves the sessions there, for those that track them, and runs none', () => {
  const { config } = load(block() + instance('track_bfd { s }'))
  if (config === undefined) throw new Error('refused')
  expect(withoutBfd(config)).toEqual({ ...config, bfdSessions: [{ ...config.bfdSessions[0], enabled: false }] })
})
