import { type Duties, NO_DUTIES } from '../../src/model/duty.ts'
import type { LinkDelay, TrackerKind, TrackerResult, TrackerValue } from '../../src/model/tracking.ts'
import type { SyncGroup, VrrpInstance } from '../../src/model/vrrp.ts'
import { type Millis, millis } from '../../src/time.ts'
import { nextDeadline } from '../../src/vrrp/engine.ts'
import { itemText } from '../../src/net/route-text.ts'
import type { Effect } from '../../src/vrrp/effect.ts'
import { emptyEngine, type EngineState, type Event, type HeldAddress, type Interface } from '../../src/vrrp/state.ts'
import { checkedStep } from './checked-step.ts'
import { ip } from './instances.ts'

/** An interface with its own address. */
export function anInterface(name: string, change: Partial<Interface> = {}): Interface {
  const addresses = [{ address: ip('10.0.0.1'), prefix: 24, primary: true, tentative: false }]
  return { name, index: 1, mac: '020000000001', up: true, addresses, ...change }
}

/** What a configuration says besides instances and groups, and what is known of its trackers. */
export interface Tracking {
  readonly linkDelays?: readonly LinkDelay[]
  readonly results?: readonly TrackerResult[]
  readonly duties?: Duties
}

/** A result: `true` and `false` for good and bad. `at` is when it was found, in ms since the epoch. */
export function aResult(
  kind: Exclude<TrackerKind, 'interface'>,
  name: string,
  value: boolean | number,
  at = 0,
): TrackerResult {
  return { kind, name, value: valueOf(value), detail: `said ${value}`, at }
}

function valueOf(value: boolean | number): TrackerValue {
  if (typeof value === 'number') return { type: 'number', value }
  return { type: value ? 'good' : 'bad' }
}

/** An engine on a clock of its own; `effects` are those of the last event, in short. */
export class Story {
  state: EngineState = emptyEngine
  now: Millis = millis(0)
  effects: string[] = []
  #interfaces = new Map<string, Interface>()

  constructor(
    instances: readonly VrrpInstance[],
    groups: readonly SyncGroup[] = [],
    remembered: readonly HeldAddress[] = [],
    tracking: Tracking = {},
  ) {
    this.on({ type: 'inherit', addresses: remembered })
    this.configure(instances, groups, tracking)
    const names = new Set(instances.map((each) => each.interface))
    const configured = this.effects
    this.network(...[...names].map((name) => anInterface(name)))
    this.effects = [...configured, ...this.effects]
  }

  on(event: Event): this {
    const { state, effects } = checkedStep(this.state, event, this.now)
    this.state = state
    this.effects = effects.map(short)
    return this
  }

  /** These interfaces are as they are said to be now, the others as they were. */
  network(...interfaces: readonly Interface[]): this {
    for (const each of interfaces) this.#interfaces.set(each.name, each)
    return this.on({ type: 'network', interfaces: [...this.#interfaces.values()] })
  }

  link(name: string, up: boolean): this {
    return this.network(anInterface(name, { up }))
  }

  configure(
    instances: readonly VrrpInstance[],
    groups: readonly SyncGroup[] = [],
    { linkDelays = [], results = [], duties = NO_DUTIES }: Tracking = {},
  ): this {
    return this.on({ type: 'configure', instances, groups, linkDelays, results, duties })
  }

  advert(priority: number, source = '10.0.0.2', interval = 1000, instance = 'a'): this {
    return this.on({ type: 'advert', instance, source: ip(source), priority, interval: millis(interval) })
  }

  trackers(...results: readonly TrackerResult[]): this {
    return this.on({ type: 'trackers', results })
  }

  script(name: string, good: boolean): this {
    return this.trackers(aResult('script', name, good))
  }

  file(name: string, number: number): this {
    return this.trackers(aResult('file', name, number))
  }

  /** Lets everything happen that is due until then. */
  until(time: number): this {
    const seen: string[] = []
    for (let next = nextDeadline(this.state); next !== undefined && next <= time; next = nextDeadline(this.state)) {
      this.now = next
      this.on({ type: 'deadline' })
      seen.push(...this.effects.map((effect) => `${Math.round(next)} ${effect}`))
    }
    this.now = millis(time)
    this.effects = seen
    return this
  }

  stateOf(name = 'a'): string {
    return this.state.members.get(name)?.state.name ?? 'gone'
  }

  priorityOf(name = 'a'): number | undefined {
    return this.state.members.get(name)?.priority
  }

  reasonOf(name = 'a'): string {
    return this.state.members.get(name)?.reason ?? 'gone'
  }
}

/** An effect in a few words. */
export function short(effect: Effect): string {
  switch (effect.type) {
    case 'advertise':
      return `${effect.instance.name} advertise ${effect.priority}`
    case 'transition':
      return `${effect.instance.name} ${effect.from} -> ${effect.to}`
    case 'priority':
      return `${effect.instance.name} priority ${effect.before} -> ${effect.priority}`
    case 'rival':
      return `${effect.instance.name} rival ${effect.priority}`
    case 'yielded':
    case 'resumed':
      return `${effect.instance.name} ${effect.type}: ${effect.result.outcome}`
    case 'announce':
      return `${effect.instance.name} announce`
    case 'introduce':
      return `${effect.instance.name} introduce ${effect.source}`
    case 'add':
    case 'restore':
    case 'renew':
      return `${effect.type} ${effect.addresses.map(({ address }) => address.address).join(' ')}`
    case 'expire':
      return `expire ${effect.addresses.map(({ address }) => address.address).join(' ')} after ${Math.round(effect.after)}`
    case 'add-routing':
    case 'restore-routing':
    case 'abandon-routing':
    case 'remove-routing':
      return `${effect.type} ${effect.items.map(itemText).join(', ')}`
    case 'remove':
      return `remove ${effect.scope} ${effect.addresses.map(({ address }) => address).join(' ')}`
  }
}
