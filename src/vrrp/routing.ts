import { itemsOf, type Route, type RoutingItem } from '../net/route.ts'
import type { Address } from '../net/address.ts'
import { type Millis, millis } from '../time.ts'
import type { ChangeRouting } from './effect.ts'
import type { EngineState, Fight, Interface } from './state.ts'

/** A route that is removed again and again is put back so many times within `FIGHT_LASTS`, and then when that is over. */
export const FIGHTS = 10
export const FIGHT_LASTS = millis(60_000)

/** What the kernel tells a route or rule from others by. The same key with another content is the same one, changed. */
export function routingKey(item: RoutingItem): string {
  if (item.kind === 'rule') return `rule ${JSON.stringify({ ...item.rule, tracked: undefined })}`
  const { family, type, to, from, table, vrf, tos, metric, hops } = item.route
  const ways = hops.map(({ via, device }) => [via ?? null, device ?? null])
  return `route ${JSON.stringify([family, type, to, from ?? null, vrf ?? table, tos, metric ?? null, ways])}`
}

/**
 * The routes and rules of this host after a step, and how to get there. As with addresses, they are there as long as any
 * instance wants them, or until the daemon ends.
 */
export function routingAfter(state: EngineState): {
  readonly routing: ReadonlyMap<string, RoutingItem>
  readonly added: readonly ChangeRouting[]
  readonly removed: readonly ChangeRouting[]
} {
  const { members, routing: before } = state
  const wanted = new Map<string, RoutingItem>()
  for (const { config, state: own, keeps } of members.values()) {
    for (const item of itemsOf(config)) {
      const key = routingKey(item)
      const held = before.get(key)
      if (own.name === 'master') wanted.set(key, item)
      else if (keeps !== undefined && held !== undefined && !wanted.has(key)) wanted.set(key, held)
    }
  }
  if (wantsStatics(state)) for (const item of itemsOf(state.statics)) wanted.set(routingKey(item), item)
  const added = [...wanted].filter(([key, item]) => JSON.stringify(before.get(key)) !== JSON.stringify(item))
  const removed = [...before].filter(([key]) => !wanted.has(key))
  return {
    routing: wanted,
    added: change('add-routing', routesFirst(added.map(([, item]) => item))),
    removed: change('remove-routing', routesFirst(removed.map(([, item]) => item)).toReversed()),
  }
}

/** Static objects stay until the addresses of instances that leave are gone. */
export const wantsStatics = ({ stopped, members }: EngineState): boolean =>
  !stopped || [...members.values()].some(({ keeps }) => keeps !== undefined)

/** What is done about routes and rules that are gone, and what is remembered of it. */
export function putBack(
  state: EngineState,
  missing: readonly string[],
  now: Millis,
): { readonly fights: ReadonlyMap<string, Fight>; readonly effects: readonly ChangeRouting[] } {
  const fights = new Map([...state.fights].filter(([, { since }]) => now - since < FIGHT_LASTS))
  const restored: RoutingItem[] = []
  const abandoned: RoutingItem[] = []
  for (const [key, item] of lost(state, missing)) {
    const { times, since } = fights.get(key) ?? { times: 0, since: now }
    if (times > FIGHTS) continue
    // What was not there before could not be added then: nobody has removed it.
    if (!state.absent.has(key)) fights.set(key, { times: times + 1, since })
    if (state.absent.has(key) || times < FIGHTS) restored.push(item)
    else abandoned.push(item)
  }
  return {
    fights,
    effects: [...change('restore-routing', routesFirst(restored)), ...change('abandon-routing', abandoned)],
  }
}

/** When to put back what was left alone. */
export function nextPutBack({ fights }: EngineState): Millis {
  const ends = [...fights.values()].filter(({ times }) => times > FIGHTS).map(({ since }) => since + FIGHT_LASTS)
  return millis(Math.min(Infinity, ...ends))
}

/** With an address the kernel removes the routes that have it as their source: they come back with it. */
export function routesFrom({ routing }: EngineState, sources: readonly Address[]): readonly ChangeRouting[] {
  const items = [...routing.values()].filter(
    (item) => item.kind === 'route' && item.route.source !== undefined && sources.includes(item.route.source),
  )
  return change('restore-routing', items)
}

/** Those that are missed, and could be there. */
function lost({ routing, interfaces, handingOver, stopped }: EngineState, missing: readonly string[]) {
  if (handingOver || stopped) return []
  return missing.flatMap((key): (readonly [string, RoutingItem])[] => {
    const item = routing.get(key)
    if (item === undefined) return []
    if (item.kind === 'rule') return item.rule.tracked ? [[key, item]] : []
    return item.route.tracked && areUp(item.route, interfaces ?? []) ? [[key, item]] : []
  })
}

const areUp = ({ hops }: Route, interfaces: readonly Interface[]): boolean =>
  hops.every(({ device }) => device === undefined || interfaces.some(({ name, up }) => name === device && up))

const routesFirst = (items: readonly RoutingItem[]): readonly RoutingItem[] =>
  items.toSorted((a, b) => Number(a.kind === 'rule') - Number(b.kind === 'rule'))

const change = (type: ChangeRouting['type'], items: readonly RoutingItem[]): readonly ChangeRouting[] =>
  items.length === 0 ? [] : [{ type, items }]
