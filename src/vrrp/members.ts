import type { SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import type { RoutingItem } from '../net/route.ts'
import { after, type Millis, millis } from '../time.ts'
import { dueAt } from './due.ts'
import { groupOf, readyAt } from './group.ts'
import { holdingsOf } from './holdings.ts'
import { renewalOf } from './lease.ts'
import type { Announce, ChangeRouting, Keep, Saying, Step } from './effect.ts'
import { routingAfter, routingKey } from './routing.ts'
import {
  addressesOf,
  addressKey,
  type Backup,
  type EngineState,
  type HeldAddress,
  type InstanceState,
  type Master,
  type Member,
  timingOf,
} from './state.ts'
import { MemberTable } from './member-table.ts'
import { startsAt } from './start.ts'
import { INTRODUCE_AFTER, LINK_SETTLES, masterDownInterval } from './timers.ts'

/**
 * The instances during one step: a working copy of the state, and the effects so far. Lives as long as the call of
 * `step`. Its methods are the transitions and what they bring with them; others say when they happen.
 */
export class Members {
  readonly now: Millis
  readonly #said: Saying[] = []
  readonly #kept: Keep[] = []
  readonly #announced: Announce[] = []
  readonly #putBack: ChangeRouting[] = []
  /** Instances that are not what they were. */
  readonly #touched = new Set<string>()
  /** Instances that have ceased to keep their addresses. */
  readonly #dismissed = new Set<string>()
  /** Something has happened that may change who has which address. */
  #moved = false
  /** The configuration is another one. */
  #isReplaced = false
  #state: EngineState

  constructor(state: EngineState, now: Millis) {
    this.#state = state
    this.now = now
  }

  state(): EngineState {
    return this.#state
  }

  /** Each as it is when its turn comes. */
  *all(): Generator<Member> {
    for (const name of this.#state.members.keys()) yield* this.find([name])
  }

  /** Those of these that there are, each as it is when its turn comes. */
  *find(names: Iterable<string>): Generator<Member> {
    for (const name of names) {
      const member = this.get(name)
      if (member !== undefined) yield member
    }
  }

  get(name: string): Member | undefined {
    return this.#state.members.get(name)
  }

  /** The order of the effects is that of `Step`. */
  result(): Step {
    this.#reschedule()
    const isMaster = ({ instance }: Announce) => this.get(instance.name)?.state.name === 'master'
    const announced = this.#announced.filter(isMaster)
    const first = [...this.#said, ...this.#kept]
    if (!this.#moved) return { state: this.#state, effects: [...first, ...this.#putBack, ...announced] }
    // Static addresses wait for the last of what stays.
    const touched = this.#isReplaced || this.#state.stopped ? 'all' : this.#touched
    const { held, added, removed } = holdingsOf(this.#state, this.#dismissed, touched)
    const renewal = renewalOf(held, this.#state.renewal, this.now)
    const { routing, ...changed } = routingAfter(this.#state)
    for (const name of this.#dismissed) {
      if (this.get(name)?.departed === true)
        this.#state = { ...this.#state, members: this.#state.members.without(name) }
    }
    return {
      state: { ...this.#state, held, renewal, routing },
      effects: [...first, ...added, ...this.#putBack, ...changed.added, ...announced, ...changed.removed, ...removed],
    }
  }

  /** Other instances and groups. */
  replace(members: readonly Member[], groups: readonly SyncGroup[]): void {
    const table = MemberTable.of(members, ({ config }) => addressesOf(config).map(addressKey))
    this.#state = { ...this.#state, groups, members: table }
    for (const name of table.keys()) this.#touched.add(name)
    this.#moved = true
    this.#isReplaced = true
  }

  /** Addresses, routes and rules that the host has besides those that are known. What becomes of them, the next configuration decides. */
  inherit(addresses: readonly HeldAddress[], items: readonly RoutingItem[]): void {
    const found = addresses.map((each) => [addressKey(each.address), each] as const)
    const routing = items.map((each) => [routingKey(each), each] as const)
    const held = new Map([...this.#state.held, ...found])
    const renewal = renewalOf(held, undefined, this.now)
    this.#state = {
      ...this.#state,
      held,
      // When they were renewed last is not known.
      renewal: renewal && { ...renewal, at: this.now },
      routing: new Map([...this.#state.routing, ...routing]),
    }
  }

  /** Routes and rules that are gone. */
  putBack(changes: readonly ChangeRouting[]): void {
    this.#putBack.push(...changes)
  }

  learn(
    news: Partial<
      Pick<
        EngineState,
        | 'interfaces'
        | 'links'
        | 'linkDelays'
        | 'results'
        | 'checked'
        | 'statics'
        | 'absent'
        | 'fights'
        | 'thefts'
        | 'renewal'
      >
    >,
  ): void {
    this.#state = { ...this.#state, ...news }
  }

  /** What others do to the addresses from now on is not undone. */
  handOver(): void {
    this.#state = { ...this.#state, handingOver: true }
  }

  /** The first configuration is there. `bootedAt`: of the host. */
  begin(bootedAt: Millis | undefined): void {
    if (this.#state.beganAt === undefined) this.#state = { ...this.#state, beganAt: this.now, bootedAt }
  }

  /** Nothing begins after this. */
  end(): void {
    this.#state = { ...this.#state, stopped: true }
    this.#moved = true
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
    const heard = member.state.name === 'backup' ? member.state.heard : undefined
    this.transition(name, masterOf(config, announceAt, heard, this.now), reason)
    this.change(name, { keeps: undefined })
    this.advertise(name)
    this.introduce(name)
    this.announce(config)
  }

  /** `wait`: how much later than usual the down timer ends; `until`: when it ends instead. */
  becomeBackup(
    name: string,
    reason: string,
    {
      masterInterval,
      heard,
      wait = millis(0),
      until,
    }: { masterInterval?: Millis | undefined; heard?: Backup['heard']; wait?: Millis; until?: Millis | undefined } = {},
  ): void {
    const member = this.get(name)
    if (member === undefined) return
    const interval = masterInterval ?? member.config.advertInt
    const begins = millis(Math.max(this.now, startsAt(this.#state, member.config)))
    const state: Backup = {
      name: 'backup',
      masterDownAt: until ?? after(begins, millis(masterDownInterval(timingOf(member), interval) + wait)),
      masterInterval: interval,
      preemptAt: undefined,
      heard,
      introduceAt: [],
      listensAgain: false,
    }
    this.transition(name, state, reason)
  }

  /** The down timer of a backup begins when adverts could have come; unicast peers learn where to send them. */
  awaitAdverts(name: string): void {
    const member = this.get(name)
    if (member?.state.name !== 'backup') return
    const { config, state } = member
    const down = masterDownInterval(timingOf(member), state.masterInterval)
    const masterDownAt = millis(Math.max(state.masterDownAt, after(this.now, millis(down + LINK_SETTLES))))
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
    const { config, state } = member
    // One that has said goodbye must not be taken for a master again.
    if (priority > 0 && state.name === 'master' && state.yielding !== undefined) return
    this.say({ type: 'advertise', instance: config, source, priority })
    this.update(name, (state) => ({ ...state, advertiseAt: after(this.now, config.advertInt) }))
  }

  /** Gratuitous ARPs and neighbour advertisements, once the addresses are there. */
  announce(instance: VrrpInstance, repeat = instance.garp.repeat, addresses = addressesOf(instance)): void {
    if (repeat > 0) this.#announced.push({ type: 'announce', instance, addresses, repeat })
  }

  /** A master whose configuration is another one refreshes as that says. */
  keepRefreshing(config: VrrpInstance): void {
    const { refreshAt, extraAt } = masterOf(config, [], undefined, this.now)
    this.update(config.name, (state) => ({ ...state, refreshAt, extraAt }))
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
    if (member === undefined) return
    this.#state = { ...this.#state, members: this.#state.members.with({ ...member, ...change }) }
    this.#touched.add(name)
  }

  transition(name: string, state: InstanceState, reason: string): void {
    const member = this.get(name)
    if (member === undefined) return
    const { state: before, config: instance } = member
    if (before.name === 'master' && before.yielding !== undefined) {
      const ms = this.now - before.yielding.since
      this.say({ type: 'yielded', instance, result: { outcome: 'given-up', ms } })
    }
    this.say({ type: 'transition', instance: member.config, from: member.state.name, to: state.name, reason })
    this.change(name, { state, reason, dual: undefined })
    this.#moved = true
  }

  /** When those that are touched are due, and those of their groups: a group moves when the last of its members is ready. */
  #reschedule(): void {
    let { members } = this.#state
    const done = new Set<string>()
    for (const name of this.#touched) {
      if (done.has(name) || !members.has(name)) continue
      const group = groupOf(this.#state, name)
      const ready = readyAt(this.#state, group)
      for (const member of this.find(group)) {
        members = members.withDue(member.config.name, dueAt(member, ready))
        done.add(member.config.name)
      }
    }
    this.#state = { ...this.#state, members }
  }
}

const masterOf = (
  { garp }: VrrpInstance,
  announceAt: readonly Millis[],
  heard: Master['heard'],
  now: Millis,
): Master => ({
  name: 'master',
  since: now,
  advertiseAt: now,
  announceAt,
  refreshAt: garp.refresh > 0 ? after(now, garp.refresh) : undefined,
  extraAt: garp.extra === undefined ? undefined : after(now, garp.extra.every),
  rivalAt: undefined,
  heard,
  yielding: undefined,
})
