import type { Logger } from 'pino'
import type { VrrpInstance } from '../../model/vrrp.ts'
import type { Millis } from '../../time.ts'
import type { Arrival } from '../../vrrp/arrival.ts'
import type { Sequences } from '../../vrrp/auth/sequences.ts'
import { HeardVrids } from '../../vrrp/heard-vrids.ts'
import { LineLimit } from '../../vrrp/line-limit.ts'
import { peerNews } from '../../vrrp/peer-news.ts'
import type { Here } from '../../vrrp/peers.ts'
import { type Accepted, receive, type Refused } from '../../vrrp/receive.ts'
import { type Routers, routersOf } from '../../vrrp/routers.ts'
import type { InstanceRecords } from './instance-records.ts'

/** Judges what comes in, counts it, and tells people what they should know, at a bounded rate. */
export class Reception {
  readonly #log: Logger
  readonly #records: InstanceRecords
  readonly #sequences: Sequences
  readonly #here: Here
  readonly #heard = new HeardVrids()
  /** By the names of instances; those of links are about unknown VRIDs. BOUNDED by what is configured. */
  readonly #limits = new Map<string, LineLimit>()
  #routers: Routers = new Map()
  #vrids: ReadonlyMap<string, ReadonlySet<number>> = new Map()
  #logsUnknown = false

  constructor(log: Logger, records: InstanceRecords, sequences: Sequences, here: Here) {
    this.#log = log
    this.#records = records
    this.#sequences = sequences
    this.#here = here
  }

  configure(instances: readonly VrrpInstance[], logsUnknown: boolean): void {
    this.#routers = routersOf(instances)
    this.#logsUnknown = logsUnknown
    const links = Map.groupBy(instances, (each) => each.interface)
    this.#vrids = new Map([...links].map(([device, all]) => [device, new Set(all.map(({ vrid }) => vrid))]))
    this.#heard.keep(this.#vrids)
    const names = new Set(instances.map(({ name }) => name))
    this.#sequences.keep(names)
    for (const key of this.#limits.keys()) if (!names.has(key) && !links.has(linkOf(key))) this.#limits.delete(key)
  }

  /** The advert that an instance has to act on, if the packet is one. `now` of this process's clock, `epochMs` of the time of day. */
  take(arrival: Arrival, now: Millis, epochMs: number): Accepted | undefined {
    const received = receive(arrival, this.#routers, this.#sequences, epochMs)
    const { instance } = received
    if (instance === undefined) {
      if ('drop' in received) this.#unknown(received, now)
      return undefined
    }
    const { before, now: peer } = this.#records.received({ ...received, instance }, epochMs, this.#here)
    for (const { subject, level, text } of peerNews(instance, before, peer, () => this.freeVrid(instance))) {
      const more = this.#limit(instance.name).allow(subject, now)
      if (more !== undefined) this.#log[level]({ instance: instance.name, source: arrival.source }, `${text}${more}`)
    }
    return 'drop' in received ? undefined : received
  }

  /** A number that nobody is known to use on the instance's link. */
  freeVrid({ interface: device }: VrrpInstance): number | undefined {
    return this.#heard.freeOn(device, this.#vrids.get(device) ?? new Set())
  }

  get unknownVrids(): ReturnType<HeardVrids['unknown']> {
    return this.#heard.unknown()
  }

  #unknown({ drop, arrival, vrid }: Refused, now: Millis): void {
    if (drop !== 'virtual-router' || vrid === undefined) return
    this.#heard.hear(arrival, vrid)
    if (!this.#logsUnknown) return
    const { interface: device, source } = arrival
    const more = this.#limit(LINK + device).allow(`${vrid}`, now)
    if (more === undefined) return
    this.#log.info(
      { source, vrid },
      `advert from ${source} on ${device} with virtual_router_id ${vrid}, which no instance here has${more}`,
    )
  }

  #limit(key: string): LineLimit {
    const known = this.#limits.get(key)
    if (known !== undefined) return known
    const limit = new LineLimit()
    this.#limits.set(key, limit)
    return limit
  }
}

/** No name of an instance begins so. */
const LINK = '\0'
const linkOf = (key: string): string => key.slice(LINK.length)
