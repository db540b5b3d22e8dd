import { type Millis, millis } from '../time.ts'

/**
 * BFD control packets (RFC 5880 §4.1), without authentication; intervals are in µs:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
 *     |                       My Discriminator                        |
 *     |                      Your Discriminator                       |
 *     |                    Desired Min TX Interval                    |
 *     |                   Required Min RX Interval                    |
 *     |                 Required Min Echo RX Interval                 |
 */
export interface BfdPacket {
  readonly diagnostic: number
  readonly state: BfdState
  readonly poll: boolean
  readonly final: boolean
  /** Wants no periodic packets while both sides are up. */
  readonly demand: boolean
  readonly detectMultiplier: number
  /** Never 0. */
  readonly myDiscriminator: number
  /** 0 while the sender does not know it. */
  readonly yourDiscriminator: number
  readonly desiredMinTx: Millis
  /** 0: it wants no periodic packets. */
  readonly requiredMinRx: Millis
}

/** In the order of their numbers. */
const STATES = ['admin-down', 'down', 'init', 'up'] as const
export type BfdState = (typeof STATES)[number]

/** Why a session last changed its state (§4.1): those that are said here; any number below 32 may be heard. */
export const NO_DIAGNOSTIC = 0
export const TIME_EXPIRED = 1
export const NEIGHBOUR_SIGNALED_DOWN = 3
export const ADMINISTRATIVELY_DOWN = 7

/** Why a packet was not used, in the order of §6.8.6. */
export type MalformedBfd =
  | 'truncated'
  | 'version'
  | 'length'
  | 'multiplier-zero'
  | 'multipoint'
  | 'discriminator-zero'
  | 'no-discriminator'
  | 'authentication'

const VERSION = 1
const LENGTH = 24
const POLL = 0x20
const FINAL = 0x10
const AUTHENTICATION = 0x04
const DEMAND = 0x02
const MULTIPOINT = 0x01

export function encodeBfd(packet: BfdPacket): Uint8Array {
  const bytes = new Uint8Array(LENGTH)
  const view = new DataView(bytes.buffer)
  const flags = (packet.poll ? POLL : 0) | (packet.final ? FINAL : 0) | (packet.demand ? DEMAND : 0)
  view.setUint8(0, (VERSION << 5) | packet.diagnostic)
  view.setUint8(1, (STATES.indexOf(packet.state) << 6) | flags)
  view.setUint8(2, packet.detectMultiplier)
  view.setUint8(3, LENGTH)
  view.setUint32(4, packet.myDiscriminator)
  view.setUint32(8, packet.yourDiscriminator)
  view.setUint32(12, Math.round(packet.desiredMinTx * 1000))
  view.setUint32(16, Math.round(packet.requiredMinRx * 1000))
  return bytes
}

/** What stands behind the length that a packet states is none of its own. */
export function decodeBfd(bytes: Uint8Array): BfdPacket | { readonly drop: MalformedBfd } {
  if (bytes.length < LENGTH) return { drop: 'truncated' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = view.getUint8(1)
  const length = view.getUint8(3)
  const detectMultiplier = view.getUint8(2)
  if (view.getUint8(0) >> 5 !== VERSION) return { drop: 'version' }
  if (length < LENGTH || length > bytes.length) return { drop: 'length' }
  if (detectMultiplier === 0) return { drop: 'multiplier-zero' }
  if ((flags & MULTIPOINT) !== 0) return { drop: 'multipoint' }
  const myDiscriminator = view.getUint32(4)
  const yourDiscriminator = view.getUint32(8)
  if (myDiscriminator === 0) return { drop: 'discriminator-zero' }
  const state = STATES[flags >> 6] ?? 'down'
  if (yourDiscriminator === 0 && state !== 'down' && state !== 'admin-down') return { drop: 'no-discriminator' }
  // None is in use here.
  if ((flags & AUTHENTICATION) !== 0) return { drop: 'authentication' }
  return {
    diagnostic: view.getUint8(0) & 0x1f,
    state,
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    demand: (flags & DEMAND) !== 0,
    detectMultiplier,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTx: millis(view.getUint32(12) / 1000),
    requiredMinRx: millis(view.getUint32(16) / 1000),
  }
}
