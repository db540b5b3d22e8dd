import { type PlannedDestination, planService, type PlannedService } from '../../src/balance/plan.ts'
import { type ReferenceServer, ReferenceService } from '../support/reference-schedulers.ts'
import type { Scheduler, SchedulerFlags, ServiceId } from '../../src/model/service.ts'
import type { Address } from '../../src/net/address.ts'
import { dice } from '../../src/simulate/dice.ts'
import { ip } from '../vrrp/instances.ts'
import { type Bench, hopsTo, REDIRECT, VIP } from './bench.ts'
import { FLAG, tcp } from './packets.ts'

/** Steps of a history. */
const STEPS = 24
/** Histories that are lived side by side, each as a service of its own: a change of tables costs the same for all. */
const TOGETHER = 200
/** Longer than a connection stays closed (10 s), shorter than any other state lasts. */
const CLOSED_SECONDS = 11
/** Longer than every connection lasts. */
const LONG_SECONDS = 2000

/** Lives histories `first` to `last` of a scheduler; undefined, or the story of the first one that goes wrong. */
export function runHistories(
  bench: Bench,
  kind: { readonly scheduler: Scheduler; readonly schedulerFlags: SchedulerFlags },
  first: number,
  last: number,
): string | undefined {
  for (let from = first; from <= last; from += TOGETHER) {
    bench.core.apply({ services: [] }, new Map())
    bench.wait(LONG_SECONDS).core.sweep()
    const count = Math.min(TOGETHER, last - from + 1)
    const histories = Array.from({ length: count }, (_, i) => new History(bench, kind, from + i, 1 + i))
    for (let step = 0; step < STEPS; step++) {
      for (const history of histories) history.change(step)
      const services = histories.map((history) => history.plan())
      bench.core.apply(
        { services },
        hopsTo(services, (neighbour) => ({ ifindex: 1, neighbour, mtu: 1500, source: undefined })),
      )
      if (step % 6 === 5) {
        bench.wait(CLOSED_SECONDS).core.sweep()
        for (const history of histories) history.expire()
      }
      for (const history of histories) {
        const wrong = history.connect()
        if (wrong !== undefined) return wrong
      }
    }
  }
  return undefined
}

interface Open {
  readonly address: Address
  readonly port: number
  readonly destination: Address
  readonly server: ReferenceServer
  closed: boolean
}

/**
 * A random life of a service, lived by the loaded program and by the reference at once: connections are opened and
 * closed, servers added, removed and changed. The same one for a seed.
 */
class History {
  readonly #bench: Bench
  readonly #kind: { readonly scheduler: Scheduler; readonly schedulerFlags: SchedulerFlags }
  readonly #reference: ReferenceService
  readonly #log: string[]
  readonly #port: number
  readonly #chance: (limit: number) => number
  #open: Open[] = []
  #clients = 1024
  #servers = 0

  constructor(
    bench: Bench,
    kind: { readonly scheduler: Scheduler; readonly schedulerFlags: SchedulerFlags },
    seed: number,
    port: number,
  ) {
    this.#bench = bench
    this.#kind = kind
    this.#reference = new ReferenceService(kind.scheduler, kind.schedulerFlags)
    this.#chance = dice(seed)
    this.#port = port
    this.#log = [`history ${seed}`]
  }

  /** At most one change of the servers in a step, and at first one more server each time. */
  change(step: number): void {
    if (step < 3) return this.#add()
    const kind = this.#chance(12)
    if (kind < 1) this.#add()
    else if (kind < 2) this.#remove()
    else if (kind < 5) this.#edit()
  }

  /** What depends on the destination needs a service of several. */
  get #byMark(): boolean {
    return this.#kind.scheduler.startsWith('lblc')
  }

  get #id(): ServiceId {
    return this.#byMark
      ? { by: 'fwmark', mark: this.#port, family: 'inet' }
      : { by: 'address', vip: { address: ip(VIP), port: this.#port }, protocol: 'TCP' }
  }

  plan(): PlannedService {
    const servers: PlannedDestination[] = this.#reference.servers.toReversed().map((server) => ({
      endpoint: { address: server.address, port: server.port },
      forwarding: { method: 'NAT' },
      weight: server.weight,
      fullWeight: server.lastWeight,
      thresholds: { upper: server.upper, lower: server.lower },
    }))
    return planService(
      {
        ...this.#kind,
        persistence: undefined,
        id: this.#id,
        marked: [],
        onePacket: false,
        localAddresses: [],
        idleSeconds: undefined,
        access: [],
        throughFirewall: false,
      },
      servers,
    )
  }

  /** Some connections are opened and closed. Undefined, or the story up to a wrong pick. */
  connect(): string | undefined {
    for (let count = this.#chance(4); count > 0; count--) {
      if (this.#chance(4) === 0) this.#close()
      else if (!this.#openOne()) return this.#log.join('\n')
    }
    return undefined
  }

  expire(): void {
    this.#log.push('closed connections expire')
    for (const { server, closed } of this.#open) if (closed) this.#reference.close(server)
    this.#open = this.#open.filter(({ closed }) => !closed)
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[this.#chance(list.length || 1)]
  }

  #weight(): number {
    return [0, 1, 1, 2, 3, 4, 6, 10][this.#chance(8)] ?? 1
  }

  #thresholds(): { upper: number; lower: number } {
    const upper = [0, 0, 1, 2, 4][this.#chance(5)] ?? 0
    return { upper, lower: upper > 1 && this.#chance(2) === 0 ? 1 : 0 }
  }

  #add(): void {
    const address = ip(`192.168.${this.#port}.${11 + this.#servers++}`)
    this.#reference.add({ address, port: 8080, weight: this.#weight(), ...this.#thresholds() })
    this.#tell('add')
  }

  #remove(): void {
    const server = this.#any(this.#reference.servers)
    if (server === undefined) return
    this.#reference.remove(server)
    this.#tell('remove')
  }

  #edit(): void {
    const server = this.#any(this.#reference.servers)
    if (server === undefined) return
    const { weight, upper, lower } = server
    const now = { weight, upper, lower, ...(this.#chance(2) === 0 ? { weight: this.#weight() } : this.#thresholds()) }
    // An edit to what is there is none: no plan differs by it.
    if (now.weight === weight && now.upper === upper && now.lower === lower) return
    this.#reference.edit(server, now)
    this.#tell('edit')
  }

  #tell(what: string): void {
    const servers = this.#reference.servers.map((s) => `${s.address}=${s.weight}<${s.upper}>${s.lower}`)
    this.#log.push(`${what}: ${servers.join(' ')}`)
  }

  #openOne(): boolean {
    const address = ip(`10.0.${1 + this.#chance(8)}.${1 + this.#chance(200)}`)
    const port = this.#clients++
    const destination = this.#byMark ? ip(`10.9.0.${1 + this.#chance(3)}`) : ip(VIP)
    const { verdict, packet } = this.#send(address, port, destination, FLAG.syn)
    const draws = this.#kind.scheduler === 'twos' ? this.#bench.draws(this.#id) : undefined
    const expected = this.#reference.open({ address, port, destination, draws })
    const picked = verdict === REDIRECT && packet.icmp === undefined ? packet.ends.destination[0] : undefined
    this.#log.push(`${address}:${port} gets ${picked}, expected ${expected?.address}`)
    if (picked !== expected?.address) return false
    if (expected === undefined) return true
    // Established, so that it lasts longer than the history.
    this.#send(address, port, destination, FLAG.ack)
    this.#open.push({ address, port, destination, server: expected, closed: false })
    return true
  }

  #close(): void {
    // A packet to a server that is gone changes nothing that the reference tells.
    const isThere = ({ server, closed }: Open) => !closed && this.#reference.servers.includes(server)
    const open = this.#any(this.#open.filter(isThere))
    if (open === undefined) return
    this.#log.push(`${open.address}:${open.port} resets`)
    this.#send(open.address, open.port, open.destination, FLAG.rst)
    this.#reference.deactivate(open.server)
    open.closed = true
  }

  #send(address: Address, port: number, destination: Address, flags: number) {
    const frame = tcp({ source: [address, port], destination: [destination, this.#port] }, flags)
    return this.#bench.send(frame, this.#byMark ? this.#port : 0)
  }
}
