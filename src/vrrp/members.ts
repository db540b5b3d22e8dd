import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import { after, type Millis, millis } from '../time.ts'
import { holdingsOf } from './holdings.ts'
import { groupNamed } from './routers.ts'
import {
  addressKey,
  type Backup,
  type Effect,
  type EngineState,
  type HeldAddress,
  type InstanceState,
  type Interface,
  type Master,
  type Member,
  type Step,
} from './state.ts'
import { masterDownInterval } from './timers.ts'

/**
 * The instances during one step: a working copy of the state, and the effects so far. Lives as long as the call of
 * `step`. Its methods are the transitions and what they bring with them; others say when they happen.
 */
export class Members {
  readonly now: Millis
  readonly #members: Map<string, Member>
  readonly #effects: Effect[] = []
  readonly #announced: Effect[] = []
  /** Instances that have ceased to keep their addresses. */
  readonly #dismissed = new Set<string>()
  /** Something has happened that may change who has which address. */
  #moved = false
  #state: EngineState

  constructor(state: EngineState, now: Millis) {
    this.#members = new Map(state.members)
    this.#state = { ...state, members: this.#members }
    this.now = now
  }

  state(): EngineState {
    return this.#state
  }

  all(): IterableIterator<Member> {
    return this.#members.values()
  }

  get(name: string): Member | undefined {
    return this.#members.get(name)
  }

  /** Adverts come first, since peers wait for them; then new addresses, their announcement, and what is not wanted any more. */
  result(): Step {
    if (!this.#moved) return { state: this.#state, effects: [...this.#effects, ...this.#announced] }
    const { held, added, removed } = holdingsOf(this.#state, this.#dismissed)
    return {
      state: { ...this.#state, held },
      effects: [...this.#effects, ...added, ...this.#announced, ...removed],
    }
  }

  /** Other instances and groups, and addresses that the host has besides those that are known. */
  replace(members: readonly Member[], groups: readonly SyncGroup[], found: readonly HeldAddress[]): void {
    this.#members.clear()
    for (const member of members) this.#members.set(member.config.name, member)
    const held = new Map([...this.#state.held, ...found.map((each) => [addressKey(each.address), each] as const)])
    this.#state = { ...this.#state, groups, held }
    this.#moved = true
  }

  learn(interfaces: readonly Interface[]): void {
    this.#state = { ...this.#state, interfaces }
  }

  /** Nothing begins after this. */
  end(): void {
    this.#state = { ...this.#state, stopped: true }
  }

  /** These stay on the host, but are not ours any more. */
  forget(addresses: readonly HeldAddress[]): void {
    const held = new Map(this.#state.held)
    for (const { address } of addresses) held.delete(addressKey(address))
    this.#state = { ...this.#state, held }
    this.#moved = true
  }

  becomeMaster(name: string, reason: string): void {
    const member = this.get(name)
    if (member === undefined || member.state.name === 'master') return
    const { config } = member
    const announceAt = config.garp.delay > 0 ? [after(this.now, config.garp.delay)] : []
    this.transition(name, { name: 'master', advertiseAt: this.now, announceAt }, reason)
    this.change(name, { keeps: undefined })
    this.advertise(name, config.priority)
    this.introduce(name)
    this.announce(config)
  }

  /** `wait`: how much later than usual the down timer ends. */
  becomeBackup(
    name: string,
    reason: string,
    {
      masterInterval,
      heard,
      wait = millis(0),
    }: { masterInterval?: Millis | undefined; heard?: Backup['heard']; wait?: Millis } = {},
  ): void {
    const member = this.get(name)
    if (member === undefined) return
    const interval = masterInterval ?? member.config.advertInt
    const state: Backup = {
      name: 'backup',
      masterDownAt: after(this.now, millis(masterDownInterval(member.config, interval) + wait)),
      masterInterval: interval,
      preemptAt: undefined,
      heard,
      introduceAt: [],
    }
    this.transition(name, state, reason)
  }

  /** Tells the peers that this master gives up, so that they wait for the skew time only (RFC 9568 §6.4.3). */
  farewell(name: string): void {
    if (this.get(name)?.state.name === 'master') this.advertise(name, 0)
  }

  retire(name: string, reason: string): void {
    const state = this.get(name)?.state.name
    if (state === undefined || state === 'init') return
    this.farewell(name)
    this.transition(name, { name: 'init' }, reason)
  }

  /** Its addresses are not kept any longer. */
  dismiss(name: string): void {
    if (this.get(name)?.keeps === undefined) return
    this.change(name, { keeps: undefined })
    this.#dismissed.add(name)
    this.#moved = true
  }

  /** RFC 9568 §6.4.3. */
  advertise(name: string, priority: number): void {
    const member = this.get(name)
    const source = member?.link?.source
    if (member === undefined || source === undefined) return
    const { config } = member
    this.emit({ type: 'advertise', instance: config, source, priority })
    this.update(name, (state) => ({ ...state, advertiseAt: after(this.now, config.advertInt) }))
  }

  /** Gratuitous ARPs, once the addresses are there. */
  announce(instance: VrrpInstance): void {
    this.#announced.push({ type: 'announce', instance })
  }

  /** Unicast peers learn where to send adverts. Those to the group need nobody's neighbour entry. */
  introduce(name: string): void {
    const { config: instance, link } = this.get(name) ?? {}
    if (instance === undefined || link?.source === undefined || instance.unicastPeers.length === 0) return
    this.emit({ type: 'introduce', instance, source: link.source })
  }

  emit(effect: Effect): void {
    this.#effects.push(effect)
  }

  update(name: string, change: (state: Master) => Master): void {
    const state = this.get(name)?.state
    if (state?.name === 'master') this.change(name, { state: change(state) })
  }

  /** Something new about an instance that stays in its state. */
  change(name: string, change: Partial<Member>): void {
    const member = this.get(name)
    if (member !== undefined) this.#members.set(name, { ...member, ...change })
  }

  transition(name: string, state: InstanceState, reason: string): void {
    const member = this.get(name)
    if (member === undefined) return
    this.emit({ type: 'transition', instance: member.config, from: member.state.name, to: state.name, reason })
    this.change(name, { state, reason })
    this.#moved = true
  }

  /** A reason that came from another member of the group. */
  inGroup(name: string, cause: string, reason: string): string {
    return `sync group ${groupNamed(this.#state.groups, name)?.name ?? ''}: ${cause} (${reason})`
  }
}
