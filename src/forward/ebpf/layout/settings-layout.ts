import type { Switches, Timeouts } from '../../../model/ipvs.ts'
import { struct, viewOf } from './struct.ts'

/** What the program reads with each packet, beside services and servers. */
export const SETTINGS = struct('settings', 144, {
  timeout_s: [0, 104],
  clock_offset_ns: [104, 8],
  defend_from: [112, 8],
  inert_at_ns: [120, 8],
  mark_ifindex: [128, 4],
  flags: [132, 4],
  director_macs: [136, 8],
})

/** IPVS's default time-outs in seconds, in the order of the states: `enum tcp_state`, UDP, `enum sctp_state`. */
const TCP_TIMEOUTS = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120] as const
const UDP_TIMEOUT = 300
const SCTP_TIMEOUTS = [2, 4, 61, 61, 61, 61, 61, 61, 900, 61, 61, 61, 4, 61] as const
const STATE_TIMEOUTS = [...TCP_TIMEOUTS, UDP_TIMEOUT, ...SCTP_TIMEOUTS] as const

export const NO_SWITCHES: Switches = {
  expireNodestConn: false,
  expireQuiescentTemplate: false,
  natIcmpSend: false,
}

/** Where each of them is among the states. */
const CHANGEABLE = { tcp: 1, tcpFin: 4, udp: 11 } as const satisfies Record<keyof Timeouts, number>

/** What a daemon that takes the core over goes on with. */
export interface Settings {
  readonly timeouts: Timeouts
  /** Packets with a firewall's mark come in by this interface; 0: there are none. */
  readonly markIfindex: number
  readonly switches: Switches
  /** The program is on the loopback interface, for what this director itself asks of its services. */
  readonly ownClients: boolean
  /** There are addresses that are closed to everybody. */
  readonly closed: boolean
  /** From then on (CLOCK_MONOTONIC; 0: never) everything passes. */
  readonly inertAtNs: bigint
  /** Bit n: there is another director whose MAC ends in n, by its last six bits. */
  readonly directorMacs: bigint
}

const FLAG = { expireNodestConn: 1, expireQuiescentTemplate: 2, natIcmpSend: 16 } as const satisfies Record<
  keyof Switches,
  number
>
const OWN_CLIENTS = 4
const CLOSED_ADDRESSES = 8

/**
 * Time-outs are IPVS's unless said. From `defendFrom` connections on half-open ones are dropped; `clockOffsetNs` moves the program's
 * clock in tests.
 */
export function encodeSettings(
  settings: Partial<Settings> & { readonly defendFrom: number; readonly clockOffsetNs?: bigint },
): Uint8Array {
  const { timeouts, defendFrom, markIfindex = 0, switches = NO_SWITCHES } = settings
  const { inertAtNs = 0n, directorMacs = 0n, clockOffsetNs = 0n, ownClients = false, closed = false } = settings
  const { at } = SETTINGS
  const bytes = new Uint8Array(SETTINGS.bytes)
  const view = viewOf(bytes)
  STATE_TIMEOUTS.forEach((timeout, state) => view.setUint32(at.timeout_s + state * 4, timeout, true))
  for (const name of ['tcp', 'tcpFin', 'udp'] as const) {
    const timeout = timeouts?.[name]
    if (timeout !== undefined) view.setUint32(at.timeout_s + CHANGEABLE[name] * 4, timeout, true)
  }
  view.setBigUint64(at.clock_offset_ns, clockOffsetNs, true)
  view.setBigUint64(at.defend_from, BigInt(defendFrom), true)
  view.setBigUint64(at.inert_at_ns, inertAtNs, true)
  view.setUint32(at.mark_ifindex, markIfindex, true)
  const flag = (name: keyof Switches) => (switches[name] ? FLAG[name] : 0)
  const others = (ownClients ? OWN_CLIENTS : 0) | (closed ? CLOSED_ADDRESSES : 0)
  view.setUint32(
    at.flags,
    flag('expireNodestConn') | flag('expireQuiescentTemplate') | flag('natIcmpSend') | others,
    true,
  )
  view.setBigUint64(at.director_macs, directorMacs, true)
  return bytes
}

export function decodeSettings(bytes: Uint8Array): Settings {
  const { at } = SETTINGS
  const view = viewOf(bytes)
  const timeout = (name: keyof Timeouts) => view.getUint32(at.timeout_s + CHANGEABLE[name] * 4, true)
  const flags = view.getUint32(at.flags, true)
  return {
    timeouts: { tcp: timeout('tcp'), tcpFin: timeout('tcpFin'), udp: timeout('udp') },
    markIfindex: view.getUint32(at.mark_ifindex, true),
    switches: {
      expireNodestConn: (flags & FLAG.expireNodestConn) !== 0,
      expireQuiescentTemplate: (flags & FLAG.expireQuiescentTemplate) !== 0,
      natIcmpSend: (flags & FLAG.natIcmpSend) !== 0,
    },
    ownClients: (flags & OWN_CLIENTS) !== 0,
    closed: (flags & CLOSED_ADDRESSES) !== 0,
    inertAtNs: view.getBigUint64(at.inert_at_ns, true),
    directorMacs: view.getBigUint64(at.director_macs, true),
  }
}
