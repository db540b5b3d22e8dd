import type { FormedPool } from '../../balance/pool.ts'
import type { InstanceSnapshot } from '../../control/snapshot.ts'
import type { Config } from '../../model/config.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { RouterIdentity, SyncGroup } from '../../model/vrrp.ts'
import { type HandOn, handText } from '../../model/hand.ts'
import type { Told } from '../../model/telling.ts'
import { type ServiceNews, serviceNews, type ServiceState, stoppedService } from '../../notify/services.ts'
import { moved, noStates, reloaded, REMOVED, type States, stopped, withPriority } from '../../notify/states.ts'
import { matchRouters, routerKey } from '../../vrrp/router.ts'
import type { InstanceNews, Transition, Verdict } from '../messages.ts'
import type { Verdicts } from './verdicts.ts'

type PriorityMessage = Exclude<InstanceNews, Transition>

/**
 * News that a reload may bring: `before`, of what is removed, are to be told while those who tell have the configuration of
 * before; `after` when they have the new one. Told in this order.
 */
interface ReloadNews {
  readonly before: readonly Told[]
  readonly after: readonly Told[]
}

/** Knows why a server stands as it does. */
export type Describer = Pick<Verdicts, 'describe'>

/** Makes news of what vrrp and check process say. Each method returns what is to be told, in its order. */
export class NewsDesk {
  #config: Config
  #states: States = noStates
  #pools: ReadonlyMap<string, FormedPool> = new Map()
  #services: ReadonlyMap<string, ServiceState> = new Map()
  /** The first pools of a program that goes on where another one was are no news. */
  #isSilent: boolean

  /** `known`: instances of the program that this process was before, of which everybody has been told. */
  constructor(config: Config, known: readonly InstanceSnapshot[] | undefined, at: number) {
    this.#config = { ...config, instances: [], syncGroups: [] }
    this.#isSilent = known !== undefined
    this.configure(config, at)
    for (const { name, state, effectivePriority: priority } of known ?? []) {
      this.#states = moved(this.#states, { name, to: state, priority, reason: '', at }).states
    }
  }

  /** An instance has entered another state. */
  moved({ instance, to, priority, reason, at }: Transition): readonly Told[] {
    const { states, news } = moved(this.#states, { name: this.#nameOf(instance), to, priority, reason, at })
    this.#states = states
    return news
  }

  /** The effective priority of an instance has changed, or a master has heard a lower one. */
  priority(message: PriorityMessage): readonly Told[] {
    const { priority, at } = message
    const name = this.#nameOf(message.instance)
    if (!this.#states.instances.has(name)) return []
    if (message.type === 'lower-priority') return [{ type: message.type, name, priority, at }]
    this.#states = withPriority(this.#states, name, priority)
    const state = message.state === 'master' ? 'MASTER' : 'BACKUP'
    return [{ type: message.type, name, state, priority, at }]
  }

  /** The virtual servers as they are now, with what the checkers have said of their servers. */
  pools(pools: ReadonlyMap<string, FormedPool>, verdicts: Describer, at: number): ReloadNews {
    const news: ServiceNews[] = []
    for (const [name, state] of this.#services) {
      if (!pools.has(name)) news.push(...serviceNews(state, undefined, at))
    }
    const services = new Map<string, ServiceState>()
    for (const [name, pool] of pools) {
      const before = this.#services.get(name)
      const isSame = before !== undefined && this.#pools.get(name) === pool
      const state = isSame ? before : serviceState(name, pool, verdicts)
      if (!isSame) news.push(...serviceNews(before, state, at))
      services.set(name, state)
    }
    this.#pools = pools
    this.#services = services
    const isSilent = this.#isSilent
    this.#isSilent = false
    if (isSilent) return { before: [], after: [] }
    const isRemoved = ({ reason }: ServiceNews) => reason === REMOVED
    return { before: news.filter(isRemoved), after: news.filter((each) => !isRemoved(each)) }
  }

  /**
   * A checker has another opinion. Told only when its server stays what it was: otherwise the next pools tell of the server. To be
   * called with verdicts that have it, before the pools have.
   */
  verdict({ id, up, reason, at }: Verdict, verdicts: Verdicts): readonly Told[] {
    const found = verdicts.find(this.#config, id)
    if (found === undefined) return []
    const { server, real, check } = found
    const [service, name] = [server.name, endpointName(real.endpoint)]
    const before = this.#services.get(service)?.servers.find((each) => each.name === name)?.up
    const serverUp = verdicts.isUp(server, real)
    if (before !== serverUp) return []
    return [{ type: 'checker', service, server: name, check, up, serverUp, reason, at }]
  }

  /** Another configuration is about to be in force. */
  configure(config: Config, at: number): ReloadNews {
    const before = this.#config
    this.#config = config
    const matched = matchRouters(before.instances, config.instances)
    const { states, removed, news } = reloaded(this.#states, {
      instances: config.instances.map(({ name }) => name),
      groups: config.syncGroups,
      waiting: waitingGroups(config),
      before: new Map([...matched].map(([name, old]) => [name, old.name])),
      notifyDeleted: new Set(
        before.scripts.instances.flatMap(({ name, deleted }) => (deleted === undefined ? [] : [name])),
      ),
      at,
    })
    this.#states = states
    return { before: removed, after: news }
  }

  /** The daemon stops, and all instances have given up their roles. */
  stopped(at: number): readonly Told[] {
    const omega = this.#config.scripts.services.filter((each) => each.omega)
    return [
      ...stopped(this.#states, at),
      ...omega.flatMap(({ service }) => {
        const state = this.#services.get(service)
        return state === undefined ? [] : stoppedService(state, at)
      }),
    ]
  }

  /** What it is called now; a transition of before a reload may have its old name. */
  #nameOf(router: RouterIdentity): string {
    const { instances } = this.#config
    if (instances.some(({ name }) => name === router.name)) return router.name
    return instances.find((each) => routerKey(each) === routerKey(router))?.name ?? router.name
  }
}

/** Those of which somebody waits for the first result of a script that decides about fault. */
function waitingGroups({ syncGroups, instances }: Config): ReadonlySet<string> {
  const waits = ({ tracks }: Pick<SyncGroup, 'tracks'>) =>
    tracks.some(({ kind, weight }) => kind === 'script' && weight === 0)
  const waiting = new Set(instances.filter(waits).map(({ name }) => name))
  const groups = syncGroups.filter((group) => waits(group) || group.instances.some((name) => waiting.has(name)))
  return new Set(groups.map(({ name }) => name))
}

function serviceState(name: string, { server, quorum, standings }: FormedPool, verdicts: Describer): ServiceState {
  const weight = standings.reduce((sum, standing) => sum + (standing.up ? standing.weight : 0), 0)
  return {
    name,
    alpha: server.alpha === true,
    quorum: { up: quorum.up, quorum: server.quorum, hysteresis: server.hysteresis, weight },
    servers: server.realServers.map((real, index) => ({
      name: endpointName(real.endpoint),
      up: standings[index]?.up === true,
      reason: reasonOf(standings[index]?.byHand, verdicts.describe(server, real).reason),
    })),
  }
}

/** A server that was disabled by hand is down for that. */
const reasonOf = (byHand: HandOn | undefined, found: string): string =>
  byHand?.hand.type === 'disable' ? handText(byHand) : found
