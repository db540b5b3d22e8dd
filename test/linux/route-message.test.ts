import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { decodeAttributes, decodeNetlink, encodeNetlink } from '../../src/linux/netlink-message.ts'
import { marksOf, type MessageBody, newRoute, oldRoute } from '../../src/linux/route-message.ts'
import { ruleMessage } from '../../src/linux/rule-message.ts'
import type { Route, Rule } from '../../src/net/route.ts'
import { surroundings } from '../support/surroundings.ts'
import { SENT_BY_IP } from './sent-by-ip.ts'

const indexOf = (device: string) => (device === 'eth0' ? 7 : undefined)

function made(kind: 'route' | 'rule', line: string): Route | Rule {
  const { config, diagnostics } = loadConfig({ name: 'x', text: `static_${kind}s {\n${line}\n}` }, surroundings())
  const [item] = config?.staticObjects[`${kind}s`] ?? []
  if (item === undefined) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)))
  return item
}
const route = (line: string) => made('route', line) as Route
const rule = (line: string) => made('rule', line) as Rule

const TABLE = 15
/** Whose attributes are attributes themselves: metrics and encapsulations. */
const NESTED: ReadonlySet<number> = new Set([8, 22])
const hex = (view: DataView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex')

/** What a message says, whatever the order of its attributes is, and whether the table stands in the header, or behind it as well. */
function meaning(message: Uint8Array, kind: 'route' | 'rule') {
  const [decoded] = decodeNetlink(message)
  if (decoded === undefined) throw new Error('no message')
  const { body } = decoded
  const header = hex(new DataView(body.buffer, body.byteOffset, 12))
  const attributes = [...decodeAttributes(body, 12)].flatMap(([type, value]): [number, unknown][] => {
    if (type === TABLE && value.getUint32(0, true) < 256) return []
    const isNested = kind === 'route' && NESTED.has(type)
    return [
      [
        type,
        isNested
          ? [...decodeAttributes(value, 0)].map(([t, v]) => [t, hex(v)] as const).toSorted(([a], [b]) => a - b)
          : hex(value),
      ],
    ]
  })
  return { header, attributes: attributes.toSorted(([a], [b]) => a - b) }
}

const encoded = ({ fixed, attributes }: MessageBody) => encodeNetlink(24, 0, 1, fixed, attributes)

/** ip gives labels and locators options of its own, and long tables another number in the header. */
const isComparable = ({ line }: { line: string }) => !line.includes('ila') && !/table 6\d{3}/.test(line)

describe('messages are those of ip', () => {
  test.each(SENT_BY_IP.filter(isComparable))('$kind $line', ({ kind, line, message }) => {
    const body = kind === 'route' ? newRoute(route(line), indexOf) : ruleMessage(rule(line))
    if (body === undefined) throw new Error('eth0 is there')
    expect(meaning(encoded(body), kind)).toEqual(meaning(Buffer.from(message, 'hex'), kind))
  })

  test.each(SENT_BY_IP.filter((each) => !isComparable(each)))(
    'but for one detail: $kind $line',
    ({ kind, line, message }) => {
      const body = kind === 'route' ? newRoute(route(line), indexOf) : ruleMessage(rule(line))
      if (body === undefined) throw new Error('eth0 is there')
      const ours = meaning(encoded(body), kind)
      const theirs = meaning(Buffer.from(message, 'hex'), kind)
      // The modes of ILA, which keepalived has not, and the table in the header, which the attribute overrides.
      const ila = (attributes: typeof ours.attributes) =>
        attributes.map(([type, value]) => [type, type === 22 && Array.isArray(value) ? value.slice(0, 1) : value])
      expect(ila(ours.attributes)).toEqual(ila(theirs.attributes))
      expect(ours.header.slice(0, 8)).toBe(theirs.header.slice(0, 8))
    },
  )
})

test('a route names its interface by number: without the interface there is no message', () => {
  const line = '10.1.0.0/16 via 10.0.0.2 dev eth9'
  expect([newRoute(route(line), indexOf), oldRoute(route(line), indexOf), marksOf(route(line), indexOf)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('a deletion says what names the route, whatever its scope is, and nothing of what it is like', () => {
  const old = oldRoute(route('10.1.0.0/16 via 10.0.0.2 dev eth0 metric 5 mtu 1400 src 10.0.0.9 scope link'), indexOf)
  if (old === undefined) throw new Error('eth0 is there')
  expect(old.fixed[6]).toBe(255)
  expect(old.attributes.map(([type]) => type)).toEqual([1, 15, 6, 5, 4])
})

test('that of several next hops says all of them, and their weights', () => {
  const old = oldRoute(route('10.1.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3 weight 3'), indexOf)
  const [, value] = old?.attributes.find(([type]) => type === 9) ?? []
  expect(Buffer.from(value ?? []).toString('hex')).toBe(
    '1000000000000000080005000a0000021000000200000000080005000a000003',
  )
})
