import { expect, test } from 'vitest'
import type { VirtualAddress, VrrpInstance } from '../../src/model/vrrp.ts'
import type { RoutingItem } from '../../src/net/route.ts'
import { release, type Release } from '../../src/vrrp/release.ts'
import type { HeldAddress } from '../../src/vrrp/state.ts'
import { millis } from '../../src/time.ts'
import { anInstance, aRoute, aRule, ip } from './instances.ts'
import { anInterface, short } from './story.ts'

const vip = (last: number): VirtualAddress => ({ address: ip(`10.0.0.${last}`), prefix: 32, device: 'eth0' })
const x = anInstance({ name: 'x', vrid: 10, addresses: [vip(6)] })
const y = anInstance({ name: 'y', vrid: 20, addresses: [vip(7)] })
const OWN = '10.0.0.1'

/** What comes of a release on a host that has these addresses, in this order; a `~` before one that expires. */
function released(
  what: Release,
  addresses: readonly string[],
  remembered: readonly string[] = [],
  routing: readonly RoutingItem[] = [],
  leased: readonly HeldAddress[] = [],
): readonly string[] {
  const isExpiring = (text: string) => text.startsWith('~')
  const present = addresses.map((text) => ({
    address: ip(text.replace('~', '')),
    prefix: text === OWN ? 24 : 32,
    primary: true,
    tentative: false,
    expires: isExpiring(text),
  }))
  const held = remembered.map((text): HeldAddress => ({
    address: { address: ip(text.replace('~', '')), prefix: 32, device: 'eth0' },
    router: 'before',
    expires: isExpiring(text),
  }))
  return release(what, {
    interfaces: [anInterface('eth0', { addresses: present })],
    present,
    remembered: [...held, ...leased],
    routing,
  }).map((effect) => (effect.type === 'advertise' ? `${short(effect)} from ${effect.source}` : short(effect).trim()))
}
const some = (resigned: readonly VrrpInstance[], adopted: readonly VrrpInstance[]): Release => ({
  instances: [x, y],
  what: { resigned, adopted },
  now: false,
})
const everything: Release = { instances: [x, y], what: 'everything', now: false }

test('an instance whose addresses are here says farewell, and they stay until a peer has them', () => {
  expect(released(some([x], [y]), [OWN, '10.0.0.6', '10.0.0.7'])).toEqual([
    'x advertise 0 from 10.0.0.1',
    'expire 10.0.0.6 after 5000',
    'remove any',
  ])
  const slow = { ...x, advertInt: millis(10_000) }
  expect(released({ ...some([slow], []), instances: [slow] }, [OWN, '10.0.0.6'])[1]).toBe('expire 10.0.0.6 after 10200')
})

test('one whose addresses were leased says farewell, too', () => {
  const leased = { address: vip(6), router: 'before', expires: false, lease: millis(5000) }
  expect(released(everything, [OWN, '~10.0.0.6'], [], [], [leased])[0]).toBe('x advertise 0 from 10.0.0.1')
})

test('one whose addresses are not here, or were left to expire by a stop in order, has nothing to say', () => {
  expect(released(some([x], [y]), [OWN, '10.0.0.7'])).toEqual(['remove any 10.0.0.6'])
  expect(released(everything, [OWN, '~10.0.0.6'])).toEqual(['remove any 10.0.0.6 10.0.0.7', 'remove ours'])
})

test('the farewell does not come from an address of an instance that stays', () => {
  const [farewell] = released(some([x], [y]), ['10.0.0.7', OWN, '10.0.0.6'])
  expect(farewell).toBe('x advertise 0 from 10.0.0.1')
})

test('nor from one that an earlier configuration has left', () => {
  const [farewell] = released(everything, ['10.0.0.44', OWN, '10.0.0.6'], ['10.0.0.44'])
  expect(farewell).toBe('x advertise 0 from 10.0.0.1')
})

test('an address that a master here still has stays', () => {
  const shared = { ...x, addresses: [vip(6), vip(7)] }
  expect(released({ ...some([shared], [y]), instances: [shared, y] }, [OWN, '10.0.0.6', '10.0.0.7'])).toEqual([
    'x advertise 0 from 10.0.0.1',
    'expire 10.0.0.6 after 5000',
    'remove any',
  ])
})

test('everything is also what is remembered, but for what expires by itself, unless it is to go now', () => {
  const addresses = [OWN, '10.0.0.6', '10.0.0.44', '~10.0.0.45']
  const remembered = ['10.0.0.6', '10.0.0.44', '~10.0.0.45']
  expect(released(everything, addresses, remembered)).toEqual([
    'x advertise 0 from 10.0.0.1',
    'expire 10.0.0.6 after 5000',
    'remove any 10.0.0.7',
    'remove ours 10.0.0.44',
  ])
  expect(released({ ...everything, now: true }, addresses, remembered).at(-1)).toBe(
    'remove ours 10.0.0.6 10.0.0.44 10.0.0.45',
  )
})

test('routes and rules of who gives up go, but for those of an instance that stays; everything is all that is remembered', () => {
  const routing = [
    ...[aRoute(1), aRoute(2), aRoute(3)].map((route) => ({ kind: 'route', route }) as const),
    { kind: 'rule', rule: aRule(1) } as const,
  ]
  const [first, second] = [
    { ...x, addresses: [], routes: [aRoute(1), aRoute(2)], rules: [aRule(1)] },
    { ...y, addresses: [], routes: [aRoute(2)] },
  ]
  const text = (second_: number) => `10.${second_}.0.0/16 via 10.0.0.254 dev eth0`
  const what = { ...some([first], [second]), instances: [first, second] }
  const rule = '1: from 10.1.0.0/16 lookup 5'
  expect(released(what, [OWN], [], routing)[0]).toBe(`remove-routing ${rule}, ${text(1)}`)
  const all = `remove-routing ${rule}, ${text(1)}, ${text(2)}, ${text(3)}`
  expect(released(everything, [OWN], [], routing)).toContain(all)
})
