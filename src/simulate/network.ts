import type { HostAddress } from '../vrrp/state.ts'
import type { Chance } from './chance.ts'
import type { Site } from './setup.ts'
import type { Packet } from './wire.ts'

/** A packet takes so long from one host to another where nothing is wrong, in ms. */
const TRIP = { least: 0.05, most: 0.5 }

/** How long a host asks for a neighbour before it asks again (Linux, `net.ipv4.neigh.*.retrans_time_ms`). */
const RETRANSMISSION = 1000

/** How long a packet of an undisturbed network is under way at most. */
export const LONGEST_TRIP = TRIP.most

/** What is wrong with all segments now. */
export interface Weather {
  lossy: number
  doubling: number
  jitter: number
}

/** Who hears whom, and since when without a break. Directors by their place. */
export class Network {
  readonly weather: Weather = { lossy: 0, doubling: 0, jitter: 0 }
  readonly #site: Site
  readonly #chance: Chance
  /** By `from to segment`, how many cuts there are. */
  readonly #cuts = new Map<string, number>()
  /** By `host segment`: whether it has a carrier there, and from when on unicast neighbours know where it is. */
  readonly #ports = new Map<string, { up: boolean; knownAt: number }>()
  /** By `a b segment`, for a below b. */
  readonly #goodSince = new Map<string, number>()
  readonly #hosts = new Map<string, number>()
  readonly #segments: readonly ReadonlySet<string>[]

  constructor(site: Site, chance: Chance) {
    this.#site = site
    this.#chance = chance
    this.#segments = site.interfaces.map((each) => new Set(each.map(({ segment }) => segment)))
    for (const [host, interfaces] of site.interfaces.entries()) {
      for (const { segment, own } of interfaces) {
        this.#ports.set(`${host} ${segment}`, { up: true, knownAt: 0 })
        for (const { address } of own) this.#hosts.set(`${segment} ${address}`, host)
      }
    }
    this.look(0)
  }

  segmentOf(host: number, device: string): string | undefined {
    return this.#site.interfaces[host]?.find(({ name }) => name === device)?.segment
  }

  cut(from: number, to: number, segment: string, by: 1 | -1): void {
    const key = `${from} ${to} ${segment}`
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + by)
  }

  plug(host: number, segment: string, up: boolean, now: number): void {
    const port = this.#ports.get(`${host} ${segment}`)
    if (port !== undefined) Object.assign(port, { up, knownAt: up ? now + RETRANSMISSION : Number.POSITIVE_INFINITY })
  }

  /** The host has told its neighbours where it is. */
  introduce(host: number, segment: string, now: number): void {
    const port = this.#ports.get(`${host} ${segment}`)
    if (port?.up === true) port.knownAt = Math.min(port.knownAt, now)
  }

  /** Who gets a packet, and when: more than once where it is doubled. */
  *deliveries(from: number, segment: string, packet: Packet, now: number): Generator<{ to: number; at: number }> {
    const { lossy, doubling, jitter } = this.weather
    for (const to of this.#receivers(from, segment, packet.to)) {
      if (!this.reaches(from, to, segment) || this.#chance.percent(lossy)) continue
      if (packet.to !== undefined && now < (this.#ports.get(`${to} ${segment}`)?.knownAt ?? 0)) continue
      for (let copies = this.#chance.percent(doubling) ? 2 : 1; copies > 0; copies--) {
        const late = jitter === 0 ? 0 : this.#chance.between(0, jitter)
        yield { to, at: now + this.#chance.between(TRIP.least, TRIP.most) + late }
      }
    }
  }

  /** Whether what one sends by a segment gets to the other, unless it is lost by chance. */
  reaches(from: number, to: number, segment: string): boolean {
    const isUp = (host: number) => this.#ports.get(`${host} ${segment}`)?.up === true
    return isUp(from) && isUp(to) && (this.#cuts.get(`${from} ${to} ${segment}`) ?? 0) === 0
  }

  /** Whether two hear each other without loss or delay; since when, or undefined. */
  goodSince(a: number, b: number, segment: string): number | undefined {
    return this.#goodSince.get(pairKey(a, b, segment))
  }

  /** To be called when something has changed about who hears whom. */
  look(now: number): void {
    const count = this.#site.directors.length
    const isCalm = this.weather.lossy === 0 && this.weather.jitter === 0
    for (let b = 1; b < count; b++) {
      for (let a = 0; a < b; a++) {
        for (const segment of this.#segments[a] ?? []) {
          const key = pairKey(a, b, segment)
          const isGood = isCalm && this.reaches(a, b, segment) && this.reaches(b, a, segment)
          if (!isGood) this.#goodSince.delete(key)
          else if (!this.#goodSince.has(key)) this.#goodSince.set(key, now + RETRANSMISSION * (now > 0 ? 1 : 0))
        }
      }
    }
  }

  #receivers(from: number, segment: string, to: HostAddress['address'] | undefined): readonly number[] {
    if (to !== undefined) {
      const host = this.#hosts.get(`${segment} ${to}`)
      return host === undefined || host === from ? [] : [host]
    }
    return this.#site.directors.flatMap((_, host) =>
      host !== from && this.#segments[host]?.has(segment) === true ? [host] : [],
    )
  }
}

const pairKey = (a: number, b: number, segment: string) => `${Math.min(a, b)} ${Math.max(a, b)} ${segment}`
