import type { Link } from '../../linux/rtnetlink.ts'
import { type LinkLookup, RoutingTable } from '../../linux/routing-table.ts'
import type { RoutingItem } from '../../net/route.ts'
import { itemText } from '../../net/route-text.ts'
import { routingKey } from '../../vrrp/routing.ts'
import type { RoutingMemory } from './routing-memory.ts'

/** What the kernel says of something that is there already, and of something that is not. */
const THERE = 'EEXIST'
const NOT_THERE: ReadonlySet<string> = new Set(['ESRCH', 'ENOENT', 'ENODEV', 'ENETDOWN'])

/** The routes and rules of instances, and static ones, on this host. Which ones, others decide. */
export class HostRouting {
  readonly #table = new RoutingTable()
  readonly #memory: RoutingMemory
  readonly #onError: (error: Error) => void
  /** By key: why it was not added. BOUNDED: what is wanted. */
  readonly #refused = new Map<string, string>()
  #links: LinkLookup = { indexOf: () => undefined, tableOf: () => undefined }

  /** Failures are reported, not thrown: the other ones still have to be set. */
  constructor(memory: RoutingMemory, onError: (error: Error) => void) {
    this.#memory = memory
    this.#onError = onError
  }

  /** The interfaces as they are now. */
  follow(links: readonly Link[]): void {
    const byName = new Map(links.map((link) => [link.name, link]))
    this.#links = {
      indexOf: (device) => byName.get(device)?.index,
      tableOf: (vrf) => byName.get(vrf)?.vrfTable,
    }
  }

  /** What a process before this one has put here, whether it is still there or not. */
  get remembered(): readonly RoutingItem[] {
    return this.#memory.items
  }

  /** Has these, and of those that are another one by the same name the new one. Returns those that were not there. */
  add(items: readonly RoutingItem[]): readonly RoutingItem[] {
    const changed = items.flatMap((item) => {
      const old = this.#memory.get(item)
      return old === undefined || JSON.stringify(old) === JSON.stringify(item) ? [] : [old]
    })
    this.#memory.remember(items)
    if (changed.length > 0) this.#table.remove(changed, this.#links)
    const refused = new Map(this.#table.add(items, this.#links).map(({ item, error }) => [item, error]))
    for (const item of items) {
      const error = refused.get(item)
      const mayBeThere = item.kind === 'rule' || item.route.position !== 'alone'
      const isThere = !refused.has(item) || (error?.code === THERE && mayBeThere)
      const why = isThere ? undefined : (error?.message ?? 'its interface is not there')
      // It is tried again with each news of the network: told once.
      if (why !== undefined && this.#refused.get(routingKey(item)) !== why) this.#report(item, 'not added', why)
      if (why === undefined) this.#refused.delete(routingKey(item))
      else this.#refused.set(routingKey(item), why)
    }
    return items.filter((item) => !refused.has(item))
  }

  /** Has none of these. */
  remove(items: readonly RoutingItem[]): void {
    for (const { item, error } of this.#table.remove(items, this.#links)) {
      if (error !== undefined && !NOT_THERE.has(error.code)) this.#report(item, 'not removed', error.message)
    }
    for (const item of items) this.#refused.delete(routingKey(item))
    this.#memory.forget(items)
  }

  /** Which of these are not there, by their keys. */
  missing(items: readonly RoutingItem[]): readonly string[] {
    return this.#table.missing(items, this.#links).map(routingKey)
  }

  close(): void {
    this.#table.close()
  }

  #report(item: RoutingItem, what: string, why: string): void {
    this.#onError(new Error(`${item.kind} ${itemText(item)} ${what}: ${why}`))
  }
}
