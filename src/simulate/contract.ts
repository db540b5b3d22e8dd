import type { VrrpInstance } from '../model/vrrp.ts'
import { itemsOf, type RoutingItem } from '../net/route.ts'
import { itemText } from '../net/route-text.ts'
import type { Effect, Step } from '../vrrp/effect.ts'
import { survivors } from '../vrrp/router.ts'
import { routingKey } from '../vrrp/routing.ts'
import { addressesOf, addressKey, type EngineState, type Event, type InstanceState, isAble } from '../vrrp/state.ts'
import { effectivePriority, trackedOf } from '../vrrp/trackers.ts'

/** The order of effects that `Step` promises. */
const PHASES: Readonly<Record<Effect['type'], number>> = {
  advertise: 1,
  introduce: 1,
  transition: 1,
  priority: 1,
  rival: 1,
  yielded: 1,
  resumed: 1,
  expire: 2,
  restore: 2,
  renew: 2,
  add: 3,
  'restore-routing': 4,
  'abandon-routing': 4,
  'add-routing': 4,
  announce: 5,
  'remove-routing': 6,
  remove: 7,
}

/** What of a step is not as the engine promises, in words; nothing when all is. */
export function brokenPromises(before: EngineState, event: Event, result: Step): readonly string[] {
  if (isUneventful(before, result)) return []
  return [
    ...wrongOrder(result),
    ...wrongTransitions(before, event, result),
    ...wrongTracking(result),
    ...wrongGroups(result),
    ...wrongAddresses(result),
    ...wrongRouting(before, event, result),
  ]
}

/**
 * Nothing but adverts of masters and timers, as nearly always: all that is checked was checked with the state before, of which
 * everything that it hangs on is still the same.
 */
function isUneventful(before: EngineState, { state: after, effects }: Step): boolean {
  if (before.held !== after.held || before.groups !== after.groups) return false
  if (before.links !== after.links || before.results !== after.results) return false
  if (before.members.size !== after.members.size) return false
  for (const effect of effects) {
    if (effect.type !== 'advertise' || effect.priority === 0) return false
    if (after.members.get(effect.instance.name)?.state.name !== 'master') return false
  }
  for (const [name, old] of before.members) {
    const member = after.members.get(name)
    if (member === old) continue
    if (member?.state.name !== old.state.name || member.config !== old.config) return false
    if (member.tracked !== old.tracked || member.priority !== old.priority || member.link !== old.link) return false
  }
  return true
}

function* wrongOrder({ effects }: Step): Generator<string> {
  for (const [i, { type }] of effects.entries()) {
    const next = effects[i + 1]?.type
    if (next === undefined) continue
    if (PHASES[next] < PHASES[type]) yield `${next} comes behind ${type}`
    if (type === 'add' && next === 'add') yield 'add comes twice'
  }
}

/** Goes through what is said: each state follows on the one before, and adverts are those of masters. */
function* wrongTransitions(before: EngineState, event: Event, { state: after, effects }: Step): Generator<string> {
  const goingOn = event.type === 'configure' ? survivors(before.members, event.instances) : before.members
  const states = new Map<VrrpInstance, InstanceState['name']>()
  for (const { config, state } of before.members.values()) states.set(config, state.name)
  // What has become of one before it got its new configuration is said with the old one.
  const successors = new Map<VrrpInstance, VrrpInstance>()
  for (const { config } of after.members.values()) {
    const old = goingOn.get(config.name)
    states.set(config, old?.state.name ?? 'init')
    if (old !== undefined) successors.set(old.config, config)
  }
  const leaving = new Set<VrrpInstance>()
  for (const effect of effects) {
    switch (effect.type) {
      case 'transition': {
        const { instance, from, to } = effect
        if (from !== states.get(instance)) yield `${instance.name} leaves ${from} and was ${states.get(instance)}`
        leaving.delete(instance)
        states.set(instance, to)
        states.set(successors.get(instance) ?? instance, to)
        break
      }
      case 'advertise':
      case 'rival':
        if (states.get(effect.instance) !== 'master') yield `${effect.type} of ${effect.instance.name}, no master`
        if (effect.priority === 0) leaving.add(effect.instance)
        else if (isYielding(before, effect.instance.name) && isYielding(after, effect.instance.name)) {
          yield `${effect.instance.name} has said farewell, and is heard as a master`
        }
        break
      case 'yielded':
      case 'resumed':
        break
      case 'priority': {
        const { instance, state, priority, before: old } = effect
        if (states.get(instance) !== state) yield `priority of ${instance.name}, which is no ${state}`
        if (priority === old) yield `priority of ${instance.name} is what it was`
        if (after.members.get(instance.name)?.priority !== priority) yield `${instance.name} has another priority`
        break
      }
      case 'introduce':
      case 'expire':
      case 'restore':
      case 'renew':
      case 'add':
      case 'announce':
      case 'remove':
      case 'add-routing':
      case 'restore-routing':
      case 'abandon-routing':
      case 'remove-routing':
        break
    }
  }
  for (const { name } of leaving) if (!isYielding(after, name)) yield `${name} says farewell and stays`
  for (const { config, state } of after.members.values()) {
    if (states.get(config) !== state.name) yield `${config.name} is ${state.name}, and nobody was told`
  }
}

function isYielding({ members }: EngineState, name: string): boolean {
  const state = members.get(name)?.state
  return state?.name === 'master' && state.yielding !== undefined
}

/** Whoever takes part may, and by the priority that comes of what it hangs on. */
function* wrongTracking({ state }: Step): Generator<string> {
  for (const member of state.members.values()) {
    const { config, tracked, priority } = member
    const takesPart = member.state.name === 'master' || member.state.name === 'backup'
    if (takesPart && !isAble(member)) yield `${config.name} is ${member.state.name} and may not take part`
    if (JSON.stringify(tracked) !== JSON.stringify(trackedOf(config, state))) yield `${config.name} hangs on what was`
    if (priority !== effectivePriority(config, tracked)) yield `${config.name} has priority ${priority}`
  }
}

/** The members of a sync group are master together, or none is; but for those that wait for the first news of what they hang on. */
function* wrongGroups({ state: { groups, members } }: Step): Generator<string> {
  for (const { name, instances } of groups) {
    const all = instances.flatMap((each) => members.get(each) ?? []).filter(({ state }) => state.name !== 'init')
    const masters = all.filter(({ state }) => state.name === 'master')
    if (masters.length > 0 && masters.length < all.length) yield `only ${masters.length} of group ${name} are master`
  }
}

function* wrongAddresses({ state: { members, held }, effects }: Step): Generator<string> {
  const masters = [...members.values()].flatMap(({ config, state }) => (state.name === 'master' ? [config] : []))
  const wanted = new Set(masters.flatMap((each) => addressesOf(each).map(addressKey)))
  for (const effect of effects) {
    if (effect.type === 'announce' && !masters.includes(effect.instance)) yield 'announce of no master'
    if (effect.type !== 'remove') continue
    for (const each of effect.addresses) if (wanted.has(addressKey(each))) yield `a master has ${each.address}`
  }
  for (const key of wanted) if (held.get(key)?.expires !== false) yield `${key} is not there for good`
}

function* wrongRouting(before: EngineState, event: Event, { state, effects }: Step): Generator<string> {
  const { members, routing } = state
  const masters = [...members.values()].flatMap(({ config, state }) => (state.name === 'master' ? [config] : []))
  const wanted = new Map(masters.flatMap(itemsOf).map((item) => [routingKey(item), item]))
  for (const [key, item] of wanted) if (!routing.has(key)) yield `${itemText(item)} is not there`
  for (const effect of effects) {
    if (effect.type !== 'remove-routing') continue
    for (const item of effect.items) if (wanted.has(routingKey(item))) yield `a master has ${itemText(item)}`
  }
  if (event.type === 'inherit') return
  const onHost = new Map(before.routing)
  for (const effect of effects) {
    if (effect.type === 'add-routing') for (const item of effect.items) onHost.set(routingKey(item), item)
    if (effect.type === 'remove-routing') for (const item of effect.items) onHost.delete(routingKey(item))
  }
  const inOrder = (items: ReadonlyMap<string, RoutingItem>) =>
    [...items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  if (JSON.stringify(inOrder(onHost)) !== JSON.stringify(inOrder(routing)))
    yield 'the host has other routes and rules than it should'
}
