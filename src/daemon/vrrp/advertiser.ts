import { randomInt } from 'node:crypto'
import { type ReceivedPacket, RawIpSocket } from '../../linux/raw-ip.ts'
import type { Link } from '../../linux/rtnetlink.ts'
import { SystemError } from '../../linux/libc.ts'
import { wallClock } from '../../linux/wall-clock.ts'
import type { VrrpInstance } from '../../model/vrrp.ts'
import type { Address } from '../../net/address.ts'
import { type Millis, millis } from '../../time.ts'
import { advertFilter, type Listeners } from '../../vrrp/advert-filter.ts'
import type { Arrival } from '../../vrrp/arrival.ts'
import type { Sequences } from '../../vrrp/auth/sequences.ts'
import { type Outgoing, outgoing } from '../../vrrp/send.ts'
import { FrameSender } from '../../linux/frame-sender.ts'
import { multicastFrames } from '../../net/multicast-frame.ts'
import { ArrivalClock } from './arrival-clock.ts'
import { socketKey, type SocketPlan, socketPlans } from './socket-plan.ts'

/** BOUNDED: what one turn takes from a socket. A flood then cannot keep the clock from its turn. */
const PACKETS_IN_A_TURN = 1000
/** The same of what is for nobody here, in a turn that comes when there is time. */
const STRAYS_IN_A_TURN = 256
/** Room for as many, as the kernel counts them. What comes while it is full is only counted. */
const STRAYS_BUFFER = 128 * 1024
/** For nobody. */
const NOBODY: Omit<Listeners, 'family' | 'lead'> = { vrids: new Set(), multicast: false, unicast: false }

/** Of IPv4: its header has 16 bits for it. */
const IDENTIFICATIONS = 0x1_0000

/** A packet that may be an advert. */
export interface TimedArrival extends Arrival {
  /** When the kernel got it, on the scale of `performance.now()`. */
  readonly receivedAt: Millis
}

/** Packets that nobody has read, since there was no room for them. */
export interface Loss {
  readonly interface: string
  readonly what: 'adverts' | 'strays'
  readonly count: number
}

/** A socket with what is known of its packets. */
interface Reader {
  readonly socket: RawIpSocket
  /** When there was nothing more to read. */
  emptyAt: Millis
  /** Losses that have been told of. */
  lost: number
}

interface Channel {
  plan: SocketPlan
  readonly adverts: Reader
  /** What the filter of the other one keeps out; only where somebody listens. */
  readonly strays: Reader | undefined
}

/** The VRRP sockets: one for each interface and family that an instance has, as long as the interface exists, or for its source. */
export class Advertiser {
  readonly #channels = new Map<string, Channel>()
  readonly #onError: (error: Error) => void
  readonly #mode: 'speaks' | 'speaks and listens'
  readonly #clock = new ArrivalClock(() => ({ wall: wallClock(), steady: millis(performance.now()) }))
  /** What could not be opened or sent the last time. BOUNDED by what is configured in the life of this. */
  readonly #failing = new Set<string>()
  readonly #sequences: Sequences
  readonly #frames = new FrameSender()
  #links: readonly Link[] = []
  /** Of the last packet that was sent as frames. A process does not begin with those of the one before it. */
  #identification = randomInt(IDENTIFICATIONS)

  /** One that only speaks gets no packet at all: nothing piles up in a socket that nobody reads. */
  constructor(onError: (error: Error) => void, sequences: Sequences, mode: 'speaks' | 'speaks and listens') {
    this.#onError = onError
    this.#sequences = sequences
    this.#mode = mode
  }

  /** Opens, changes and closes sockets until they are as these instances need them. */
  follow(links: readonly Link[], instances: readonly VrrpInstance[]): void {
    const plans = new Map(socketPlans(instances, links).map((plan) => [plan.key, plan]))
    for (const [key, channel] of this.#channels) {
      if (!plans.has(key) || plans.get(key)?.device?.index !== channel.plan.device?.index) this.#close(key, channel)
    }
    for (const [key, plan] of plans) {
      // An interface that vanished just now: its removal is the next change.
      this.#attempt(`open ${key}`, () => this.#open(plan))
    }
  }

  /** The interfaces, for adverts that have the MAC of another one than they are heard by. */
  transmitBy(links: readonly Link[]): void {
    this.#links = links
  }

  get fds(): readonly number[] {
    return [...this.#channels.values()].map(({ adverts }) => adverts.socket.fd)
  }

  /** One advertisement, to the group or to each unicast peer. That it cannot be sent is told once, until it is. */
  send(instance: VrrpInstance, source: Address, priority: number): void {
    const socket = this.#channels.get(socketKey(instance))?.adverts.socket
    if (socket === undefined) return
    for (const packet of outgoing(instance, source, priority, this.#sequences, Date.now())) {
      const error =
        instance.transmitBy === undefined
          ? socket.send({ ...packet, source })
          : this.#sendFrame(instance.transmitBy, source, packet)
      this.#tell(`send ${instance.name} ${packet.destination}`, error)
    }
  }

  /** The packets that wait, in the order in which they came. What is left after this turn wakes the next one. */
  receive(): readonly TimedArrival[] {
    const all = [...this.#channels.values()].flatMap(({ plan, adverts }) =>
      this.#read(plan, adverts, PACKETS_IN_A_TURN),
    )
    return all.toSorted((a, b) => a.receivedAt - b.receivedAt)
  }

  /** Some of the packets that no advert for anybody here can be. */
  strays(): readonly TimedArrival[] {
    return [...this.#channels.values()].flatMap(({ plan, strays }) =>
      strays === undefined ? [] : this.#read(plan, strays, STRAYS_IN_A_TURN),
    )
  }

  /** What has been lost since the last call. */
  losses(): readonly Loss[] {
    return [...this.#channels.values()].flatMap(({ plan, adverts, strays }) => {
      const losses = [
        lossOf(plan, 'adverts', adverts),
        ...(strays === undefined ? [] : [lossOf(plan, 'strays', strays)]),
      ]
      return losses.filter(({ count }) => count > 0)
    })
  }

  close(): void {
    for (const [key, channel] of this.#channels) this.#close(key, channel)
    this.#frames.close()
  }

  #sendFrame(device: string, source: Address, packet: Outgoing): Error | undefined {
    const link = this.#links.find(({ name }) => name === device)
    if (link === undefined) return new Error(`there is no interface ${device} to send adverts by`)
    this.#identification = (this.#identification + 1) % IDENTIFICATIONS
    // Where AH covers it, it is given. Else 0 is as good as any to the kernel, which is not asked here.
    const identification = packet.identification || this.#identification
    const whole = { ...packet, source, group: packet.destination, identification }
    const errors = multicastFrames(link.mac, whole, link.mtu).map((frame) => this.#frames.send(link.index, frame))
    return errors.find((error) => error !== undefined)
  }

  #open(plan: SocketPlan): void {
    const { key, listeners, groups, receiveBuffer } = plan
    const known = this.#channels.get(key)
    if (known === undefined) {
      const listens = this.#mode === 'speaks and listens'
      const adverts = this.#reader(plan, 'adverts', listens ? listeners : { ...listeners, ...NOBODY })
      const strays = listens ? this.#reader(plan, 'strays', listeners) : undefined
      this.#channels.set(key, { plan, adverts, strays })
      if (listens) adverts.socket.follow(groups)
      return
    }
    const { adverts, strays } = known
    if (!isSame(known.plan.listeners, listeners)) {
      adverts.socket.setFilter(advertFilter('adverts', listeners))
      strays?.socket.setFilter(advertFilter('strays', listeners))
    }
    if (known.plan.receiveBuffer !== receiveBuffer) adverts.socket.makeRoom(receiveBuffer)
    known.plan = plan
    if (strays !== undefined) adverts.socket.follow(groups)
  }

  #reader(
    { device, boundTo, protocol, family, receiveBuffer }: SocketPlan,
    kept: 'adverts' | 'strays',
    listeners: Listeners,
  ): Reader {
    const socket = new RawIpSocket({
      protocol,
      family,
      device,
      boundTo,
      receiveBuffer: kept === 'adverts' ? receiveBuffer : STRAYS_BUFFER,
      // Those of any group are strays.
      groups: kept === 'adverts' ? 'own' : 'any',
      filter: advertFilter(kept, listeners),
    })
    return { socket, emptyAt: millis(performance.now()), lost: 0 }
  }

  #read(plan: SocketPlan, reader: Reader, limit: number): TimedArrival[] {
    const packets: ReceivedPacket[] = []
    let isEmpty = false
    const started = millis(performance.now())
    while (packets.length < limit && !isEmpty) {
      const next = reader.socket.receive(limit - packets.length)
      packets.push(...next.packets)
      isEmpty = next.isAll
    }
    if (packets.length === 0) {
      if (isEmpty) reader.emptyAt = started
      return []
    }
    this.#clock.look()
    const arrivals = packets.map(({ header, ipHeader, payload, stampedAt }): TimedArrival => {
      const { source, destination, ttl } = header
      const receivedAt = this.#clock.arrivedAt(stampedAt, reader.emptyAt)
      return {
        interface: plan.interface,
        source,
        destination,
        ttl,
        protocol: plan.protocol,
        ipHeader,
        payload,
        receivedAt,
      }
    })
    if (isEmpty) reader.emptyAt = started
    return arrivals
  }

  #close(key: string, { adverts, strays }: Channel): void {
    adverts.socket.close()
    strays?.socket.close()
    this.#channels.delete(key)
  }

  #attempt(what: string, act: () => void): void {
    try {
      act()
      this.#tell(what, undefined)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#tell(what, error)
    }
  }

  #tell(what: string, error: Error | undefined): void {
    if (error === undefined) this.#failing.delete(what)
    else if (!this.#failing.has(what)) {
      this.#failing.add(what)
      this.#onError(error)
    }
  }
}

function lossOf({ name }: SocketPlan, what: Loss['what'], reader: Reader): Loss {
  const { lost } = reader.socket
  const count = (lost - reader.lost) >>> 0
  reader.lost = lost
  return { interface: name, what, count }
}

const isSame = (a: Listeners, b: Listeners) =>
  a.multicast === b.multicast &&
  a.unicast === b.unicast &&
  a.vrids.size === b.vrids.size &&
  [...a.vrids].every((vrid) => b.vrids.has(vrid))
