import { afterEach, beforeEach, expect, test } from 'vitest'
import { NextHops } from '../../src/daemon/director/next-hops.ts'
import type { NetworkChange } from '../../src/linux/network-changes.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'
import { type Address, addressBytes, addressText, parseAddress } from '../../src/net/address.ts'

/** The kernel's own routes of this host; what is counted is how often it is asked. */
const rtnetlink = new Rtnetlink()
let asked: Address[] = []
let hops: NextHops
const counted = {
  routes: (to: readonly Address[]) => {
    asked.push(...to)
    return rtnetlink.routes(to)
  },
}
const address = (text: string) => parseAddress(text) as Address
const NEAR = ['127.0.0.1', '127.0.1.9', '127.9.0.1', '::1'].map(address)
const text = (of: string) => addressText(addressBytes(address(of)))
const route = (first: string, last: string): NetworkChange => ({
  type: 'route',
  to: { first: text(first), last: text(last) },
})

beforeEach(() => {
  hops = new NextHops(counted)
  hops.follow(rtnetlink.links())
  hops.learn(new Set(NEAR), false)
  asked = []
})
afterEach(() => expect(hops.isStale).toBe(false))

/** What is asked for again after a change. */
function againAfter(...changes: readonly NetworkChange[]): Address[] {
  for (const change of changes) hops.note(change)
  hops.learn(new Set(NEAR), true)
  return asked
}

test('an address is asked for once, and what is planned no more is forgotten', () => {
  hops.learn(new Set(NEAR), true)
  expect(asked).toEqual([])
  hops.learn(new Set(NEAR.slice(1)), true)
  hops.learn(new Set(NEAR), true)
  expect(asked).toEqual(NEAR.slice(0, 1))
})

test.each([
  ['others', route('127.128.0.0', '127.255.255.255'), []],
  ['one', route('127.0.1.0', '127.0.1.255'), ['127.0.1.9']],
  ['several', route('127.0.0.0', '127.0.255.255'), ['127.0.0.1', '127.0.1.9']],
  ['all of a family', route('0.0.0.0', '255.255.255.255'), ['127.0.0.1', '127.0.1.9', '127.9.0.1']],
  ['all of the other', route('::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), ['::1']],
])('a route to %s', (_name, change, expected) => {
  expect(againAfter(change).toSorted()).toEqual(expected)
})

test.each([
  ['an address', { type: 'address', family: 6 }, ['::1']],
  ['a rule', { type: 'rule' }, NEAR],
  ['anything', { type: 'anything' }, NEAR],
] as const)('%s', (_name, change, expected) => {
  expect(againAfter(change)).toEqual(expected)
})

test('in a storm nothing is asked until it is time, and then once', () => {
  for (let i = 0; i < 1000; i++) hops.note(route('127.0.0.0', '127.0.255.255'))
  hops.learn(new Set(NEAR), false)
  expect([asked, hops.isStale]).toEqual([[], true])
  expect(againAfter().length).toBe(2)
})

test('a link that comes up may be the way to anything; one that goes down, only to what it led to', () => {
  const links = rtnetlink.links()
  hops.follow(links.map((link) => (link.index === 1 ? { ...link, up: !link.up } : link)))
  // What is local goes by no link.
  hops.learn(new Set(NEAR), true)
  const first = asked.length
  hops.follow(links)
  hops.learn(new Set(NEAR), true)
  expect([first, asked.length]).toEqual([0, NEAR.length])
})

test('many routes are asked for at once, and each answer is that of its own question', () => {
  const many = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? `::${i.toString(16)}` : '127.0.0.1')).map(address)
  const routes = rtnetlink.routes([address('::1'), ...many])
  const one = (to: Address) => {
    try {
      return rtnetlink.route(to)
    } catch {
      return undefined
    }
  }
  expect(routes).toEqual([address('::1'), ...many].map(one))
  expect(routes.some((each) => each?.local === true && each.source === '::1')).toBe(true)
})
