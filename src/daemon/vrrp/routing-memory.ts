import { readFileSync, rmSync, statSync } from 'node:fs'
import { reasonOf } from '../../host/regular-file.ts'
import { parseAddress } from '../../net/address.ts'
import type { Prefix } from '../../net/address-range.ts'
import type { RoutingItem } from '../../net/route.ts'
import { routingKey } from '../../vrrp/routing.ts'
import { RUN_FOLDER, writeOwnFile } from '../run-file.ts'
import { isMissing, isThisBoot, recordOf, thisBoot, thisNamespace } from './address-memory.ts'

/** BOUNDED: thousands of routes take less; a bigger file is not ours. */
const LARGEST_FILE = 8 << 20

const pathOf = (name: string): string => `${RUN_FOLDER}/${name}.routing.json`

/**
 * The routes and rules that a director has put on this host, as `AddressMemory` has its addresses: the protocol of keepalived
 * alone does not tell whose they are, as there may be several directors, and what is not tracked has another one.
 */
export class RoutingMemory {
  readonly #path: string
  readonly #onError: (error: Error) => void
  readonly #items: Map<string, RoutingItem>

  /** What cannot be read, or is of another boot or network namespace, is reported and does not count. */
  constructor(name: string, onError: (error: Error) => void) {
    this.#path = pathOf(name)
    this.#onError = onError
    this.#items = new Map(this.#read().map((item) => [routingKey(item), item]))
  }

  get items(): readonly RoutingItem[] {
    return [...this.#items.values()]
  }

  /** As it is on the host. */
  get(item: RoutingItem): RoutingItem | undefined {
    return this.#items.get(routingKey(item))
  }

  remember(items: readonly RoutingItem[]): void {
    const fresh = items.filter((item) => JSON.stringify(this.get(item)) !== JSON.stringify(item))
    if (fresh.length === 0) return
    for (const item of fresh) this.#items.set(routingKey(item), item)
    this.#write()
  }

  forget(items: readonly RoutingItem[]): void {
    const gone = items.filter((item) => this.#items.delete(routingKey(item)))
    if (gone.length > 0) this.#write()
  }

  #read(): readonly RoutingItem[] {
    try {
      const { size } = statSync(this.#path)
      if (size > LARGEST_FILE) throw new Error(`it has ${size} bytes`)
      const { boot, namespace, items } = recordOf(JSON.parse(readFileSync(this.#path, 'utf8')))
      if (!isThisBoot(boot)) throw new Error('it is of another boot')
      if (namespace !== thisNamespace()) throw new Error('it is of another network namespace')
      if (!Array.isArray(items)) throw new Error('it lists no routes and rules')
      return items.map((item: unknown) => {
        if (!isItem(item)) throw new Error(`what is ${JSON.stringify(item)}?`)
        return item
      })
    } catch (error) {
      if (!isMissing(error)) this.#report('ignored', error)
      return []
    }
  }

  #write(): void {
    const file = { boot: thisBoot(), namespace: thisNamespace(), items: this.items }
    try {
      if (file.items.length === 0) rmSync(this.#path, { force: true })
      else writeOwnFile(this.#path, `${JSON.stringify(file)}\n`)
    } catch (error) {
      this.#report('not written', error)
    }
  }

  #report(what: string, error: unknown): void {
    this.#onError(new Error(`${this.#path} ${what}: ${reasonOf(error)}`))
  }
}

/** Whether it has what names it to the kernel. The rest is only compared with what is wanted: an older version may have less of it. */
function isItem(value: unknown): value is RoutingItem {
  const { kind, route, rule } = recordOf(value)
  if (kind === 'route') {
    const { family, type, to, table, tos, protocol, hops } = recordOf(route)
    const numbers = [family, table, tos, protocol]
    return (
      numbers.every(isNumber) && typeof type === 'string' && isPrefix(to) && Array.isArray(hops) && hops.every(isHop)
    )
  }
  const { family, preference, tos, protocol, from, to, action } = recordOf(rule)
  const prefixes = [from, to].filter((each) => each !== undefined)
  return (
    kind === 'rule' &&
    [family, preference, tos, protocol].every(isNumber) &&
    prefixes.every(isPrefix) &&
    typeof recordOf(action)['type'] === 'string'
  )
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0

const isAddress = (value: unknown): boolean => typeof value === 'string' && parseAddress(value) === value

function isPrefix(value: unknown): value is Prefix {
  const { address, length } = recordOf(value)
  return isAddress(address) && isNumber(length) && length <= 128
}

function isHop(value: unknown): boolean {
  const { via, device, weight } = recordOf(value)
  return (
    (via === undefined || isAddress(via)) && (device === undefined || typeof device === 'string') && isNumber(weight)
  )
}
