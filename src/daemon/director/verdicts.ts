import type { Found } from '../../check/found.ts'
import type { SeenState } from '../../balance/availability.ts'
import { askedWeight, type Standing } from '../../balance/standing.ts'
import { isSameWeight } from '../../model/check.ts'
import { type Checker, checkerId, type CheckerTask, checkerTasks, isAlpha } from '../../model/checker.ts'
import type { Config } from '../../model/config.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { Verdict } from '../messages.ts'
import { digestsOf, identityOf } from './checker-identity.ts'

/** A verdict, and since when its server is up or down, in ms since the epoch. */
export interface KnownVerdict extends Verdict {
  readonly since: number
}

/** In a file. */
export interface KeptVerdict extends KnownVerdict {
  /** What its checker asks. Undefined in versions without: it is the one that has its id. */
  readonly asks?: string | undefined
}

/** Whose a checker is, and its keyword. */
interface Whose {
  readonly server: VirtualServer
  readonly real: RealServer
  readonly check: Checker['type']
}

/** What the checkers think of the real servers. A server is up until one of its checkers says otherwise; with `alpha` down until all say so. */
export class Verdicts {
  readonly #known = new Map<string, KnownVerdict>()
  /** Those whose servers are down until they say otherwise (`alpha`). */
  #alpha: ReadonlySet<string> = new Set()
  /** Texts are made once for each configuration. */
  readonly #ids = new WeakMap<RealServer, readonly string[]>()
  /** What checkers ask, by their ids, of each configuration. */
  readonly #digests = new WeakMap<readonly VirtualServer[], ReadonlyMap<string, string>>()
  /** By their ids, of each configuration: thousands of verdicts may come at once. */
  readonly #checkers = new WeakMap<readonly VirtualServer[], ReadonlyMap<string, Whose>>()

  /**
   * Takes a verdict, and says what it changes of how its server stands; another reason for the same is remembered, too. A checker that
   * could not ask knows less than this: a new check process does not know that the server was down, or what weight was asked for.
   */
  take(verdict: Verdict): 'state' | 'weight' | 'nothing' {
    const before = this.#known.get(verdict.id)
    const wasUp = before?.up ?? !this.#alpha.has(verdict.id)
    const { up, weight } = verdict.notAsked === true ? { up: wasUp, weight: before?.weight } : verdict
    const since = before?.up === up ? before.since : verdict.at
    this.#known.set(verdict.id, { ...verdict, up, since, ...(weight === undefined ? {} : { weight }) })
    if (up !== wasUp) return 'state'
    return isSameWeight(weight, before?.weight) ? 'nothing' : 'weight'
  }

  /** Its checker has said something since it is configured. */
  knows(id: string): boolean {
    return this.#known.has(id)
  }

  /** A process that has been away may tell again what it has told. */
  isKnown({ id, at, up, weight, reason }: Verdict): boolean {
    const known = this.#known.get(id)
    return known?.at === at && known.up === up && known.reason === reason && isSameWeight(known.weight, weight)
  }

  get all(): readonly KnownVerdict[] {
    return [...this.#known.values()]
  }

  /** For a process that begins to check. */
  get found(): Found {
    const ids = (up: boolean) => this.all.filter((verdict) => verdict.up === up).map(({ id }) => id)
    return { up: ids(true), down: ids(false) }
  }

  /** For a director that comes after this one, perhaps with another file. */
  kept(virtualServers: readonly VirtualServer[]): readonly KeptVerdict[] {
    const known = this.#digests.get(virtualServers) ?? digestsOf(checkerTasks(virtualServers))
    this.#digests.set(virtualServers, known)
    return this.all.map((verdict) => ({ ...verdict, asks: known.get(verdict.id) }))
  }

  /** Believes these until the checkers say something themselves, each of the checker that asks the same now, wherever it stands. */
  recall(kept: readonly KeptVerdict[], virtualServers: readonly VirtualServer[]): void {
    if (kept.length === 0) return
    const digests = digestsOf(checkerTasks(virtualServers))
    const idsByDigest = Map.groupBy(digests.keys(), (id) => digests.get(id))
    for (const { asks, ...verdict } of kept) {
      const ids = asks === undefined ? [verdict.id] : (idsByDigest.get(asks) ?? [])
      const id = ids.includes(verdict.id) ? verdict.id : ids[0]
      if (id !== undefined) this.#known.set(id, { ...verdict, id })
    }
  }

  /** Believes these, of the configuration that is in force. */
  restore(verdicts: readonly KnownVerdict[]): void {
    for (const verdict of verdicts) this.#known.set(verdict.id, verdict)
  }

  /**
   * Ids name places among the checkers of a server. What has been said goes along with a checker that has another place in `after`, and
   * who comes to a place that another has left has said nothing yet; one that was changed where it is goes on with what it has said.
   */
  carryOver(before: readonly CheckerTask[], after: readonly CheckerTask[]): void {
    const idsBefore = new Map<string, string[]>()
    const stay = new Set<string>()
    const identities = new Map(after.map((task) => [task.id, identityOf(task)]))
    for (const task of before) {
      const identity = identityOf(task)
      if (identities.get(task.id) === identity) stay.add(task.id)
      else idsBefore.set(identity, [...(idsBefore.get(identity) ?? []), task.id])
    }
    const said = new Map(this.#known)
    const moves = new Map<string, string>()
    for (const [id, identity] of identities) {
      const from = stay.has(id) ? undefined : idsBefore.get(identity)?.shift()
      if (from !== undefined) moves.set(id, from)
    }
    for (const from of moves.values()) this.#known.delete(from)
    for (const [id, from] of moves) {
      const verdict = said.get(from)
      if (verdict !== undefined) this.#known.set(id, { ...verdict, id })
    }
  }

  /** These checkers are configured. Forgets the verdicts of all others. */
  keepOnly(tasks: readonly CheckerTask[]): void {
    this.#alpha = new Set(tasks.flatMap(({ id, check }) => (isAlpha(check) ? [id] : [])))
    const ids = new Set(tasks.map(({ id }) => id))
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id)
  }

  isUp(server: VirtualServer, real: RealServer): boolean {
    if (real.checks.length === 0) return real.alpha !== true
    return this.#idsOf(server, real).every((id, i) => this.#known.get(id)?.up ?? !isAlpha(real.checks[i]))
  }

  /** What its checks have said, apart from what is taken for granted until then. */
  seen(server: VirtualServer, real: RealServer): { up: boolean; isKnown: boolean; isUnreachable: boolean } {
    const known = this.#idsOf(server, real).flatMap((id) => this.#known.get(id) ?? [])
    const failed = known.filter(({ up }) => !up)
    const isUnreachable = failed.length > 0 && failed.every(({ unreachable }) => unreachable === true)
    return { up: this.isUp(server, real), isKnown: known.length > 0, isUnreachable }
  }

  /** What its checks have found: unknown until all of them have been answered, unless one has failed. */
  state(server: VirtualServer, real: RealServer): SeenState {
    const known = this.#idsOf(server, real).map((id) => this.#known.get(id))
    const found = known.filter((verdict) => verdict !== undefined && verdict.notAsked !== true)
    if (found.some((verdict) => verdict?.up === false)) return 'down'
    return found.length > 0 && found.length === known.length ? 'up' : 'unknown'
  }

  standing(server: VirtualServer, real: RealServer): Standing {
    const asked = this.#idsOf(server, real).flatMap((id) => this.#known.get(id)?.weight ?? [])
    return { up: this.isUp(server, real), weight: askedWeight(real.weight, asked) }
  }

  /**
   * For people: since when it is so (ISO 8601), and what its checker said last. With several checkers those that have failed are named,
   * each with its reason.
   */
  describe(server: VirtualServer, real: RealServer): { up: boolean; since: string | undefined; reason: string } {
    if (real.checks.length === 0) {
      const up = real.alpha !== true
      return { up, since: undefined, reason: up ? 'not checked' : 'no checker says that it is up (alpha)' }
    }
    const ids = this.#idsOf(server, real)
    const said = real.checks.map((check, index) => ({ check, known: this.#known.get(ids[index] ?? '') }))
    const failed = said.filter(({ check, known }) => !(known?.up ?? !isAlpha(check)))
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
  find({ virtualServers }: Pick<Config, 'virtualServers'>, id: string): Whose | undefined {
    const known = this.#checkers.get(virtualServers) ?? this.#checkersOf(virtualServers)
    this.#checkers.set(virtualServers, known)
    return known.get(id)
  }

  #checkersOf(virtualServers: readonly VirtualServer[]): ReadonlyMap<string, Whose> {
    const found = new Map<string, Whose>()
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
    const ids = real.checks.map((_, index) => checkerId(server, real, index))
    this.#ids.set(real, ids)
    return ids
  }
}

/** Tells the checkers of a server apart. */
export function checkName(check: Checker, real: RealServer): string {
  if ('target' in check) {
    const there = endpointName(check.target)
    return there === endpointName(real.endpoint) ? check.type : `${check.type} ${there}`
  }
  switch (check.type) {
    case 'MISC_CHECK':
      return `MISC_CHECK ${check.command.argv[0]}`
    case 'FILE_CHECK':
      return `FILE_CHECK ${check.file}`
    case 'BFD_CHECK':
      return `BFD_CHECK ${check.session}`
  }
}
