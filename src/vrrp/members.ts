import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import { after, type Millis, millis } from '../time.ts'
import { holdingsOf } from './holdings.ts'
import type { Announce, Keep, Saying, Step } from './effect.ts'
import {
  addressKey,
  type Backup,
  type EngineState,
  type HeldAddress,
  type InstanceState,
  type Master,
  type Member,
  timingOf,
} from './state.ts'
import { INTRODUCE_AFTER, LINK_SETTLES, masterDownInterval } from './timers.ts'

/**
 * The instances during one step: a working copy of the state, and the effects so far. Lives as long as the call of
 * `step`. Its methods are the transitions and what they bring with them; others say when they happen.
 */
export class Members {
  readonly now: Millis
  readonly #members: Map<string, Member>
  readonly #said: Saying[] = []
  readonly #kept: Keep[] = []
  readonly #announced: Announce[] = []
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

  /** The order of the effects is that of `Step`. */
  result(): Step {
    const isMaster = ({ instance }: Announce) => this.get(instance.name)?.state.name === 'master'
    const announced = this.#announced.filter(isMaster)
    const first = [...this.#said, ...this.#kept]
    if (!this.#moved) return { state: this.#state, effects: [...first, ...announced] }
    const { held, added, removed } = holdingsOf(this.#state, this.#dismissed)
    return { state: { ...this.#state, held }, effects: [...first, ...added, ...announced, ...removed] }
  }

  /** Other instances and groups. */
  replace(members: readonly Member[], groups: readonly SyncGroup[]): void {
    this.#members.clear()
    for (const member of members) this.#members.set(member.config.name, member)
    this.#state = { ...this.#state, groups }
    this.#moved = true
  }

  /** Addresses that the host has besides those that are known. What becomes of them, the next configuration decides. */
  inherit(addresses: readonly HeldAddress[]): void {
    const found = addresses.map((each) => [addressKey(each.address), each] as const)
    this.#state = { ...this.#state, held: new Map([...this.#state.held, ...found]) }
  }

  learn(news: Partial<Pick<EngineState, 'interfaces' | 'links' | 'linkDelays' | 'results'>>): void {
    this.#state = { ...this.#state, ...news }
  }

  /** What others do to the addresses from now on is not undone. */
  handOver(): void {
    this.#state = { ...this.#state, handingOver: true }
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
    this.transition(name, { name: 'master', advertiseAt: this.now, announceAt, rivalAt: undefined }, reason)
    this.change(name, { keeps: undefined })
    this.advertise(name)
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
      masterDownAt: after(this.now, millis(masterDownInterval(timingOf(member), interval) + wait)),
      masterInterval: interval,
      preemptAt: undefined,
      heard,
      introduceAt: [],
    }
    this.transition(name, state, reason)
  }

  /** The down timer of a backup begins when adverts could have come; unicast peers learn where to send them. */
  awaitAdverts(name: string): void {
    const member = this.get(name)
    if (member?.state.name !== 'backup') return
    const { config, state } = member
    const down = masterDownInterval(timingOf(member), state.masterInterval)
    const masterDownAt = after(this.now, millis(down + LINK_SETTLES))
    const introduceAt = config.unicastPeers.length > 0 ? INTRODUCE_AFTER.map((delay) => after(this.now, delay)) : []
    this.change(name, { state: { ...state, masterDownAt, introduceAt } })
    this.introduce(name)
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
  advertise(name: string, priority = this.get(name)?.priority): void {
    const member = this.get(name)
    const source = member?.link?.source
    if (member === undefined || priority === undefined || source === undefined) return
    const { config } = member
    this.say({ type: 'advertise', instance: config, source, priority })
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
    this.say({ type: 'introduce', instance, source: link.source })
  }

  say(saying: Saying): void {
    this.#said.push(saying)
  }

  keep(keep: Keep): void {
    this.#kept.push(keep)
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
    this.say({ type: 'transition', instance: member.config, from: member.state.name, to: state.name, reason })
    this.change(name, { state, reason })
    this.#moved = true
  }
}
