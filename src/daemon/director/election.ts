import type { Logger } from 'pino'
import type {
  BfdSnapshot,
  InstanceSnapshot,
  LatenessSnapshot,
  ProcessSnapshot,
  RoutingSnapshot,
  UnknownVridSnapshot,
} from '../../control/snapshot.ts'
import type { Duties } from '../../model/duty.ts'
import type { Config } from '../../model/config.ts'
import { trackerKey, type TrackerResult, trackersByKey } from '../../model/tracking.ts'
import type { RouterIdentity } from '../../model/vrrp.ts'
import { type Millis, millis } from '../../time.ts'
import { matchRouters } from '../../vrrp/router.ts'
import { type Succession, succession } from '../../vrrp/succession.ts'
import { Child, CHILD_OPTIONS } from '../child.ts'
import type { FromVrrp, InstanceNews, RoleAnswer, RoleRequest, ToVrrp, Transition } from '../messages.ts'
import { PULSES } from '../pulse.ts'
import { resign } from '../vrrp/resign.ts'
import { afterTransition } from './after-transition.ts'
import { type RecentEvents, transitionEvent } from './events.ts'
import type { Replaced } from './kept-state.ts'
import type { PidFiles } from './pid-files.ts'
import { Predecessor } from './predecessor.ts'
import { processSnapshot } from './process-snapshot.ts'

/** How long a killed vrrp process may take until its successor sends its first advert. */
const RESPAWN_MS = 1000

export interface ElectionContext {
  /** Of the director. */
  readonly name: string
  readonly log: Logger
  readonly events: RecentEvents
  readonly pidFiles: PidFiles
  /** In the order in which it happened. */
  news(news: InstanceNews): void
  /** How BFD sessions are: once a second, and when one has another state. */
  sessions(sessions: readonly BfdSnapshot[]): void
  /** To what `direct` has asked. */
  answer(answer: RoleAnswer): void
  /** What an operator has asked of the roles of this node. */
  duties(): Duties
  /** What `direct` has asked without an answer so far. */
  unanswered(): readonly RoleRequest[]
}

/** Of the program that this process was before: its vrrp process still has the roles. */
export interface InheritedRoles {
  readonly replaced: Replaced
  readonly predecessor: Predecessor
}

/** Undefined when there are none any more. */
export function inheritedRoles(replaced: Replaced | undefined): InheritedRoles | undefined {
  const predecessor = replaced && Predecessor.find(replaced.vrrpPid)
  return predecessor && { replaced, predecessor }
}

/** The vrrp process as the director has it: keeps it running with the configuration, and knows how its instances are. */
export class Election {
  readonly #context: ElectionContext
  readonly #process: Child<ToVrrp, FromVrrp>
  readonly #heard = Promise.withResolvers<void>()
  /** What is known of the trackers, by kind and name. BOUNDED by the configuration. */
  readonly #trackers = new Map<string, TrackerResult>()
  #config: Config
  #hasBegun = false
  #checked = false
  #instances: readonly InstanceSnapshot[] = []
  #lateness: LatenessSnapshot | undefined
  #unknownVrids: readonly UnknownVridSnapshot[] = []
  #bfdSessions: readonly BfdSnapshot[] = []
  #staticObjects: readonly RoutingSnapshot[] = []
  /** Whether the vrrp process that runs has its roles. */
  #isInOffice = false
  /** When the last one that had them ended, by `performance.now()`. */
  #vacantSince = 0
  #adopt: readonly RouterIdentity[] = []
  #predecessor: Predecessor | undefined
  #replaced: Replaced | undefined

  /** Takes part from `begin` on. */
  constructor(config: Config, inherited: InheritedRoles | undefined, context: ElectionContext) {
    this.#context = context
    this.#config = config
    if (inherited !== undefined) this.#takeOver(inherited)
    this.#process = new Child<ToVrrp, FromVrrp>(
      { role: 'vrrp', args: () => [context.name], execArgv: CHILD_OPTIONS, pulse: PULSES.vrrp },
      {
        started: () => {
          this.#isInOffice = false
          // The first child starts before the field that names it is set.
          setImmediate(() => this.#begun())
        },
        message: (message) => this.#take(message),
        died: (how, delayMs, silentMs) => this.#died(how, delayMs, silentMs),
      },
    )
  }

  #takeOver({ replaced, predecessor }: InheritedRoles): void {
    this.#predecessor = predecessor
    this.#context.log.info(`took over from version ${replaced.version}`)
    this.#replaced = replaced
    this.#instances = replaced.instances
    this.#bfdSessions = replaced.bfdSessions ?? []
    for (const result of replaced.trackers ?? []) this.#trackers.set(trackerKey(result), result)
    this.#adopt = this.#succession(millis(0)).adopted
  }

  get instances(): readonly InstanceSnapshot[] {
    return this.#instances
  }

  get bfdSessions(): readonly BfdSnapshot[] {
    return this.#bfdSessions
  }

  get staticObjects(): readonly RoutingSnapshot[] {
    return this.#staticObjects
  }

  get trackers(): readonly TrackerResult[] {
    return [...this.#trackers.values()]
  }

  /** Resolves when the vrrp process has said for the first time how its instances are. */
  get electing(): Promise<void> {
    return this.#heard.promise
  }

  get unknownVrids(): readonly UnknownVridSnapshot[] {
    return this.#unknownVrids
  }

  get isWell(): boolean {
    return this.#process.isWell
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get snapshot(): ProcessSnapshot {
    return { ...processSnapshot('vrrp', this.#process), lateness: this.#lateness }
  }

  /** Whether it goes on in the roles of a process before this one. */
  get isTakingOver(): boolean {
    return this.#predecessor !== undefined
  }

  /** Whether the process that it takes over from still has the roles. */
  get hasPredecessor(): boolean {
    return this.#predecessor?.running === true
  }

  begin(): void {
    this.#hasBegun = true
    this.#configure()
  }

  configure(config: Config): void {
    this.#config = config
    const there = trackersByKey(config.scripts.trackers)
    for (const key of this.#trackers.keys()) if (!there.has(key)) this.#trackers.delete(key)
    this.#configure()
  }

  /** News of trackers. */
  track(results: readonly TrackerResult[]): void {
    for (const result of results) this.#trackers.set(trackerKey(result), result)
    if (this.#hasBegun) this.#process.send({ type: 'trackers', results })
  }

  /** What an operator wants of the roles. */
  direct(request: RoleRequest): void {
    this.#process.send(request)
  }

  /** Every check of this node has had a result. */
  checked(): void {
    this.#checked = true
    if (this.#hasBegun) this.#process.send({ type: 'checked' })
  }

  clearCounters(): void {
    this.#process.send({ type: 'clear-counters' })
  }

  /** The process goes on alone until its successor has its roles. Resolves when it will know. */
  async handOver(): Promise<void> {
    await this.#process.deliver({ type: 'hand-over' })
  }

  /** Gives all roles up. False when that was not done in order. */
  async stop(keepAddresses: boolean, patience: Millis): Promise<boolean> {
    this.#predecessor?.end()
    this.#process.send({ type: 'stop', keepAddresses })
    return await this.#process.stop(patience)
  }

  #begun(): void {
    this.#context.pidFiles.write('vrrp', this.#process.pid)
    this.#configure()
    for (const request of this.#context.unanswered()) this.direct(request)
  }

  #configure(): void {
    if (!this.#hasBegun) return
    const { instances, syncGroups: groups, linkDelays, staticObjects: statics, logUnknownVrids, pacing } = this.#config
    const before = this.#replaced?.instances
    const known = before === undefined ? {} : { before }
    this.#process.send({
      type: 'configure',
      instances,
      groups,
      linkDelays,
      pacing,
      logUnknownVrids,
      sessions: this.#config.bfdSessions,
      knownSessions: this.#bfdSessions,
      statics,
      trackers: this.trackers,
      duties: this.#context.duties(),
      checked: this.#checked,
      adopt: this.#adopt,
      process: this.#config.processes.vrrp,
      ...known,
    })
    this.#adopt = []
    this.#replaced = undefined
  }

  #take(message: FromVrrp): void {
    switch (message.type) {
      case 'instances':
        this.#instances = message.instances
        this.#lateness = message.lateness
        this.#unknownVrids = message.unknownVrids
        this.#bfdSessions = message.sessions
        this.#context.sessions(message.sessions)
        this.#staticObjects = message.staticObjects
        if (this.#hasBegun) this.#heard.resolve()
        break
      case 'transition':
        // Until it has taken over, the roles are those of its predecessor.
        if (this.#predecessor === undefined) this.#move(message)
        break
      case 'priority':
      case 'lower-priority':
        if (this.#predecessor === undefined) this.#context.news(message)
        break
      case 'yielded':
      case 'resumed':
        this.#context.answer(message)
        break
      case 'taken-away': {
        const { items, outcome, at } = message
        this.#context.events.add({ at: new Date(at).toISOString(), type: 'taken-away', items, outcome })
        break
      }
      case 'adopted':
        this.#isInOffice = true
        this.#predecessor?.end()
        this.#predecessor = undefined
        break
    }
  }

  #move(transition: Transition): void {
    this.#context.events.add(transitionEvent(transition))
    this.#instances = afterTransition(this.#instances, transition)
    this.#context.news(transition)
  }

  /** Masters go on where they were, if the next process can be there before their peers give up on them. */
  #died(how: string, delayMs: number, silentMs: number): void {
    const { name, log, events } = this.#context
    log.error(`the vrrp process has died (${how}); starting it again`)
    events.add({ at: new Date().toISOString(), type: 'child-restart', role: 'vrrp', reason: how })
    const now = performance.now()
    if (this.#isInOffice) this.#vacantSince = now - silentMs
    // A predecessor is still master for them.
    const absence = this.hasPredecessor ? 0 : now - this.#vacantSince + delayMs + RESPAWN_MS
    const what = this.#succession(millis(absence))
    this.#adopt = what.adopted
    if (what.resigned.length === 0) return
    const names = what.resigned.map((each) => each.name)
    log.warn({ instances: names }, 'giving up mastership for instances whose peers would not wait')
    const { instances } = this.#config
    resign(name, { instances, what, now: false }, (error) => log.error(error.message))
    const end = {
      type: 'transition',
      from: 'master',
      to: 'init',
      priority: 0,
      reason: 'the vrrp process has died',
    } as const
    for (const instance of matchRouters(this.#instances, what.resigned).values()) {
      this.#move({ ...end, instance, at: Date.now() })
    }
  }

  /** Of a vrrp process that cannot advertise for so long. */
  #succession(absence: Millis): Succession {
    const { instances, syncGroups: groups } = this.#config
    return succession({ instances, groups }, this.#instances, absence)
  }
}
