import { type Duties, type Duty, type HandedOver, NO_DUTIES } from '../model/duty.ts'
import { type TrackerResult, trackerKey } from '../model/tracking.ts'
import { millis } from '../time.ts'
import { Sequences } from '../vrrp/auth/sequences.ts'
import { release, type Release } from '../vrrp/release.ts'
import { emptyEngine, type KnownReason } from '../vrrp/state.ts'
import { succession } from '../vrrp/succession.ts'
import { epochOf, knownOf, type Surroundings, VrrpProcess } from './process.ts'
import type { DirectorSetup, ElectionConfig } from './setup.ts'
import { healthyResults } from './trackers.ts'
import { packetsOf } from './wire.ts'

/** `daemon/director/election.ts`: how long it reckons that a process takes until its first advert. */
const RESPAWN = 1000
/** How long one takes in fact, from its start to its configuration, in ms. */
const STARTS_WITHIN = { least: 60, most: 200 }
/** `daemon/child.ts`: a process that lived so long was healthy; else the next one comes later and later. */
const HEALTHY_AFTER = 10_000
const LONGEST_DELAY = 30_000
/** `daemon/pulse.ts`: a process that is silent for so many turns of so many ms is killed. */
const PULSE = { every: 250, missed: 4 }
/** From the end of a daemon to systemd's `tanistd --release`: Node has to start. */
const RELEASE_AFTER = { least: 200, most: 800 }
/** From the order to hand over to the configuration of the new process. */
const UPGRADE_TAKES = 600

/** What an operator has asked of a process, and which instances have not answered yet. */
interface Asked {
  readonly duty: Duty
  readonly left: Set<string>
  nobodyFollows: boolean
}

/** What the director needs of the world, besides what its process needs. */
export interface DirectorWorld extends Surroundings {
  /** Has something happen to a daemon after so many ms. */
  later(after: number, what: () => void): void
  /** Its process has begun, or has ended. */
  changed(): void
}

/** A director as `daemon/director` is one: keeps a vrrp process running, and gives up what the next one cannot go on with. */
export class Director {
  readonly name: string
  readonly #setup: DirectorSetup
  readonly #world: DirectorWorld
  #config: ElectionConfig
  readonly #results = new Map<string, TrackerResult>()
  #process: VrrpProcess | undefined
  /** What it knows of its instances: the last that the process has told. */
  #known: readonly KnownReason[] = []
  /** In a file, and so there after a loss of power, too. */
  #duties: Duties = NO_DUTIES
  #asked: Asked | undefined
  #startedAt = 0
  #failures = 0
  /** Changes when the daemon ends: what was to be done for the one before is not done. */
  #life = 0
  #isUp = false
  #isStopping = false
  #standsStill = false

  constructor(setup: DirectorSetup, world: DirectorWorld) {
    this.name = setup.name
    this.#setup = setup
    this.#config = setup.configs[0]
    this.#world = world
    for (const result of healthyResults(setup.configs)) this.#results.set(trackerKey(result), result)
  }

  get process(): VrrpProcess | undefined {
    return this.#process
  }

  /** Takes part: runs, and is not about to leave. */
  get takesPart(): boolean {
    return this.#process?.isRunning === true && !this.#isStopping
  }

  start(): void {
    if (this.#isUp) return
    this.#isUp = true
    this.#isStopping = false
    this.#failures = 0
    this.#known = []
    this.#startProcess([])
  }

  track(result: TrackerResult): void {
    this.#results.set(trackerKey(result), result)
    if (this.#isListening()) this.#process?.tell({ type: 'trackers', results: [result] })
  }

  reload(config: number): void {
    this.#config = this.#setup.configs[config % this.#setup.configs.length] ?? this.#config
    if (this.#isListening()) this.#process?.configure(this.#config, [...this.#results.values()], this.#duties, NOTHING)
  }

  /** `daemon/director/roles.ts`: hands over what it is master of, and keeps to that. */
  failOver(): void {
    const masters = knownOf(this.#process?.state ?? emptyEngine).filter(({ state }) => state === 'master')
    this.#ask(
      masters.map(({ name }) => name),
      'standby',
      false,
    )
  }

  /** Takes back what others of lower priority have. */
  failBack(): void {
    if (this.#duties.maintenance) return
    this.#duties = { ...this.#duties, standby: [] }
    this.#resume(this.#instances(), 'normal', true)
  }

  /** Hands everything over and takes no role. Where nobody follows, it does not begin, unless by `force`. */
  beginMaintenance(force: boolean): void {
    this.#ask(this.#instances(), 'maintenance', force)
  }

  endMaintenance(): void {
    this.#asked = undefined
    this.#duties = { ...this.#duties, maintenance: false }
    const { standby } = this.#duties
    this.#resume(
      this.#instances().filter((name) => !standby.includes(name)),
      'normal',
      false,
    )
    this.#resume(standby, 'standby', false)
  }

  /** What became of an instance that was to be handed over. */
  answered(name: string, { outcome }: HandedOver): void {
    const asked = this.#asked
    if (asked?.left.delete(name) !== true) return
    asked.nobodyFollows ||= outcome === 'nobody'
    if (asked.duty === 'standby' && outcome === 'handed-over') {
      this.#duties = { ...this.#duties, standby: [...new Set([...this.#duties.standby, name])] }
    }
    if (asked.left.size > 0) return
    this.#asked = undefined
    if (asked.duty !== 'maintenance') return
    if (!asked.nobodyFollows) this.#duties = { ...this.#duties, maintenance: true }
    else this.#world.later(1, () => this.endMaintenance())
  }

  /** `tanist upgrade`: the old process keeps its role until the new one has taken it over. */
  upgrade(): void {
    const old = this.#process
    if (!this.#isListening() || old === undefined || this.#standsStill) return
    old.tell({ type: 'hand-over' })
    const life = ++this.#life
    this.#world.later(UPGRADE_TAKES, () => {
      if (life !== this.#life || this.#process !== old) return
      const known = knownOf(old.state)
      const { adopted } = succession(this.#groups(), known, millis(0))
      const next = new VrrpProcess(this.#world)
      next.configure(this.#config, [...this.#results.values()], this.#duties, { masters: adopted, known })
      old.end()
      this.#became(next)
    })
  }

  /** Its vrrp process is killed. */
  crash(silent = 0): void {
    const dead = this.#process
    if (dead === undefined || !this.#isUp) return
    this.#known = knownOf(dead.state)
    dead.end()
    this.#process = undefined
    if (this.#isStopping) {
      this.#isUp = false
      this.#world.finished()
    } else this.#replace(silent)
    this.#world.changed()
  }

  /** All of its processes are killed. */
  kill({ releases }: { readonly releases: boolean }): void {
    if (!this.#isUp) return
    this.#end()
    if (!releases) return
    const life = this.#life
    const { least, most } = RELEASE_AFTER
    this.#world.later(least + (most - least) * this.#world.chance(), () => {
      if (life !== this.#life || this.#isUp) return
      this.#release({ instances: this.#config.instances, what: 'everything', now: false })
    })
  }

  /** Whether it would take the order to stop. */
  get canStop(): boolean {
    return this.#isUp && !this.#isStopping && !this.#standsStill && this.#process?.isFrozen !== true
  }

  /** In order. The world is told when everything is given up. */
  stop(): void {
    if (this.#process === undefined) {
      this.#end()
      this.#world.finished()
      return
    }
    this.#isStopping = true
    this.#life++
    this.#process.tell({ type: 'stop', keepAddresses: true })
    this.#world.changed()
  }

  /** What its process has left in order. */
  finished(): void {
    this.#end()
  }

  /** No processor for the vrrp process, or for all. */
  freeze(all: boolean): void {
    const frozen = this.#process
    if (frozen === undefined) return
    frozen.freeze()
    this.#standsStill = all
    this.#world.changed()
    if (all) return
    const silent = PULSE.every * PULSE.missed
    this.#world.later(silent + PULSE.every * this.#world.chance(), () => {
      if (this.#process === frozen && frozen.isFrozen && !this.#standsStill) this.crash(silent)
    })
  }

  thaw(): void {
    this.#standsStill = false
    if (this.#process?.isFrozen !== true) return
    this.#process.thaw()
    this.#world.changed()
  }

  #isListening(): boolean {
    return this.#isUp && !this.#isStopping && this.#process?.isFrozen === false
  }

  #instances(): readonly string[] {
    return this.#config.instances.map(({ name }) => name)
  }

  #ask(instances: readonly string[], duty: Duty, force: boolean): void {
    if (!this.#isListening() || instances.length === 0) return
    this.#asked = { duty, left: new Set(instances), nobodyFollows: false }
    this.#process?.tell({ type: 'yield', instances, duty, force })
  }

  #resume(instances: readonly string[], duty: Duty, take: boolean): void {
    if (this.#isListening() && instances.length > 0) this.#process?.tell({ type: 'resume', instances, duty, take })
  }

  #groups(): Parameters<typeof succession>[0] {
    return { instances: this.#config.instances, groups: this.#config.syncGroups }
  }

  #end(): void {
    this.#process?.end()
    this.#process = undefined
    this.#isUp = false
    this.#isStopping = false
    this.#standsStill = false
    this.#life++
    this.#world.changed()
  }

  /** Masters go on where they were, if the next process can be there before their peers give up on them. */
  #replace(silent: number): void {
    const lived = this.#world.now() - this.#startedAt
    if (lived >= HEALTHY_AFTER) this.#failures = 0
    const delay = this.#failures === 0 ? 0 : Math.min(1000 * 2 ** (this.#failures - 1), LONGEST_DELAY)
    this.#failures++
    const absence = lived < RESPAWN ? Number.POSITIVE_INFINITY : silent + delay + RESPAWN
    const what = succession(this.#groups(), this.#known, millis(absence))
    if (what.resigned.length > 0) this.#release({ instances: this.#config.instances, what, now: false })
    const life = this.#life
    this.#world.later(delay, () => {
      if (life === this.#life && this.#isUp) this.#startProcess(what.adopted)
    })
  }

  #startProcess(adopt: ElectionConfig['instances']): void {
    this.#startedAt = this.#world.now()
    const life = this.#life
    const { least, most } = STARTS_WITHIN
    this.#world.later(least + (most - least) * this.#world.chance(), () => {
      if (life !== this.#life || !this.#isUp || this.#process !== undefined) return
      const next = new VrrpProcess(this.#world)
      next.configure(this.#config, [...this.#results.values()], this.#duties, { masters: adopt, known: [] })
      this.#became(next)
    })
  }

  #became(next: VrrpProcess): void {
    this.#process = next
    this.#asked = undefined // whoever was asked is gone
    if (this.#standsStill) next.freeze()
    this.#world.changed()
  }

  /** `resign`: from outside the vrrp process. */
  #release(what: Release): void {
    const { kernel } = this.#world
    const now = this.#world.now()
    const present = { present: kernel.all(), remembered: kernel.remembered(), routing: [] }
    for (const effect of release(what, { interfaces: kernel.interfaces(), ...present })) {
      switch (effect.type) {
        case 'remove':
          kernel.remove(effect.addresses, effect.scope)
          break
        case 'expire':
          kernel.expire(effect.addresses, now, effect.after)
          this.#world.later(effect.after, () => {}) // until then it is not calm
          break
        case 'advertise': {
          const { instance, source, priority } = effect
          const packets = packetsOf(instance, source, priority, new Sequences(), epochOf(now))
          for (const packet of packets) this.#world.send(instance.interface, packet)
          break
        }
        case 'remove-routing':
          break // it has none
      }
    }
  }
}

const NOTHING = { masters: [], known: [] }
