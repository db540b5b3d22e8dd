import type { VrrpInstance } from '../model/vrrp.ts'
import { type Address, isIpv4 } from '../net/address.ts'
import { encodeIpHeader } from '../net/ip-header.ts'
import { AH_LENGTH, AH_PROTOCOL, authenticationHeader } from './auth/ah.ts'
import { passwordBytes } from './auth/password.ts'
import type { Sequences } from './auth/sequences.ts'
import { sign } from './auth/signature.ts'
import { VRRP_PROTOCOL } from './packet/advertisement.ts'
import { address, encodeMessage } from './packet/codec.ts'
import { AUTH_TYPE, AUTHENTICATION_LENGTH, type V2Authentication } from './packet/v2.ts'

/** To a group: RFC 9568 §5.1.1.3. */
const NEIGHBOUR_TTL = 255
/** Internetwork control, as routing protocols have it. */
const TOS = 0xc0

/** What goes to one destination. */
export interface Outgoing {
  readonly destination: Address
  readonly ttl: number
  readonly tos: number
  readonly protocol: number
  /** Of the IPv4 header, where AH covers it; 0: any will do. */
  readonly identification: number
  readonly payload: Uint8Array
}

/** One advert of an instance, to its group or to each of its peers: signed once for all of them. */
export function outgoing(
  instance: VrrpInstance,
  source: Address,
  priority: number,
  sequences: Sequences,
  epochMs: number,
): readonly Outgoing[] {
  const { version, vrid, advertInt, authentication, checksum } = instance
  const addresses = instance.addresses.map((each) => each.address)
  const advert = { version, vrid, priority, interval: advertInt, addresses }
  const message = encodeMessage(advert, { source }, v2Authentication(instance))
  const trailer = trailerOf(instance, message, source, sequences, epochMs)
  const sequence = authentication.type === 'ah' ? sequences.nextAh(instance.name, epochMs) : 0
  return destinationsOf(instance).map((destination) => {
    const payload = address(advert, message, trailer, { source, destination }, checksum)
    const ttl = instance.unicastPeers.length > 0 ? instance.unicastTtl : NEIGHBOUR_TTL
    const to = { destination, ttl, tos: TOS }
    if (authentication.type !== 'ah' || !isIpv4(source) || !isIpv4(destination)) {
      return { ...to, protocol: VRRP_PROTOCOL, identification: 0, payload }
    }
    // Never 0: the kernel would put another one in its place.
    const identification = (sequence % 0xffff) + 1
    const payloadLength = AH_LENGTH + payload.length
    const ip = encodeIpHeader({ source, ...to, destination, protocol: AH_PROTOCOL, identification, payloadLength })
    const header = authenticationHeader(ip, payload, authentication.password, sequence)
    return { ...to, protocol: AH_PROTOCOL, identification, payload: Uint8Array.from([...header, ...payload]) }
  })
}

const destinationsOf = ({ unicastPeers, multicastGroup }: VrrpInstance): readonly Address[] =>
  unicastPeers.length > 0 ? unicastPeers.map((peer) => peer.address) : [multicastGroup]

function v2Authentication({ authentication }: VrrpInstance): V2Authentication {
  const none = new Uint8Array(AUTHENTICATION_LENGTH)
  switch (authentication.type) {
    case 'none':
    case 'hmac':
      return { type: AUTH_TYPE.none, data: none }
    case 'pass':
      return { type: AUTH_TYPE.pass, data: passwordBytes(authentication.password) }
    case 'ah':
      return { type: AUTH_TYPE.ah, data: none }
  }
}

function trailerOf(
  { name, authentication }: VrrpInstance,
  message: Uint8Array,
  source: Address,
  sequences: Sequences,
  epochMs: number,
): Uint8Array {
  if (authentication.type !== 'hmac' || authentication.mode === 'receive-only') return new Uint8Array()
  const key = authentication.keys.find(({ id }) => id === authentication.activeKey)
  if (key === undefined) throw new Error(`${name} has no key ${authentication.activeKey}`)
  return sign(message, source, key, sequences.next(name, authentication, epochMs))
}
