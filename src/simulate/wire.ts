import type { VrrpInstance } from '../model/vrrp.ts'
import { type Address, isIpv4, isMulticast } from '../net/address.ts'
import { encodeIpHeader } from '../net/ip-header.ts'
import type { Arrival } from '../vrrp/arrival.ts'
import type { Sequences } from '../vrrp/auth/sequences.ts'
import { receive, type Received } from '../vrrp/receive.ts'
import type { Routers } from '../vrrp/routers.ts'
import { type Outgoing, outgoing } from '../vrrp/send.ts'

/** An IP packet on a link. */
export interface Packet {
  /** Undefined: to a group. */
  readonly to: Address | undefined
  /** As it arrives, by whatever interface. */
  readonly arrival: Omit<Arrival, 'interface'>
}

/** Signed adverts are others each time. */
const isSigned = ({ authentication: { type } }: VrrpInstance) => type === 'ah' || type === 'hmac'

const sent = new WeakMap<VrrpInstance, Map<string, readonly Packet[]>>()

/** The packets of an advert, as the driver and the kernel make them. Of what is sent again and again they are made once. */
export function packetsOf(
  instance: VrrpInstance,
  source: Address,
  priority: number,
  sequences: Sequences,
  epochMs: number,
): readonly Packet[] {
  const encode = () => outgoing(instance, source, priority, sequences, epochMs).map((each) => packetOf(source, each))
  if (isSigned(instance)) return encode()
  const known = sent.get(instance) ?? new Map<string, readonly Packet[]>()
  sent.set(instance, known)
  const key = `${source} ${priority}`
  const packets = known.get(key) ?? encode()
  known.set(key, packets)
  return packets
}

function packetOf(source: Address, { destination, ttl, tos, protocol, identification, payload }: Outgoing): Packet {
  const payloadLength = payload.length
  const ipHeader =
    isIpv4(source) && isIpv4(destination)
      ? encodeIpHeader({ source, destination, ttl, tos, protocol, identification, payloadLength })
      : undefined
  const to = isMulticast(destination) ? undefined : destination
  return { to, arrival: { source, destination, ttl, protocol, ipHeader, payload } }
}

const read = new WeakMap<Packet, WeakMap<Routers, Received>>()

/** `receive`, whose answer for the same packet, interface and instances is kept where nothing was signed. */
export function receiveOnce(
  packet: Packet,
  device: string,
  routers: Routers,
  sequences: Sequences,
  epochMs: number,
): Received {
  const known = read.get(packet) ?? new WeakMap<Routers, Received>()
  read.set(packet, known)
  const before = known.get(routers)
  if (before?.arrival.interface === device) return before
  const received = receive({ ...packet.arrival, interface: device }, routers, sequences, epochMs)
  if (received.instance === undefined || !isSigned(received.instance)) known.set(routers, received)
  return received
}
