import type { Check } from '../../model/check.ts'
import type { Config } from '../../model/config.ts'
import { type RealServer, serviceName, type VirtualServer } from '../../model/service.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { CheckTask, Verdict } from '../messages.ts'

/** A verdict, and since when its server is up or down, in ms since the epoch. */
export interface KnownVerdict extends Verdict {
  readonly since: number
}

/** Whose a checker is, and its keyword. */
interface Checker {
  readonly server: VirtualServer
  readonly real: RealServer
  readonly check: Check['type']
}

/** What the checkers think of the real servers. A server is up until one of its checkers says otherwise. */
export class Verdicts {
  readonly #known = new Map<string, KnownVerdict>()
  /** Texts are made once for each configuration. */
  readonly #ids = new WeakMap<RealServer, readonly string[]>()
  /** By their ids, of each configuration: thousands of verdicts may come at once. */
  readonly #checkers = new WeakMap<readonly VirtualServer[], ReadonlyMap<string, Checker>>()

  /**
   * Takes a verdict. True when it changes whether its checker is content; another reason for the same is remembered, too. A checker that
   * could not ask knows less than this: a new check process does not know that the server was down.
   */
  take(verdict: Verdict): boolean {
    const before = this.#known.get(verdict.id)
    const wasUp = before?.up ?? true
    const up = verdict.notAsked === true ? wasUp : verdict.up
    const since = before?.up === up ? before.since : verdict.at
    this.#known.set(verdict.id, { ...verdict, up, since })
    return up !== wasUp
  }

  get all(): readonly KnownVerdict[] {
    return [...this.#known.values()]
  }

  /** Believes these until the checkers say something themselves. */
  restore(verdicts: readonly KnownVerdict[]): void {
    for (const verdict of verdicts) this.#known.set(verdict.id, verdict)
  }

  /** Forgets the verdicts of checkers that are not configured any more. */
  keepOnly(tasks: readonly CheckTask[]): void {
    const ids = new Set(tasks.map(({ id }) => id))
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id)
  }

  isUp(server: VirtualServer, real: RealServer): boolean {
    return this.#idsOf(server, real).every((id) => this.#known.get(id)?.up !== false)
  }

  /**
   * For people: since when it is so (ISO 8601), and what its checker said last. With several checkers those that have failed are named,
   * each with its reason.
   */
  describe(server: VirtualServer, real: RealServer): { up: boolean; since: string | undefined; reason: string } {
    if (real.checks.length === 0) return { up: true, since: undefined, reason: 'not checked' }
    const ids = this.#idsOf(server, real)
    const said = real.checks.map((check, index) => ({ check, known: this.#known.get(ids[index] ?? '') }))
    const failed = said.filter(({ known }) => known?.up === false)
    const up = failed.length === 0
    const deciding = up ? said : failed
    const times = deciding.flatMap(({ known }) => known?.since ?? [])
    const reasons = deciding.map(({ check, known }) => {
      const reason = known?.reason ?? 'not checked yet'
      return real.checks.length === 1 ? reason : `${checkName(check, real)}: ${reason}`
    })
    return {
      up,
      since: times.length === 0 ? undefined : new Date(up ? Math.max(...times) : Math.min(...times)).toISOString(),
      reason: reasons.join('; '),
    }
  }

  /** Whose checker it is; undefined when it is not configured any more. */
  find({ virtualServers }: Pick<Config, 'virtualServers'>, id: string): Checker | undefined {
    const known = this.#checkers.get(virtualServers) ?? this.#checkersOf(virtualServers)
    this.#checkers.set(virtualServers, known)
    return known.get(id)
  }

  #checkersOf(virtualServers: readonly VirtualServer[]): ReadonlyMap<string, Checker> {
    const found = new Map<string, Checker>()
    for (const server of virtualServers) {
      for (const real of server.realServers) {
        for (const [index, id] of this.#idsOf(server, real).entries()) {
          const check = real.checks[index]?.type
          if (check !== undefined) found.set(id, { server, real, check })
        }
      }
    }
    return found
  }

  #idsOf(server: VirtualServer, real: RealServer): readonly string[] {
    const known = this.#ids.get(real)
    if (known !== undefined) return known
    const ids = idsOf(server, real)
    this.#ids.set(real, ids)
    return ids
  }
}

/** Tells the checkers of a server apart. */
function checkName({ type, target }: Check, real: RealServer): string {
  const there = endpointName(target)
  return there === endpointName(real.endpoint) ? type : `${type} ${there}`
}

function idsOf(server: VirtualServer, real: RealServer): string[] {
  return real.checks.map(
    ({ type }, index) => `${serviceName(server.id)} ${endpointName(real.endpoint)} ${index} ${type}`,
  )
}

/** The checkers of a configuration. */
export function checkTasks(config: Config): CheckTask[] {
  return config.virtualServers.flatMap((server) =>
    server.realServers.flatMap((real) =>
      idsOf(server, real).flatMap((id, index) => {
        const check = real.checks[index]
        return check === undefined ? [] : [{ id, check }]
      }),
    ),
  )
}
