import type { VrrpInstance } from '../../src/model/vrrp.ts'
import type { Millis } from '../../src/time.ts'
import { step } from '../../src/vrrp/engine.ts'
import { survivors } from '../../src/vrrp/router.ts'
import type { Effect, Step } from '../../src/vrrp/effect.ts'
import {
  addressesOf,
  addressKey,
  type EngineState,
  type Event,
  type InstanceState,
  isAble,
} from '../../src/vrrp/state.ts'
import { effectivePriority, trackedOf } from '../../src/vrrp/trackers.ts'

/** The order of effects that `Step` promises. */
const PHASES: Readonly<Record<Effect['type'], number>> = {
  advertise: 1,
  introduce: 1,
  transition: 1,
  priority: 1,
  rival: 1,
  expire: 2,
  restore: 2,
  add: 3,
  announce: 4,
  remove: 5,
}

/** Advances the election by one event, and holds the effects against what the engine promises of them. */
export function checkedStep(before: EngineState, event: Event, now: Millis): Step {
  const result = step(before, event, now)
  const wrong = [
    ...wrongOrder(result),
    ...wrongTransitions(before, event, result),
    ...wrongTracking(result),
    ...wrongAddresses(result),
  ]
  if (wrong.length === 0) return result
  const told = result.effects.map(({ type }) => type).join(', ')
  throw new Error(`after ${event.type} the effects ${told}: ${wrong.join('; ')}`)
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
  for (const { config } of after.members.values()) states.set(config, goingOn.get(config.name)?.state.name ?? 'init')
  const leaving = new Set<VrrpInstance>()
  for (const effect of effects) {
    switch (effect.type) {
      case 'transition': {
        const { instance, from, to } = effect
        if (from !== states.get(instance)) yield `${instance.name} leaves ${from} and was ${states.get(instance)}`
        leaving.delete(instance)
        states.set(instance, to)
        break
      }
      case 'advertise':
      case 'rival':
        if (states.get(effect.instance) !== 'master') yield `${effect.type} of ${effect.instance.name}, no master`
        if (effect.priority === 0) leaving.add(effect.instance)
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
      case 'add':
      case 'announce':
      case 'remove':
        break
    }
  }
  for (const { name } of leaving) yield `${name} says farewell and stays`
  for (const { config, state } of after.members.values()) {
    if (states.get(config) !== state.name) yield `${config.name} is ${state.name}, and nobody was told`
  }
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
