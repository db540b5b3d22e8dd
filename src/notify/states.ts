import type { NotifiedState } from '../model/notify.ts'
import type { ToldState } from '../model/telling.ts'
import type { SyncGroup } from '../model/vrrp.ts'

/**
 * What instances and sync groups are told to be, made of the transitions of instances. BOUNDED by the configuration: what is
 * not in it is forgotten.
 */
export interface States {
  readonly groups: readonly SyncGroup[]
  /** Groups of which somebody waits for the first result of a script. */
  readonly waiting: ReadonlySet<string>
  /** By name, in the order of the configuration; undefined: not told yet. */
  readonly instances: ReadonlyMap<string, InstanceTold>
  readonly groupStates: ReadonlyMap<string, NotifiedState | undefined>
}

interface InstanceTold {
  readonly state: NotifiedState | undefined
  readonly priority: number
  /** Its first state, as long as it waits for those of the others of its group. */
  readonly held: ToldState | undefined
}

export interface Step {
  readonly states: States
  /** To be told, in this order. */
  readonly news: readonly ToldState[]
}

export const noStates: States = { groups: [], waiting: new Set(), instances: new Map(), groupStates: new Map() }

const UNKNOWN: InstanceTold = { state: undefined, priority: 0, held: undefined }

/** An instance is in another state by now. */
export interface Moved {
  readonly name: string
  readonly to: 'init' | 'backup' | 'master' | 'fault'
  /** The effective one. */
  readonly priority: number
  readonly reason: string
  /** In ms since the epoch. */
  readonly at: number
}

/**
 * Takes a transition. Nobody is told of `init`: a stop is told by `stopped`, and a process that has died comes back. A group is
 * told when all of its members have arrived, after them, as keepalived does; only at the start is it told before them, so the
 * first states of members wait for each other.
 */
export function moved(states: States, { name, to, priority, reason, at }: Moved): Step {
  const before = states.instances.get(name)
  if (before === undefined || to === 'init') return { states, news: [] }
  const state = NOTIFIED[to]
  if (before.state === state && before.held === undefined) {
    return { states: withInstance(states, name, { ...before, priority }), news: [] }
  }
  const news: ToldState = {
    type: 'state',
    subject: 'INSTANCE',
    name,
    state,
    from: before.state,
    priority,
    reason,
    at,
  }
  const group = states.groups.find(({ instances }) => instances.includes(name))
  if (group === undefined)
    return { states: withInstance(states, name, { state, priority, held: undefined }), news: [news] }
  if (before.state !== undefined) {
    const next = withInstance(states, name, { state, priority, held: undefined })
    const told = groupNews(next, group, reason, at)
    return { states: told.states, news: [news, ...told.news] }
  }
  return begun(withInstance(states, name, { state: undefined, priority, held: news }), group, reason, at)
}

const NOTIFIED = { backup: 'BACKUP', master: 'MASTER', fault: 'FAULT' } as const

/** Tells the first states of a group and its members when all are known. */
function begun(states: States, group: SyncGroup, reason: string, at: number): Step {
  const members = membersOf(states, group)
  if (!members.every(([, { state, held }]) => state !== undefined || held !== undefined)) return { states, news: [] }
  const first = members.flatMap(([, { held }]) => held ?? [])
  const known = first.reduce(
    (sum, { name, state, priority }) => withInstance(sum, name, { state, priority, held: undefined }),
    states,
  )
  const told = groupNews(known, group, reason, at)
  // As keepalived: at the start groups are told before their members, but one that begins as master, or has waited, after them.
  const isLast = states.waiting.has(group.name) || told.news.some(({ state }) => state === 'MASTER')
  return { states: told.states, news: isLast ? [...first, ...told.news] : [...told.news, ...first] }
}

function groupNews(states: States, group: SyncGroup, reason: string, at: number): Step {
  const members = membersOf(states, group)
  const [first] = members
  const state = first?.[1].state
  const from = states.groupStates.get(group.name)
  if (state === undefined || state === from || !members.every(([, each]) => each.state === state)) {
    return { states, news: [] }
  }
  const news: ToldState = { type: 'state', subject: 'GROUP', name: group.name, state, from, priority: 0, reason, at }
  return { states: { ...states, groupStates: new Map([...states.groupStates, [group.name, state]]) }, news: [news] }
}

const membersOf = ({ instances }: States, group: SyncGroup) =>
  group.instances.flatMap((name) => {
    const member = instances.get(name)
    return member === undefined ? [] : [[name, member] as const]
  })

const withInstance = (states: States, name: string, told: InstanceTold): States => ({
  ...states,
  instances: new Map([...states.instances, [name, told]]),
})

/** The effective priority of an instance has changed. */
export function withPriority(states: States, name: string, priority: number): States {
  const told = states.instances.get(name)
  return told === undefined ? states : withInstance(states, name, { ...told, priority })
}

export interface Reload {
  /** What is in force from now on. */
  readonly instances: readonly string[]
  readonly groups: readonly SyncGroup[]
  /** Groups of which somebody waits for the first result of a script. */
  readonly waiting: ReadonlySet<string>
  /** By the new name of an instance: what the same router was called before. */
  readonly before: ReadonlyMap<string, string>
  /** Of the configuration before: which are told as DELETED. */
  readonly notifyDeleted: ReadonlySet<string>
  readonly at: number
}

/** `removed` is to be told while those who tell still have the configuration of before; `news` afterwards. */
export interface Reloaded extends Step {
  readonly removed: readonly ToldState[]
}

/** What is not there any more is told as FAULT, or DELETED where the file asks for that. A router goes on under another name. */
export function reloaded(states: States, reload: Reload): Reloaded {
  const { instances: names, groups, waiting, before, at } = reload
  const kept = new Set(names.map((name) => before.get(name) ?? name))
  const removed = [...states.instances].flatMap(([name, { state: from, priority }]): ToldState[] => {
    if (kept.has(name)) return []
    const state = reload.notifyDeleted.has(name) ? 'DELETED' : 'FAULT'
    return from === state
      ? []
      : [{ type: 'state', subject: 'INSTANCE', name, state, from, priority, reason: REMOVED, at }]
  })
  const next: States = {
    groups,
    waiting,
    instances: new Map(names.map((name) => [name, states.instances.get(before.get(name) ?? name) ?? UNKNOWN])),
    groupStates: new Map(groups.map(({ name }) => [name, states.groupStates.get(name)])),
  }
  let step: Step = { states: next, news: [] }
  for (const group of groups) {
    const told = begun(step.states, group, 'reloaded', at)
    step = { states: told.states, news: [...step.news, ...told.news] }
  }
  // Who waited for a group that is not there any more.
  for (const [name, { held, priority }] of step.states.instances) {
    if (held === undefined || groups.some((group) => group.instances.includes(name))) continue
    const known = withInstance(step.states, name, { state: held.state, priority, held: undefined })
    step = { states: known, news: [...step.news, held] }
  }
  return { ...step, removed }
}

/** The daemon stops: instances first, then groups, each in the order of the configuration, whatever they were. */
export function stopped({ instances, groupStates }: States, at: number): readonly ToldState[] {
  const stop = (
    subject: 'INSTANCE' | 'GROUP',
    name: string,
    from: NotifiedState | undefined,
    priority: number,
  ): ToldState => ({ type: 'state', subject, name, state: 'STOP', from, priority, reason: STOPPING, at })
  return [
    ...[...instances].map(([name, { state, priority }]) => stop('INSTANCE', name, state, priority)),
    ...[...groupStates].map(([name, state]) => stop('GROUP', name, state, 0)),
  ]
}

/** Reasons that mails have words of their own for. */
export const REMOVED = 'removed from the configuration'
export const STOPPING = 'the daemon stops'
