import type { VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Step } from '../vrrp/effect.ts'
import { addressesOf, addressKey, type EngineState, type Event, type Member } from '../vrrp/state.ts'
import { brokenPromises } from './contract.ts'
import type { Kernel } from './kernel.ts'
import type { Network } from './network.ts'
import type { VrrpProcess } from './process.ts'
import { type Allowance, allowanceOf, isCandidate } from './routers.ts'
import type { Router, Site } from './setup.ts'

/** What must never be. */
export type Rule =
  /** The effects of a step are not what the engine promises (`Step`). */
  | 'contract'
  /** A host with a running director has a virtual address that nobody there may have, or lacks one of a master. */
  | 'holding'
  /** Two masters hear each other for longer than the protocol allows. */
  | 'two-masters'
  /** Directors that hear each other, and one of which could be master, have none for longer than the protocol allows. */
  | 'no-master'
  /** All of them would preempt, and another one than the best is master. */
  | 'not-the-best'
  /** A master's address goes away since nobody has renewed its lease, although its process runs. */
  | 'lease'
  /** A director in maintenance takes a role. */
  | 'maintenance'
  /** The role moves on and on, although nothing more goes wrong. */
  | 'unrest'

/** Something that must never be, and was. */
export interface Violation {
  readonly rule: Rule
  readonly text: string
}

/** What the judge looks at. Directors by their place. */
export interface Scene {
  readonly network: Network
  now(): number
  process(host: number): VrrpProcess | undefined
  /** Runs, and is not about to leave. */
  takesPart(host: number): boolean
  /** Its processes wake in time. */
  isPrompt(host: number): boolean
  kernel(host: number): Kernel
  violated(violation: Violation): void
}

interface Watched {
  readonly router: Router
  readonly allowed: Allowance
  /** The masters that run, and since when each is one that the others can count with. */
  readonly masters: Map<number, number>
  lastChange: number
  isVerified: boolean
}

/** Holds what happens against what must never be, after every step. */
export class Judge {
  readonly #site: Site
  readonly #scene: Scene
  readonly #watched: readonly Watched[]
  /** Since when nothing more has gone wrong. */
  #calmSince = 0
  #nextLook = 0

  constructor(site: Site, scene: Scene) {
    this.#site = site
    this.#scene = scene
    this.#watched = site.routers.map((router) => ({
      router,
      allowed: allowanceOf(site, router),
      masters: new Map<number, number>(),
      lastChange: 0,
      isVerified: false,
    }))
  }

  /** Something goes wrong, or ceases to. */
  disturbed(): void {
    this.#calmSince = this.#scene.now()
    for (const each of this.#watched) each.isVerified = false
    this.#nextLook = 0
  }

  stepped(host: number, event: Event, before: EngineState, result: Step): void {
    for (const wrong of brokenPromises(before, event, result)) {
      this.#violated('contract', `after ${event.type}, ${this.#name(host)}: ${wrong}`)
    }
    for (const effect of result.effects) {
      if (effect.type !== 'transition' || effect.to !== 'master') continue
      const { name } = effect.instance
      if (before.members.get(name)?.duty !== 'maintenance') continue
      this.#violated('maintenance', `${this.#name(host)} is in maintenance, and becomes master of ${name}`)
    }
    // Who may be master is another one from now on.
    const isAsked = event.type === 'resume' || result.effects.some(({ type }) => type === 'yielded')
    if (isAsked || rests(before, result.state)) this.disturbed()
    let moved = false
    let touched = event.type === 'configure'
    for (const { type } of result.effects) {
      moved ||= type === 'transition'
      touched ||= moved || type === 'add' || type === 'remove' || type === 'restore'
    }
    if (moved) this.look(host)
    if (touched) this.#checkHoldings(host, result.state)
  }

  /** The kernel of a host takes these away. */
  expired(host: number, addresses: readonly VirtualAddress[]): void {
    const process = this.#scene.process(host)
    if (process?.isRunning !== true || !this.#scene.isPrompt(host)) return
    const keys = new Set(addresses.map(addressKey))
    for (const { config, state } of process.state.members.values()) {
      // Who was frozen just now may have lost it.
      if (state.name !== 'master' || config.lease === 0 || this.#scene.now() < this.#calmSince + config.lease) continue
      const lost = addressesOf(config).find((address) => keys.has(addressKey(address)))
      if (lost === undefined) continue
      this.#violated('lease', `${this.#name(host)} is master of ${config.name}, and ${lost.address} was not renewed`)
    }
  }

  /** The process of a director has begun, ended, or changed its state. */
  look(host: number): void {
    const now = this.#scene.now()
    const members = this.#scene.takesPart(host) ? this.#scene.process(host)?.state.members : undefined
    for (const watched of this.#watched) {
      const { router, masters } = watched
      const names = router.instances.get(host)
      if (names === undefined) continue
      const isMaster = [...names].some((name) => members?.get(name)?.state.name === 'master')
      if (isMaster === masters.has(host)) continue
      if (isMaster) masters.set(host, now)
      else masters.delete(host)
      watched.lastChange = now
      watched.isVerified = false
      if (now > this.#calmSince + watched.allowed.unrest && this.#partsOf(router).length > 0) {
        this.#violated('unrest', `the role of ${router.name} still moves after ${text(watched.allowed.unrest)} of calm`)
      }
    }
    this.#nextLook = 0
  }

  /** To be called after everything that happens. */
  check(): void {
    const now = this.#scene.now()
    if (now < this.#nextLook) return
    this.#nextLook = Number.POSITIVE_INFINITY
    for (const watched of this.#watched) {
      if (watched.masters.size > 1) this.#checkPairs(watched, now)
      if (!watched.isVerified) this.#checkCalm(watched, now)
    }
  }

  #checkPairs({ router, allowed, masters }: Watched, now: number): void {
    const { network } = this.#scene
    for (const [a, since] of masters) {
      for (const [b, otherSince] of masters) {
        const heardSince = a < b ? network.goodSince(a, b, router.segment) : undefined
        if (heardSince === undefined || !this.#scene.isPrompt(a) || !this.#scene.isPrompt(b)) continue
        const until = Math.max(since, otherSince, heardSince, this.#calmSince) + allowed.twoMasters
        if (now <= until) this.#nextLook = Math.min(this.#nextLook, until)
        else {
          const names = `${this.#name(a)} and ${this.#name(b)}`
          this.#violated(
            'two-masters',
            `${names} are masters of ${router.name} for more than ${text(allowed.twoMasters)}`,
          )
        }
      }
    }
  }

  /** Once everything is as it should be for long enough. */
  #checkCalm(watched: Watched, now: number): void {
    const { router, allowed, masters, lastChange } = watched
    const due = Math.max(this.#calmSince, lastChange) + allowed.noMaster
    if (now <= due) {
      this.#nextLook = Math.min(this.#nextLook, due)
      return
    }
    watched.isVerified = true
    for (const part of this.#partsOf(router)) {
      const candidates = part.flatMap((host) => this.#candidate(router, host) ?? [])
      const found = part.filter((host) => masters.has(host))
      if (candidates.length > 0 && found.length === 0) {
        const names = part.map((host) => this.#name(host)).join(', ')
        this.#violated(
          'no-master',
          `nobody of ${names} is master of ${router.name} for more than ${text(allowed.noMaster)}`,
        )
      }
      const [only, ...others] = found
      if (only === undefined || others.length > 0) continue
      this.#checkBest(router, only, candidates)
    }
  }

  #checkBest(router: Router, master: number, candidates: readonly Member[]): void {
    const isSure = candidates.every(
      ({ config, duty }) => config.preempt && config.preemptDelay === 0 && duty === 'normal',
    )
    const own = this.#candidate(router, master)
    if (!isSure || own === undefined || this.#isGrouped(router)) return
    const best = Math.max(...candidates.map(({ priority }) => priority))
    if (own.priority >= best) return
    this.#violated(
      'not-the-best',
      `${this.#name(master)} (${own.priority}) is master of ${router.name} beside a ${best}`,
    )
  }

  /**
   * Lots of running directors that all hear each other and nobody else. None when it is not that simple, also of a group with a
   * member on another segment, or that is another one on another director: the protocol promises nothing then.
   */
  #partsOf(router: Router): readonly (readonly number[])[] {
    const { network } = this.#scene
    const hosts = [...router.instances.keys()].filter((host) => this.#scene.takesPart(host))
    if (!hosts.every((host) => this.#scene.isPrompt(host))) return []
    const group = [router, ...this.#mates(router)]
    if (group.length > 1 && !hosts.every((host) => group.every((each) => this.#runs(each, host)))) return []
    const segments = new Set(group.map(({ segment }) => segment))
    const isGood = (a: number, b: number, segment: string) => {
      const since = network.goodSince(a, b, segment)
      return a === b || (since !== undefined && since <= this.#calmSince + 1000)
    }
    const isSimple = hosts.every((a) =>
      hosts.every((b) =>
        [...segments].every(
          (segment) =>
            isGood(a, b, segment) === isGood(a, b, router.segment) &&
            (isGood(a, b, segment) || (!network.reaches(a, b, segment) && !network.reaches(b, a, segment))) &&
            hosts.every((c) => !isGood(a, b, segment) || !isGood(b, c, segment) || isGood(a, c, segment)),
        ),
      ),
    )
    if (!isSimple) return []
    const parts = new Map<number, number[]>()
    for (const host of hosts) {
      const first = hosts.find((other) => isGood(host, other, router.segment)) ?? host
      parts.set(first, [...(parts.get(first) ?? []), host])
    }
    return [...parts.values()]
  }

  #candidate(router: Router, host: number): Member | undefined {
    const state = this.#scene.process(host)?.state
    if (state === undefined || state.stopped) return undefined
    const names = router.instances.get(host) ?? new Set()
    const member = [...state.members.values()].find(({ config }) => names.has(config.name))
    if (member === undefined) return undefined
    const group = state.groups.find(({ instances }) => instances.includes(member.config.name))?.instances ?? []
    return isCandidate(
      member,
      group.flatMap((name) => state.members.get(name) ?? []),
    )
      ? member
      : undefined
  }

  /** Whether a director has an instance of a router now. */
  #runs({ instances }: Router, host: number): boolean {
    const members = this.#scene.process(host)?.state.members
    return [...(instances.get(host) ?? [])].some((name) => members?.has(name) === true)
  }

  #isGrouped(router: Router): boolean {
    return this.#mates(router).length > 0
  }

  /** The other routers that share a sync group with this one on some director. */
  #mates(router: Router): readonly Router[] {
    return this.#site.routers.filter((other) => {
      if (other === router) return false
      return this.#site.directors.some(({ configs }, host) =>
        configs.some(({ syncGroups }) =>
          syncGroups.some(({ instances }) => isIn(router, host, instances) && isIn(other, host, instances)),
        ),
      )
    })
  }

  #checkHoldings(host: number, state: EngineState): void {
    const kernel = this.#scene.kernel(host)
    if (state.handingOver) return
    const members = [...state.members.values()]
    const may = new Set(members.filter(mayHold).flatMap(keysOf))
    for (const address of kernel.lasting()) {
      if (members.length > 0 && !may.has(addressKey(address))) {
        this.#violated('holding', `${this.#name(host)} has ${address.address}, and is neither master nor keeps it`)
      }
    }
    for (const { address } of kernel.forgotten()) {
      this.#violated('holding', `${this.#name(host)} has ${address}, and would not know after a crash that it is ours`)
    }
    if (kernel.isTampered) return // somebody has taken an address away, and nobody looked yet
    for (const { config, state: own } of members) {
      const missing = own.name === 'master' ? addressesOf(config).find((address) => !kernel.has(address)) : undefined
      if (missing === undefined || !isOnHost(this.#site, host, missing.device)) continue
      this.#violated('holding', `${this.#name(host)} is master of ${config.name} without ${missing.address}`)
    }
  }

  #violated(rule: Rule, text: string): void {
    this.#scene.violated({ rule, text })
  }

  #name(host: number): string {
    return this.#site.directors[host]?.name ?? ''
  }
}

const keysOf = ({ config }: Member) => addressesOf(config).map(addressKey)

const mayHold = ({ state, keeps }: Member) => state.name === 'master' || keeps !== undefined

/** Whether somebody has just begun to leave its role to others, or takes part again: its addresses were taken away too often. */
function rests(before: EngineState, after: EngineState): boolean {
  if (after.thefts.size === 0 || before.members === after.members) return false
  return [...after.members.values()].some(({ config, robbed }) => before.members.get(config.name)?.robbed !== robbed)
}

const isIn = (router: Router, host: number, instances: readonly VrrpInstance['name'][]) =>
  instances.some((name) => router.instances.get(host)?.has(name) === true)

const isOnHost = (site: Site, host: number, device: string) =>
  site.interfaces[host]?.some(({ name }) => name === device) === true

const text = (ms: number) => `${(ms / 1000).toFixed(2)} s`
