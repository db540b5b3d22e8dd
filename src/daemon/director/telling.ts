import type { FormedPool } from '../../balance/pool.ts'
import type { InstanceSnapshot } from '../../control/snapshot.ts'
import type { Config } from '../../model/config.ts'
import type { News } from '../../model/notify.ts'
import type { Told } from '../../model/telling.ts'
import type { InstanceNews, Verdict } from '../messages.ts'
import { type Describer, NewsDesk } from './news-desk.ts'
import type { Verdicts } from './verdicts.ts'

/** Those who tell people: with commands and pipes, with mails and webhooks. */
export interface Tellers {
  commands(news: readonly News[]): void
  network(told: readonly Told[]): void
}

/** BOUNDED: news that come before anybody can be told, which are the first states of servers. The oldest give way. */
const EARLY_LIMIT = 10_000

/** Makes news of what happens, and hands them on in their order. What comes before `begin` waits for it. */
export class Telling {
  readonly #desk: NewsDesk
  readonly #verdicts: Verdicts
  readonly #reasons: Describer
  #tellers: Tellers | undefined
  #early: Told[] = []
  /** What a reload brings to the virtual servers, until everybody knows them. */
  #ofReload: Told[] | undefined

  /** `reasons`: why a server stands as it does, where that is not what its checks say alone. `known`: instances of the program that this process was before, of which everybody has been told. */
  constructor(
    config: Config,
    known: readonly InstanceSnapshot[] | undefined,
    verdicts: Verdicts,
    reasons: Describer = verdicts,
  ) {
    this.#reasons = reasons
    this.#desk = new NewsDesk(config, known, Date.now())
    this.#verdicts = verdicts
  }

  begin(tellers: Tellers): void {
    this.#tellers = tellers
    const early = this.#early
    this.#early = []
    this.#tell(early)
  }

  election(news: InstanceNews): void {
    this.#tell(news.type === 'transition' ? this.#desk.moved(news) : this.#desk.priority(news))
  }

  /** A checker has another opinion; the pools do not have it yet. */
  verdict(verdict: Verdict): void {
    this.#tell(this.#desk.verdict(verdict, this.#verdicts))
  }

  pools(pools: ReadonlyMap<string, FormedPool>): void {
    const { before, after } = this.#desk.pools(pools, this.#reasons, Date.now())
    this.#tell(before)
    if (this.#ofReload === undefined) this.#tell(after)
    else this.#ofReload.push(...after)
  }

  /**
   * Another configuration: `core` puts it into the forwarding core, and throws if that cannot be, then `processes` hands it on. What
   * is gone is told before that, by those who still know it.
   */
  configure(config: Config, core: () => void, processes: () => void): void {
    this.#ofReload = []
    try {
      core()
      const { before, after } = this.#desk.configure(config, Date.now())
      this.#tell(before)
      processes()
      this.#tell([...after, ...this.#ofReload])
    } finally {
      this.#ofReload = undefined
    }
  }

  /** The daemon stops, and has given up all roles. */
  stopped(): void {
    this.#tell(this.#desk.stopped(Date.now()))
  }

  #tell(told: readonly Told[]): void {
    if (told.length === 0) return
    if (this.#tellers === undefined) {
      this.#early.push(...told)
      this.#early.splice(0, Math.max(0, this.#early.length - EARLY_LIMIT))
      return
    }
    this.#tellers.commands(told.flatMap(commandNews))
    this.#tellers.network(told)
  }
}

/** Commands and pipes are told of no checkers, and not of what was before. */
function commandNews(told: Told): News[] {
  switch (told.type) {
    case 'checker':
      return []
    case 'state': {
      const { from: _, ...news } = told
      return [news]
    }
    case 'priority':
    case 'lower-priority':
    case 'server':
    case 'quorum':
      return [told]
  }
}
