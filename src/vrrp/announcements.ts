import type { AnnouncementPacing, VirtualAddress } from '../model/vrrp.ts'
import { isIpv4 } from '../net/address.ts'
import { after, type Millis } from '../time.ts'

/** An announcement that waits for its turn. */
interface Waiting {
  /** Of the instance that announces. */
  readonly instance: string
  readonly address: VirtualAddress
  /** How often it is still to be said. */
  readonly left: number
}

/** What shares a pace: an interface or a group of them, in one family. */
interface Lane {
  readonly pause: Millis
  waiting: readonly Waiting[]
  /** When the next one may go. */
  freeAt: Millis
}

/**
 * BOUNDED: what one turn sends. All addresses of a big instance at once would keep its adverts waiting: they go between two turns.
 */
const IN_A_TURN = 32

/**
 * Gratuitous ARPs and neighbour advertisements on their way out. Each address waits once, with the number of times that it is still to
 * be said: all are said once before one is said twice. BOUNDED by the addresses of the configuration.
 */
export class Announcements {
  readonly #lanes = new Map<string, Lane>()
  #pacing: AnnouncementPacing = { arp: 0 as Millis, advertisement: 0 as Millis, groups: [] }

  /** From now on they go at this pace. */
  follow(pacing: AnnouncementPacing): void {
    if (JSON.stringify(pacing) === JSON.stringify(this.#pacing)) return
    const all = [...this.#lanes.values()].flatMap(({ waiting }) => waiting)
    this.#pacing = pacing
    this.#lanes.clear()
    for (const { instance, address, left } of all) this.push(instance, [address], left, 0 as Millis)
  }

  push(instance: string, addresses: readonly VirtualAddress[], times: number, now: Millis): void {
    if (times === 0) return
    const fresh = new Map<Lane, Waiting[]>()
    for (const address of addresses) {
      const lane = this.#laneOf(address, now)
      const place = lane.waiting.findIndex((each) => isSame(each, instance, address))
      const before = lane.waiting[place]
      if (before === undefined) fresh.set(lane, [...(fresh.get(lane) ?? []), { instance, address, left: times }])
      else lane.waiting = lane.waiting.with(place, { ...before, left: Math.max(before.left, times) })
    }
    for (const [lane, added] of fresh) lane.waiting = [...lane.waiting, ...added]
  }

  /** This instance says nothing more: somebody else has its addresses. */
  silence(instance: string): void {
    for (const lane of this.#lanes.values()) lane.waiting = lane.waiting.filter((each) => each.instance !== instance)
  }

  /** What is to be said now. */
  take(now: Millis): readonly VirtualAddress[] {
    const taken: VirtualAddress[] = []
    for (const lane of this.#lanes.values()) {
      if (lane.freeAt > now) continue
      const count = lane.pause > 0 ? 1 : Math.max(0, IN_A_TURN - taken.length)
      const said = lane.waiting.slice(0, count)
      if (said.length === 0) continue
      const again = said.flatMap((each) => (each.left > 1 ? [{ ...each, left: each.left - 1 }] : []))
      lane.waiting = [...lane.waiting.slice(count), ...again]
      lane.freeAt = after(now, lane.pause)
      taken.push(...said.map(({ address }) => address))
    }
    return taken
  }

  /** When `take` has more, or undefined when nothing waits. */
  get nextAt(): Millis | undefined {
    const times = [...this.#lanes.values()].flatMap(({ waiting, freeAt }) => (waiting.length > 0 ? [freeAt] : []))
    return times.length === 0 ? undefined : (Math.min(...times) as Millis)
  }

  #laneOf({ address, device }: VirtualAddress, now: Millis): Lane {
    const place = this.#pacing.groups.findIndex(({ interfaces }) => interfaces.includes(device))
    const pace = this.#pacing.groups[place] ?? this.#pacing
    const key = `${place < 0 ? device : place} ${isIpv4(address) ? 4 : 6}`
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane: Lane = { pause: isIpv4(address) ? pace.arp : pace.advertisement, waiting: [], freeAt: now }
    this.#lanes.set(key, lane)
    return lane
  }
}

const isSame = (each: Waiting, instance: string, { address, device }: VirtualAddress) =>
  each.instance === instance && each.address.address === address && each.address.device === device
