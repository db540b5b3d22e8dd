import { addressesOf } from '../vrrp/state.ts'
import type { Kernel } from './kernel.ts'
import type { Site } from './setup.ts'

/** How long something was so, in ms. */
export interface Spell {
  readonly longest: number
  readonly total: number
}

/** What became of a virtual router. Master is here who has its addresses on an interface that is up. */
export interface RouterTally {
  readonly name: string
  readonly withoutMaster: Spell
  readonly withTwo: Spell
  /** How often another director than before was the only master. */
  readonly takeovers: number
  /** How often each director became master, by its name. */
  readonly byDirector: Readonly<Record<string, number>>
}

class Meter {
  #since: number | undefined
  longest = 0
  total = 0

  follow(isSo: boolean, now: number): void {
    if (isSo) {
      this.#since ??= now
      return
    }
    if (this.#since === undefined) return
    this.total += now - this.#since
    this.longest = Math.max(this.longest, now - this.#since)
    this.#since = undefined
  }

  get spell(): Spell {
    return { longest: this.longest, total: this.total }
  }
}

/** Counts who has the addresses, and for how long nobody or more than one has them. */
export class Tally {
  readonly #site: Site
  readonly #kernels: readonly Kernel[]
  readonly #isOn: (host: number) => boolean
  readonly #rows

  constructor(site: Site, kernels: readonly Kernel[], isOn: (host: number) => boolean) {
    this.#site = site
    this.#kernels = kernels
    this.#isOn = isOn
    this.#rows = site.routers.map((router) => ({
      router,
      holders: new Set<number>(),
      last: undefined as number | undefined,
      takeovers: 0,
      became: new Map<number, number>(),
      none: new Meter(),
      two: new Meter(),
    }))
  }

  /** To be called when the addresses of a host, or its interfaces, may be others. `now`: by the calendar. */
  look(host: number, now: number): void {
    for (const row of this.#rows) {
      const names = row.router.instances.get(host)
      if (names === undefined) continue
      const isHolder = this.#holds(host, names)
      if (isHolder === row.holders.has(host)) continue
      if (isHolder) {
        row.holders.add(host)
        row.became.set(host, (row.became.get(host) ?? 0) + 1)
      } else row.holders.delete(host)
      const [only, ...others] = row.holders
      if (only !== undefined && others.length === 0 && only !== row.last) {
        if (row.last !== undefined) row.takeovers++
        row.last = only
      }
      // From the first master on: until then everybody has just been started.
      row.none.follow(row.holders.size === 0 && row.last !== undefined, now)
      row.two.follow(row.holders.size > 1, now)
    }
  }

  /** What it came to. `now`: the end, by the calendar. */
  end(now: number): readonly RouterTally[] {
    return this.#rows.map(({ router, none, two, takeovers, became }) => {
      none.follow(false, now)
      two.follow(false, now)
      const names = this.#site.directors.map(({ name }, host) => [name, became.get(host) ?? 0] as const)
      return {
        name: router.name,
        withoutMaster: none.spell,
        withTwo: two.spell,
        takeovers,
        byDirector: Object.fromEntries(names.filter((_, host) => router.instances.has(host))),
      }
    })
  }

  #holds(host: number, names: ReadonlySet<string>): boolean {
    const kernel = this.#kernels[host]
    if (kernel === undefined || !this.#isOn(host)) return false
    const instances = this.#site.directors[host]?.configs[0].instances.filter(({ name }) => names.has(name)) ?? []
    return instances
      .flatMap((instance) => addressesOf(instance).slice(0, 1))
      .some((address) => kernel.has(address) && kernel.isUp(address.device))
  }
}
