import type { Arrival } from './arrival.ts'

/** What was heard of a VRID that no instance here has. */
export interface UnknownVrid {
  readonly interface: string
  readonly vrid: number
  /** Packets. */
  readonly count: number
  /** Who sent the last one. */
  readonly source: string
}

/** The VRIDs that are in use on the links, whoever uses them. BOUNDED: 255 an interface, and interfaces by what is configured. */
export class HeardVrids {
  readonly #links = new Map<string, Map<number, UnknownVrid>>()

  /** Remembers a packet for which there is no instance. */
  hear({ interface: device, source }: Arrival, vrid: number): void {
    const heard = this.#links.get(device) ?? new Map<number, UnknownVrid>()
    this.#links.set(device, heard)
    const count = (heard.get(vrid)?.count ?? 0) + 1
    heard.set(vrid, { interface: device, vrid, count, source })
  }

  /** The lowest number that nobody was heard to use on a link, and that is none of the `own` ones. */
  freeOn(device: string, own: ReadonlySet<number>): number | undefined {
    const heard = this.#links.get(device)
    for (let vrid = 1; vrid <= 255; vrid++) if (heard?.has(vrid) !== true && !own.has(vrid)) return vrid
    return undefined
  }

  /** Those without an instance. */
  unknown(): readonly UnknownVrid[] {
    return [...this.#links.values()].flatMap((heard) => [...heard.values()])
  }

  /** Forgets links without instances, and the numbers that instances have by now. */
  keep(own: ReadonlyMap<string, ReadonlySet<number>>): void {
    for (const [device, heard] of this.#links) {
      const used = own.get(device)
      if (used === undefined) this.#links.delete(device)
      for (const vrid of heard.keys()) if (used?.has(vrid) === true) heard.delete(vrid)
    }
  }
}
