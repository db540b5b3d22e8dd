import type { Scheduler } from '../../src/model/service.ts'
import type { Address } from '../../src/net/address.ts'
import {
  destinationBucket,
  destinationHashTable,
  HASH_BUCKETS,
  MAGLEV_BUCKETS,
  maglevBucket,
  maglevTable,
  sourceBucket,
  sourceHashTable,
} from '../../src/balance/hash-tables.ts'
import { isOverThresholds } from '../../src/balance/threshold.ts'
import { changedLevel, limitsOf } from '../../src/balance/wrr.ts'

/** A real server as IPVS counts it. */
export interface ReferenceServer {
  readonly address: Address
  readonly port: number
  weight: number
  lastWeight: number
  /** Connections above which it gets no new ones; 0: none. */
  upper: number
  lower: number
  active: number
  inactive: number
  overloaded: boolean
}

/** Servers that lblcr remembers for one destination, and when it gives up the busiest of them. */
const LOCALITY_SERVERS = 16
const LOCALITY_EXPIRY_SECONDS = 86_400

/** Who asks. */
export interface ReferenceClient {
  readonly address: Address
  readonly port: number
  /** The virtual address that is asked. */
  readonly destination: Address
  /** twos: two numbers from 0 up to the sum of the weights. */
  readonly draws?: readonly [number, number] | undefined
}

/**
 * IPVS's schedulers as they are described, not as they are fast: what the program in the kernel must agree with. The list
 * has the last added server first, and ties go to the first.
 */
export class ReferenceService {
  readonly servers: ReferenceServer[] = []
  readonly #scheduler: Scheduler
  readonly #port: boolean
  readonly #fallback: boolean
  /** rr, wrr: the last server that was picked; undefined stands for the head of the list. */
  #last: ReferenceServer | undefined
  /** wrr: the weight that a server must have at this time. */
  #level = 0
  #table: number[] = []
  /** lblc, lblcr: servers by destination. */
  readonly #localities = new Map<Address, { servers: ReferenceServer[]; changedAt: number }>()
  #seconds = 0

  constructor(scheduler: Scheduler, flags: { readonly port?: boolean; readonly fallback?: boolean } = {}) {
    this.#scheduler = scheduler
    this.#port = flags.port ?? false
    this.#fallback = flags.fallback ?? false
  }

  add(server: Pick<ReferenceServer, 'address' | 'port' | 'weight'> & { upper?: number; lower?: number }): void {
    const { weight, upper = 0, lower = 0 } = server
    const counts = { lastWeight: weight, active: 0, inactive: 0, overloaded: false }
    this.servers.unshift({ ...server, upper, lower, ...counts })
    this.#changed()
  }

  remove(server: ReferenceServer): void {
    const index = this.servers.indexOf(server)
    // Round robin goes on after the one before.
    if (this.#last === server) this.#last = this.servers[index - 1]
    this.servers.splice(index, 1)
    this.#changed()
  }

  edit(server: ReferenceServer, change: { weight?: number; upper?: number; lower?: number }): void {
    const { weight = server.weight, upper = server.upper, lower = server.lower } = change
    Object.assign(server, { weight, upper, lower, lastWeight: weight === 0 ? server.lastWeight : weight })
    noteThresholds(server)
    this.#changed()
  }

  /** Time goes by. */
  wait(seconds: number): void {
    this.#seconds += seconds
  }

  /** A connection that begins as an active one. */
  open(client: ReferenceClient): ReferenceServer | undefined {
    const server = this.#pick(client)
    if (server === undefined) return undefined
    server.active++
    noteThresholds(server)
    return server
  }

  /** The connection counts as inactive from here on. */
  deactivate(server: ReferenceServer): void {
    server.active--
    server.inactive++
  }

  /** An inactive connection is over. */
  close(server: ReferenceServer): void {
    server.inactive--
    noteThresholds(server)
  }

  #changed(): void {
    const weights = this.servers.map(({ weight }) => weight)
    switch (this.#scheduler) {
      case 'wrr':
        this.#last = undefined
        this.#level = changedLevel(this.#level, weights)
        break
      case 'sh':
        this.#table = sourceHashTable(this.servers)
        break
      case 'dh':
        this.#table = destinationHashTable(this.servers)
        break
      case 'mh':
        this.#table = maglevTable(this.servers)
        break
      case 'rr':
      case 'lc':
      case 'wlc':
      case 'sed':
      case 'nq':
      case 'fo':
      case 'ovf':
      case 'lblc':
      case 'lblcr':
      case 'twos':
      case 'none':
        break
    }
  }

  #pick(client: ReferenceClient): ReferenceServer | undefined {
    const port = this.#port ? client.port : 0
    switch (this.#scheduler) {
      case 'rr':
        return this.#roundRobin()
      case 'wrr':
        return this.#weightedRoundRobin()
      case 'lc':
        return this.#least(overhead, false)
      case 'wlc':
        return this.#least(overhead, true)
      case 'sed':
        return this.#least(({ active }) => active + 1, true)
      case 'nq':
        return (
          this.servers.find((each) => usable(each) && each.active === 0) ??
          this.#least(({ active }) => active + 1, true)
        )
      case 'fo':
        return this.#heaviest(() => true)
      case 'ovf':
        return this.#heaviest(({ active, weight }) => active <= weight)
      case 'dh':
        return this.#bucket(destinationBucket(client.destination))
      case 'sh':
        return this.#sourceHash(sourceBucket(client.address, port))
      case 'mh':
        return this.#maglev(client.address, port)
      case 'lblc':
        return this.#byLocality(client.destination, false)
      case 'lblcr':
        return this.#byLocality(client.destination, true)
      case 'twos':
        return this.#ofTwo(client.draws ?? [0, 0])
      case 'none':
        return undefined
    }
  }

  #roundRobin(): ReferenceServer | undefined {
    const start = this.#last === undefined ? 0 : this.servers.indexOf(this.#last) + 1
    const order = [...this.servers.slice(start), ...this.servers.slice(0, start)]
    const found = order.find(usable)
    if (found !== undefined) this.#last = found
    return found
  }

  #weightedRoundRobin(): ReferenceServer | undefined {
    const { divisor, top } = limitsOf(this.servers.map(({ weight }) => weight))
    if (top === 0 || !this.servers.some(usable)) return undefined
    for (;;) {
      const start = this.#last === undefined ? 0 : this.servers.indexOf(this.#last) + 1
      const found = this.servers.slice(start).find((each) => !each.overloaded && each.weight >= this.#level)
      this.#last = found
      if (found !== undefined) return found
      this.#level -= divisor
      if (this.#level <= 0) this.#level = top
    }
  }

  #least(overhead: (server: ReferenceServer) => number, weighted: boolean): ReferenceServer | undefined {
    const share = (server: ReferenceServer) => (weighted ? server.weight : 1)
    let least: ReferenceServer | undefined
    for (const server of this.servers.filter(usable)) {
      if (least === undefined || overhead(least) * share(server) > overhead(server) * share(least)) least = server
    }
    return least
  }

  /** The servers that a destination has, the last one first; another one when that is busy while others are idle. */
  #byLocality(destination: Address, several: boolean): ReferenceServer | undefined {
    const locality = this.#localities.get(destination)
    if (locality !== undefined) {
      // lblc asks for no threshold here.
      const able = (server: ReferenceServer) => (several ? usable(server) : server.weight > 0)
      const known = leastOf(locality.servers.filter((server) => this.servers.includes(server) && able(server)))
      if (several && locality.servers.length > 1 && this.#seconds - locality.changedAt > LOCALITY_EXPIRY_SECONDS) {
        const most = busiestOf(locality.servers)
        locality.servers = locality.servers.filter((server) => server !== most)
        locality.changedAt = this.#seconds
      }
      if (known !== undefined && !this.#isBusy(known)) return known
    }
    const server = this.#least(overhead, true)
    if (server === undefined) return undefined
    if (locality === undefined) this.#localities.set(destination, { servers: [server], changedAt: this.#seconds })
    else if (!several) locality.servers = [server]
    else if (!locality.servers.includes(server)) {
      locality.servers = [server, ...locality.servers].slice(0, LOCALITY_SERVERS)
      locality.changedAt = this.#seconds
    }
    return server
  }

  #isBusy({ active, weight }: ReferenceServer): boolean {
    return active > weight && this.servers.some((other) => other.active * 2 < other.weight)
  }

  #ofTwo(draws: readonly [number, number]): ReferenceServer | undefined {
    const [one, other] = draws.map((draw) => {
      let left = draw
      return this.servers.filter(usable).find(({ weight }) => (left -= weight) <= 0)
    })
    if (one === undefined || other === undefined) return undefined
    return other.weight * overhead(one) > one.weight * overhead(other) ? other : one
  }

  #heaviest(fits: (server: ReferenceServer) => boolean): ReferenceServer | undefined {
    let heaviest: ReferenceServer | undefined
    for (const server of this.servers) {
      if (usable(server) && fits(server) && server.weight > (heaviest?.weight ?? 0)) heaviest = server
    }
    return heaviest
  }

  #bucket(index: number): ReferenceServer | undefined {
    const server = this.servers[this.#table[index] ?? -1]
    return server !== undefined && usable(server) ? server : undefined
  }

  #sourceHash(bucket: number): ReferenceServer | undefined {
    const first = this.#bucket(bucket)
    if (first !== undefined || !this.#fallback) return first
    for (let offset = 0; offset < HASH_BUCKETS; offset++) {
      const server = this.#bucket((2 * bucket + offset) % HASH_BUCKETS)
      if (server !== undefined) return server
    }
    return undefined
  }

  #maglev(address: Address, port: number): ReferenceServer | undefined {
    const bucket = maglevBucket(address, port)
    const first = this.#bucket(bucket)
    if (first !== undefined || !this.#fallback) return first
    for (let offset = 0; offset < MAGLEV_BUCKETS; offset++) {
      const server = this.#bucket(maglevBucket(address, port, (offset + bucket) % MAGLEV_BUCKETS))
      if (server !== undefined) return server
    }
    return undefined
  }
}

const overhead = ({ active, inactive }: ReferenceServer): number => active * 256 + inactive

function leastOf(servers: readonly ReferenceServer[]): ReferenceServer | undefined {
  return servers.reduce<ReferenceServer | undefined>(
    (least, server) =>
      least === undefined || overhead(least) * server.weight > overhead(server) * least.weight ? server : least,
    undefined,
  )
}

function busiestOf(servers: readonly ReferenceServer[]): ReferenceServer | undefined {
  return servers
    .filter(({ weight }) => weight > 0)
    .reduce<ReferenceServer | undefined>(
      (most, server) =>
        most === undefined || overhead(most) * server.weight < overhead(server) * most.weight ? server : most,
      undefined,
    )
}

/** After each change of its connections or its thresholds. */
function noteThresholds(server: ReferenceServer): void {
  server.overloaded = isOverThresholds(server.active + server.inactive, server) ?? server.overloaded
}

const usable = (server: ReferenceServer): boolean => server.weight > 0 && !server.overloaded
