import type { Logger } from 'pino'
import type { InstanceSnapshot } from '../../control/snapshot.ts'
import type { RoleAnswers, RoleRefusal } from '../../control/roles.ts'
import type { Caller } from '../../control/server.ts'
import type { Config } from '../../model/config.ts'
import { type Duties, type Duty, type FailedBack, type HandedOver, NO_DUTIES } from '../../model/duty.ts'
import { reasonOf } from '../../host/regular-file.ts'
import { namesInGroup } from '../../vrrp/group.ts'
import type { RoleAnswer, RoleRequest } from '../messages.ts'
import { callerName } from './caller.ts'
import { keepDuties, keptDuties } from './duties-file.ts'
import type { RecentEvents } from './events.ts'

/** Longer than any hand-over takes (20 s): the vrrp process does not listen. */
const ANSWER_MS = 25_000

export interface RolesContext {
  /** Of the director. */
  readonly name: string
  readonly log: Logger
  readonly events: RecentEvents
  instances(): readonly InstanceSnapshot[]
  send(request: RoleRequest): void
}

const ANSWERS = { yield: 'yielded', resume: 'resumed' } as const

/** Somebody waits for these instances. */
interface Waiting {
  readonly request: RoleRequest
  readonly names: Set<string>
  readonly answers: Map<string, RoleAnswer>
  done(): void
}

/**
 * Roles as an operator wants them: hands them over, takes them back, keeps the node out of them for maintenance. What is asked
 * outlives this process, and the machine's next start.
 */
export class Roles {
  readonly #context: RolesContext
  /** BOUNDED by the callers of the control socket. */
  readonly #waiting = new Set<Waiting>()
  #config: Config
  #duties: Duties = NO_DUTIES

  constructor(config: Config, context: RolesContext) {
    this.#context = context
    this.#config = config
    try {
      this.#duties = keptDuties(context.name)
    } catch (error) {
      context.log.error(reasonOf(error))
    }
    if (this.#duties.maintenance) context.log.warn('this node is in maintenance, and takes no role')
  }

  get duties(): Duties {
    return this.#duties
  }

  /** What was said of instances that are not there any more is forgotten. */
  configure(config: Config): void {
    this.#config = config
    const names = new Set(config.instances.map(({ name }) => name))
    const standby = this.#duties.standby.filter((name) => names.has(name))
    if (standby.length < this.#duties.standby.length) this.#keep({ ...this.#duties, standby })
  }

  /** What the vrrp process has not answered whole: its successor is asked, too. */
  get unanswered(): readonly RoleRequest[] {
    return [...this.#waiting].map(({ request }) => request)
  }

  /** From the vrrp process. */
  take(answer: RoleAnswer): void {
    for (const waiting of this.#waiting) {
      if (ANSWERS[waiting.request.type] !== answer.type || !waiting.names.delete(answer.instance)) continue
      waiting.answers.set(answer.instance, answer)
      if (waiting.names.size === 0) waiting.done()
    }
  }

  /** Hands instances, and their sync groups, over: those that are master here, or these instances and groups. */
  async failOver(names: readonly string[], by: Caller): Promise<RoleAnswers<HandedOver> | RoleRefusal> {
    const chosen = names.length === 0 ? this.#masters() : this.#resolved(names)
    if ('failure' in chosen) return chosen
    if (chosen.length === 0) return { failure: 'no instance is master here' }
    const results = await this.#yield(chosen, 'standby', false)
    const standby = [...results].flatMap(([name, { outcome }]) => (outcome === 'handed-over' ? [name] : []))
    this.#keep({ ...this.#duties, standby: [...new Set([...this.#duties.standby, ...standby])] })
    return this.#audited('fail over', results, by)
  }

  /** Takes instances, and their sync groups, back from masters of lower priority: all, or these instances and groups. */
  async failBack(names: readonly string[], by: Caller): Promise<RoleAnswers<FailedBack> | RoleRefusal> {
    const chosen = names.length === 0 ? this.#all() : this.#resolved(names)
    if ('failure' in chosen) return chosen
    if (this.#duties.maintenance)
      return { failure: 'this node is in maintenance; end that first (tanist maintenance off)' }
    this.#keep({ ...this.#duties, standby: this.#duties.standby.filter((name) => !chosen.includes(name)) })
    const results = new Map<string, FailedBack>()
    for (const answer of await this.#ask({ type: 'resume', instances: chosen, duty: 'normal', take: true }, chosen)) {
      if (answer.type === 'resumed') results.set(answer.instance, answer.result)
    }
    return this.#audited('fail back', results, by)
  }

  /** Hands everything over and takes no role. Where nobody follows, it does not begin, unless by `force`. */
  async beginMaintenance(force: boolean, by: Caller): Promise<RoleAnswers<HandedOver>> {
    const all = this.#all()
    const results = await this.#yield(all, 'maintenance', force)
    if ([...results.values()].some(({ outcome }) => outcome === 'nobody')) this.#resume()
    else this.#keep({ ...this.#duties, maintenance: true })
    return this.#audited('begin maintenance', results, by)
  }

  endMaintenance(by: Caller): RoleAnswers<never> {
    this.#keep({ ...this.#duties, maintenance: false })
    this.#resume()
    return this.#audited('end maintenance', new Map<string, never>(), by)
  }

  /** All take part again, but those that were handed over by themselves. */
  #resume(): void {
    const { standby } = this.#duties
    const all = this.#all()
    const send = (instances: readonly string[], duty: Duty) => {
      if (instances.length > 0) this.#context.send({ type: 'resume', instances, duty, take: false })
    }
    send(
      all.filter((name) => !standby.includes(name)),
      'normal',
    )
    send(
      all.filter((name) => standby.includes(name)),
      'standby',
    )
  }

  #all(): readonly string[] {
    return this.#config.instances.map(({ name }) => name)
  }

  #masters(): readonly string[] {
    return this.#context.instances().flatMap(({ name, state }) => (state === 'master' ? [name] : []))
  }

  /** Names of instances, for names of instances and of sync groups. */
  #resolved(names: readonly string[]): readonly string[] | RoleRefusal {
    const { instances, syncGroups } = this.#config
    const found = names.map(
      (name) =>
        syncGroups.find((group) => group.name === name)?.instances ??
        (instances.some((each) => each.name === name) ? [name] : undefined),
    )
    const unknown = names.find((_, i) => found[i] === undefined)
    if (unknown !== undefined) return { failure: `there is no instance or sync group ${unknown}` }
    return [...new Set(found.flatMap((each) => each ?? []))]
  }

  async #yield(instances: readonly string[], duty: Duty, force: boolean): Promise<ReadonlyMap<string, HandedOver>> {
    const results = new Map<string, HandedOver>()
    for (const answer of await this.#ask({ type: 'yield', instances, duty, force }, instances)) {
      if (answer.type === 'yielded') results.set(answer.instance, answer.result)
    }
    return results
  }

  /** Resolves with the answers for these and their groups, or with those that there are after `ANSWER_MS`. */
  async #ask(request: RoleRequest, instances: readonly string[]): Promise<readonly RoleAnswer[]> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const present = new Set(this.#all())
    const names = instances.flatMap((name) => namesInGroup(this.#config.syncGroups, name))
    const waiting: Waiting = {
      request,
      names: new Set(names.filter((name) => present.has(name))),
      answers: new Map(),
      done: resolve,
    }
    if (waiting.names.size === 0) return []
    this.#waiting.add(waiting)
    const timer = setTimeout(resolve, ANSWER_MS)
    this.#context.send(request)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(waiting)
    return [...waiting.answers.values()]
  }

  #keep(duties: Duties): void {
    this.#duties = duties
    try {
      keepDuties(this.#context.name, duties)
    } catch (error) {
      this.#context.log.error(`what was asked of the roles does not outlive a restart: ${reasonOf(error)}`)
    }
  }

  #audited<T extends HandedOver | FailedBack>(
    what: string,
    results: ReadonlyMap<string, T>,
    by: Caller,
  ): RoleAnswers<T> {
    const { log, events } = this.#context
    const outcome = [...results].map(([name, result]) => `${name}: ${result.outcome}`).join(', ')
    const who = callerName(by)
    log.info({ by, results: Object.fromEntries(results) }, `${what}, asked by ${who}: ${outcome}`)
    events.add({ at: new Date().toISOString(), type: 'roles', by: who, what, outcome })
    return { results: [...results].map(([instance, result]) => ({ instance, result })), ...this.#state() }
  }

  #state(): { readonly maintenance: boolean } {
    return { maintenance: this.#duties.maintenance }
  }
}
