import type { SyncGroup, VrrpInstance } from '../config/model.ts'
import { compareIpv4, type Ipv4 } from '../net/ipv4.ts'
import { after, type Millis, millis } from '../time.ts'
import { masterDownInterval, skewTime } from './timers.ts'

/**
 * The election. RFC 9568 says Active and Backup; configuration files and notify scripts say master and backup, and so
 * does this code.
 */
export type InstanceState =
  /** Waiting for the first news of its link. */
  | { readonly name: 'init' }
  /** Cannot take part: its link is down, has no address, or a member of its sync group cannot. */
  | { readonly name: 'fault'; readonly reason: string }
  | {
      readonly name: 'backup'
      readonly masterDownAt: Millis
      /** Active_Adver_Interval: the master's own, learned from its adverts. */
      readonly masterInterval: Millis
      /** When a master of lower priority may be displaced; set while one is being heard under `preempt_delay`. */
      readonly preemptAt: Millis | undefined
    }
  | {
      readonly name: 'master'
      readonly advertiseAt: Millis
      /** When to announce the addresses again, soonest first. BOUNDED: each announcement replaces the list. */
      readonly announceAt: readonly Millis[]
    }

/** An interface as the election needs it: usable, and with the address that adverts are sent from. */
export interface LinkState {
  readonly up: boolean
  readonly source: Ipv4 | undefined
}

export interface Member {
  readonly config: VrrpInstance
  readonly link: LinkState | undefined
  readonly state: InstanceState
}

export interface EngineState {
  readonly members: ReadonlyMap<string, Member>
  readonly groups: readonly SyncGroup[]
}

export type Event =
  /** First configuration, or a new one: instances that are still the same virtual router keep their state. */
  | { readonly type: 'configure'; readonly instances: readonly VrrpInstance[]; readonly groups: readonly SyncGroup[] }
  | { readonly type: 'link'; readonly interface: string; readonly link: LinkState }
  | {
      readonly type: 'advert'
      readonly instance: string
      readonly source: Ipv4
      readonly priority: number
      readonly interval: Millis
    }
  /** These were master a moment ago, in a process that has died; their addresses are still there. */
  | { readonly type: 'adopt'; readonly instances: readonly string[] }
  | { readonly type: 'deadline' }
  | { readonly type: 'stop' }

export type Effect =
  | { readonly type: 'advertise'; readonly instance: VrrpInstance; readonly source: Ipv4; readonly priority: number }
  /** Have the addresses of the instance, and none that it had before. */
  | { readonly type: 'acquire'; readonly instance: VrrpInstance }
  | { readonly type: 'release'; readonly instance: VrrpInstance }
  /** One block of gratuitous ARPs. */
  | { readonly type: 'announce'; readonly instance: VrrpInstance }
  | {
      readonly type: 'transition'
      readonly instance: VrrpInstance
      readonly from: InstanceState['name']
      readonly to: InstanceState['name']
      readonly reason: string
    }
  /** Somebody with less right to it believed to be master, too: heard by a master. */
  | {
      readonly type: 'rival'
      readonly instance: VrrpInstance
      readonly source: Ipv4
      readonly priority: number
    }

export interface Step {
  readonly state: EngineState
  readonly effects: readonly Effect[]
}

export const emptyEngine: EngineState = { members: new Map(), groups: [] }

/** After a rival was heard, hosts may believe it: announce at once and at these times again, then after garp delay. */
const REPAIR_AFTER: readonly Millis[] = [millis(50), millis(200), millis(1000)]

/** Advances the election by one event. RFC 9568 §6.4. */
export function step(state: EngineState, event: Event, now: Millis): Step {
  const run = new Run(state, now)
  switch (event.type) {
    case 'configure':
      run.configure(event.instances, event.groups)
      break
    case 'link':
      run.link(event.interface, event.link)
      break
    case 'advert':
      run.advert(event)
      break
    case 'adopt':
      run.adopt(event.instances)
      break
    case 'deadline':
      run.deadline()
      break
    case 'stop':
      run.stop()
      break
  }
  return run.result()
}

/** When `deadline` is due, or undefined when nothing waits for time. */
export function nextDeadline(state: EngineState): Millis | undefined {
  let next = Number.POSITIVE_INFINITY
  for (const { config, state: own } of state.members.values()) {
    if (own.name === 'master') next = Math.min(next, own.advertiseAt, ...own.announceAt)
    // A group moves when the last of its members is ready.
    if (own.name === 'backup') next = Math.min(next, groupReadyAt(state, config.name))
  }
  return Number.isFinite(next) ? millis(next) : undefined
}

function groupOf(state: EngineState, name: string): readonly string[] {
  return state.groups.find(({ instances }) => instances.includes(name))?.instances ?? [name]
}

/** When every member of the instance's group has waited long enough; infinite while one is neither backup nor master. */
function groupReadyAt(state: EngineState, name: string): number {
  return Math.max(
    ...groupOf(state, name).map((member) => {
      const own = state.members.get(member)?.state
      if (own?.name === 'backup') return own.masterDownAt
      return own?.name === 'master' ? 0 : Number.POSITIVE_INFINITY
    }),
  )
}

/** One step under way: a working copy of the state, and the effects so far. Lives as long as the call of `step`. */
class Run {
  readonly #members: Map<string, Member>
  readonly #now: Millis
  readonly #effects: Effect[] = []
  #groups: readonly SyncGroup[]

  constructor(state: EngineState, now: Millis) {
    this.#members = new Map(state.members)
    this.#groups = state.groups
    this.#now = now
  }

  result(): Step {
    return { state: this.#state(), effects: this.#effects }
  }

  configure(instances: readonly VrrpInstance[], groups: readonly SyncGroup[]): void {
    const previous = [...this.#members.values()]
    const links = new Map(previous.map(({ config, link }) => [config.interface, link]))
    const kept = new Map<string, Member>()
    for (const config of instances) {
      const match = previous.find((member) => sameRouter(member.config, config))
      kept.set(config.name, {
        config,
        link: match?.link ?? links.get(config.interface),
        state: match?.state ?? { name: 'init' },
      })
    }
    for (const member of previous) {
      if (!instances.some((config) => sameRouter(member.config, config))) this.#retire(member)
    }
    this.#members.clear()
    for (const [name, member] of kept) this.#members.set(name, member)
    this.#groups = groups
    for (const { config, state } of kept.values()) {
      const before = previous.find((member) => sameRouter(member.config, config))?.config
      if (state.name === 'master' && JSON.stringify(before) !== JSON.stringify(config)) {
        this.#effects.push({ type: 'acquire', instance: config })
        this.#advertise(config.name, config.priority)
        this.#effects.push({ type: 'announce', instance: config })
      }
    }
    for (const name of kept.keys()) this.#settleLink(name)
  }

  link(name: string, link: LinkState): void {
    for (const [instance, member] of this.#members) {
      if (member.config.interface === name) this.#members.set(instance, { ...member, link })
    }
    for (const [instance, { config }] of this.#members) if (config.interface === name) this.#settleLink(instance)
  }

  advert(event: Extract<Event, { type: 'advert' }>): void {
    const member = this.#members.get(event.instance)
    if (member === undefined) return
    switch (member.state.name) {
      case 'init':
      case 'fault':
        return
      case 'backup':
        this.#advertToBackup(member, member.state, event)
        return
      case 'master':
        this.#advertToMaster(member, member.state, event)
        return
    }
  }

  adopt(names: readonly string[]): void {
    for (const name of names) {
      const member = this.#members.get(name)
      if (member !== undefined && member.link?.source !== undefined && member.link.up) {
        this.#becomeMaster(name, 'adopted after a restart of the vrrp process')
      }
    }
  }

  deadline(): void {
    for (const name of this.#members.keys()) {
      const member = this.#members.get(name)
      if (member?.state.name === 'master') this.#masterDeadline(member, member.state)
      if (member?.state.name === 'backup' && groupReadyAt(this.#state(), name) <= this.#now) {
        // RFC 9568 §6.4.2: the Active_Down_Timer fires.
        for (const each of groupOf(this.#state(), name)) this.#becomeMaster(each, 'no adverts from a master')
      }
    }
  }

  stop(): void {
    for (const member of this.#members.values()) {
      this.#retire(member)
      this.#members.set(member.config.name, { ...member, state: { name: 'init' } })
    }
  }

  #state(): EngineState {
    return { members: this.#members, groups: this.#groups }
  }

  /** RFC 9568 §6.4.2, on an advertisement. */
  #advertToBackup(
    member: Member,
    own: Extract<InstanceState, { name: 'backup' }>,
    event: Extract<Event, { type: 'advert' }>,
  ): void {
    const { config } = member
    if (event.priority === 0) {
      this.#set(config.name, { ...own, masterDownAt: after(this.#now, skewTime(config, own.masterInterval)) })
      return
    }
    const masterInterval = event.interval
    const masterDownAt = after(this.#now, masterDownInterval(config, masterInterval))
    if (event.priority >= config.priority) {
      this.#set(config.name, { name: 'backup', masterDownAt, masterInterval, preemptAt: undefined })
      return
    }
    if (!config.preempt) {
      this.#set(config.name, { ...own, masterDownAt, masterInterval })
      return
    }
    if (config.preemptDelay === 0) return // discarded: the timer goes on
    const preemptAt = own.preemptAt ?? after(this.#now, config.preemptDelay)
    if (this.#now < preemptAt) this.#set(config.name, { name: 'backup', masterDownAt, masterInterval, preemptAt })
  }

  /** RFC 9568 §6.4.3, on an advertisement. */
  #advertToMaster(
    member: Member,
    own: Extract<InstanceState, { name: 'master' }>,
    event: Extract<Event, { type: 'advert' }>,
  ): void {
    const { config, link } = member
    if (event.priority === 0) {
      this.#advertise(config.name, config.priority)
      return
    }
    const mine = link?.source ?? event.source
    if (
      event.priority > config.priority ||
      (event.priority === config.priority && compareIpv4(event.source, mine) > 0)
    ) {
      for (const name of groupOf(this.#state(), config.name)) {
        const interval = name === config.name ? event.interval : undefined
        this.#becomeBackup(name, `advert with priority ${event.priority} from ${event.source}`, interval)
      }
      return
    }
    // Lower: answer at once, and win back the hosts that may have believed it.
    this.#advertise(config.name, config.priority)
    const [soonest = millis(0)] = REPAIR_AFTER
    if (own.announceAt.some((at) => at <= after(this.#now, soonest))) return // that is about to happen anyway
    const delays = [...REPAIR_AFTER, ...(config.garp.delay > 1000 ? [config.garp.delay] : [])]
    this.#update(config.name, (state) => ({ ...state, announceAt: delays.map((delay) => after(this.#now, delay)) }))
    this.#effects.push(
      { type: 'rival', instance: config, source: event.source, priority: event.priority },
      { type: 'announce', instance: config },
    )
  }

  #masterDeadline(member: Member, own: Extract<InstanceState, { name: 'master' }>): void {
    const { config } = member
    if (own.advertiseAt <= this.#now) this.#advertise(config.name, config.priority)
    if (own.announceAt.some((at) => at <= this.#now)) {
      this.#update(config.name, (state) => ({ ...state, announceAt: state.announceAt.filter((at) => at > this.#now) }))
      this.#effects.push({ type: 'announce', instance: config })
    }
  }

  /** Brings an instance and its group in line with their links. */
  #settleLink(name: string): void {
    const group = groupOf(this.#state(), name)
    const members = group.flatMap((each) => this.#members.get(each) ?? [])
    if (members.some(({ link }) => link === undefined)) return
    const broken = members.find(({ link }) => !usable(link))
    for (const { config, link, state } of members) {
      if (broken !== undefined) {
        if (state.name === 'fault') continue
        const own = link?.up === true ? 'has no IPv4 address' : 'is down'
        const reason = usable(link) ? `sync group: ${broken.config.name}` : `${config.interface} ${own}`
        this.#leaveMaster(config.name)
        this.#transition(config.name, { name: 'fault', reason }, reason)
      } else if (state.name === 'init' || state.name === 'fault') {
        // RFC 9568 §6.4.1: the owner of the addresses is master from the start.
        if (members.every((each) => each.config.priority === 255)) this.#becomeMaster(config.name, 'owns the addresses')
        else this.#becomeBackup(config.name, state.name === 'init' ? 'started' : 'interface is up')
      }
    }
  }

  #becomeMaster(name: string, reason: string): void {
    const member = this.#members.get(name)
    if (member === undefined || member.state.name === 'master') return
    const { config } = member
    const announceAt = config.garp.delay > 0 ? [after(this.#now, config.garp.delay)] : []
    this.#transition(name, { name: 'master', advertiseAt: this.#now, announceAt }, reason)
    this.#advertise(name, config.priority)
    this.#effects.push({ type: 'acquire', instance: config }, { type: 'announce', instance: config })
  }

  #becomeBackup(name: string, reason: string, learned?: Millis): void {
    const member = this.#members.get(name)
    if (member === undefined) return
    if (member.state.name === 'master') this.#effects.push({ type: 'release', instance: member.config })
    const masterInterval = learned ?? member.config.advertInt
    const masterDownAt = after(this.#now, masterDownInterval(member.config, masterInterval))
    this.#transition(name, { name: 'backup', masterDownAt, masterInterval, preemptAt: undefined }, reason)
  }

  /** Tells the peers that this master gives up, so that they wait for the skew time only (RFC 9568 §6.4.3). */
  #leaveMaster(name: string): void {
    const member = this.#members.get(name)
    if (member?.state.name !== 'master') return
    this.#advertise(name, 0)
    this.#effects.push({ type: 'release', instance: member.config })
  }

  #retire(member: Member): void {
    if (member.state.name === 'init') return
    this.#leaveMaster(member.config.name)
    this.#effects.push({
      type: 'transition',
      instance: member.config,
      from: member.state.name,
      to: 'init',
      reason: 'stopped',
    })
  }

  #advertise(name: string, priority: number): void {
    const member = this.#members.get(name)
    const source = member?.link?.source
    if (member === undefined || source === undefined) return
    const { config } = member
    this.#effects.push({ type: 'advertise', instance: config, source, priority })
    this.#update(name, (state) => ({ ...state, advertiseAt: after(this.#now, config.advertInt) }))
  }

  #update(
    name: string,
    change: (state: Extract<InstanceState, { name: 'master' }>) => Extract<InstanceState, { name: 'master' }>,
  ): void {
    const member = this.#members.get(name)
    if (member?.state.name === 'master') this.#set(name, change(member.state))
  }

  #set(name: string, state: InstanceState): void {
    const member = this.#members.get(name)
    if (member !== undefined) this.#members.set(name, { ...member, state })
  }

  #transition(name: string, state: InstanceState, reason: string): void {
    const member = this.#members.get(name)
    if (member === undefined) return
    this.#effects.push({ type: 'transition', instance: member.config, from: member.state.name, to: state.name, reason })
    this.#set(name, state)
  }
}

function usable(link: LinkState | undefined): boolean {
  return link !== undefined && link.up && link.source !== undefined
}

/** Whether two configurations are of one virtual router, as keepalived matches them at a reload. */
function sameRouter(a: VrrpInstance, b: VrrpInstance): boolean {
  return (
    a.vrid === b.vrid &&
    a.interface === b.interface &&
    a.version === b.version &&
    a.unicastPeers.length > 0 === b.unicastPeers.length > 0
  )
}
