import type { BfdSession } from '../model/bfd.ts'
import type { Address } from '../net/address.ts'
import { type BfdPacket, decodeBfd, type MalformedBfd } from './packet.ts'

export type BfdDrop =
  | MalformedBfd
  /** It has come over more hops than the session allows (RFC 5881 §5). */
  | 'ttl'
  /** It is for no session, or for one that has ended. */
  | 'unknown-session'

/** A datagram as it came in. */
export interface BfdDatagram {
  readonly bytes: Uint8Array
  readonly source: Address
  readonly destination: Address
  readonly ttl: number
  readonly multihop: boolean
}

/** What tells sessions of one host apart. */
export interface KnownSession {
  readonly config: BfdSession
  readonly session: { readonly discriminator: number }
}

export type Received<S> =
  | { readonly session: S; readonly packet: BfdPacket }
  /** `session`: that of the sender, if it has one. */
  | { readonly session: S | undefined; readonly drop: BfdDrop }

/**
 * Reads a datagram and finds its session: by Your Discriminator, and while that is 0 by its addresses (RFC 5880 §6.8.6). Also with a
 * discriminator it counts from the session's neighbour only.
 */
export function receiveBfd<S extends KnownSession>(datagram: BfdDatagram, sessions: Iterable<S>): Received<S> {
  const own = [...sessions].filter(({ config }) => isBetween(config, datagram))
  const [sender] = own
  const packet = decodeBfd(datagram.bytes)
  if ('drop' in packet) return { session: sender, drop: packet.drop }
  const { yourDiscriminator } = packet
  const session =
    yourDiscriminator === 0 ? sender : own.find(({ session }) => session.discriminator === yourDiscriminator)
  if (session === undefined) return { session: sender, drop: 'unknown-session' }
  if (datagram.ttl < session.config.leastTtl) return { session, drop: 'ttl' }
  return { session, packet }
}

const isBetween = ({ neighbour, source, multihop }: BfdSession, datagram: BfdDatagram): boolean =>
  datagram.source === neighbour &&
  datagram.multihop === multihop &&
  (source === undefined || source === datagram.destination)
