import type { VrrpInstance } from '../../model/vrrp.ts'
import { RawIpv4Socket } from '../../linux/raw-ipv4.ts'
import type { Link } from '../../linux/rtnetlink.ts'
import { type Ipv4, VRRP_GROUP } from '../../net/ipv4.ts'
import { encodeAdvertisement, VRRP_PROTOCOL } from '../../vrrp/packet.ts'

/** BOUNDED: what one turn takes from a socket. A flood then cannot keep the clock from its turn. */
const PACKETS_IN_A_TURN = 1000

/** The VRRP sockets: one for each interface that an instance is on, as long as the interface exists. */
export class Advertiser {
  readonly #sockets = new Map<string, { readonly index: number; readonly socket: RawIpv4Socket }>()
  readonly #onError: (error: Error) => void
  /** What could not be sent the last time, by instance and destination. BOUNDED by what is configured in the life of this. */
  readonly #failing = new Set<string>()

  constructor(onError: (error: Error) => void) {
    this.#onError = onError
  }

  /** Opens and closes sockets until there is one for each of these. */
  follow(links: readonly Link[]): void {
    for (const [name, { index, socket }] of this.#sockets) {
      if (links.some((link) => link.name === name && link.index === index)) continue
      socket.close()
      this.#sockets.delete(name)
    }
    for (const { name, index } of links) {
      if (this.#sockets.has(name)) continue
      this.#sockets.set(name, { index, socket: new RawIpv4Socket({ name, index }, VRRP_PROTOCOL, VRRP_GROUP) })
    }
  }

  get fds(): readonly number[] {
    return [...this.#sockets.values()].map(({ socket }) => socket.fd)
  }

  /** One advertisement, to the group or to each unicast peer. That it cannot be sent is told once, until it is. */
  send(instance: VrrpInstance, source: Ipv4, priority: number): void {
    const socket = this.#sockets.get(instance.interface)?.socket
    if (socket === undefined) return
    const destinations = instance.unicastPeers.length > 0 ? instance.unicastPeers : [VRRP_GROUP]
    for (const destination of destinations) {
      const advert = {
        version: instance.version,
        vrid: instance.vrid,
        priority,
        interval: instance.advertInt,
        addresses: instance.addresses.map(({ address }) => address),
        password: instance.password,
      }
      const error = socket.send(source, destination, encodeAdvertisement(advert, { source, destination }))
      const key = `${instance.name} ${destination}`
      if (error === undefined) this.#failing.delete(key)
      else if (!this.#failing.has(key)) {
        this.#failing.add(key)
        this.#onError(error)
      }
    }
  }

  /** The packets that wait, with the interface that they came in by. What is left after this turn wakes the next one. */
  *receive(): Generator<{ readonly interface: string; readonly packet: Uint8Array }> {
    for (const [name, { socket }] of this.#sockets) {
      for (let i = 0; i < PACKETS_IN_A_TURN; i++) {
        const packet = socket.receive()
        if (packet === undefined) break
        yield { interface: name, packet }
      }
    }
  }

  close(): void {
    for (const { socket } of this.#sockets.values()) socket.close()
    this.#sockets.clear()
  }
}
