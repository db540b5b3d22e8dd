import type { Connection, ConnectionState } from '../../../model/connection.ts'
import type { Protocol } from '../../../model/service.ts'
import { type Address, ipv6At } from '../../../net/address.ts'
import { ipv4At } from '../../../net/ipv4.ts'
import { encodeAddress, familyOf } from './address-layout.ts'
import type { DestEntry } from './destination-layout.ts'
import { METHOD, PROTOCOL } from './service-layout.ts'
import { struct, viewOf } from './struct.ts'

/** The key of an IPv4 connection. */
export const FLOW4 = struct('flow4', 16, { saddr: [0, 4], daddr: [4, 4], ports: [8, 4], proto: [12, 4] })

/** The key of an IPv6 connection. */
export const FLOW = struct('flow', 40, {
  saddr: [0, 16],
  daddr: [16, 16],
  sport: [32, 2],
  dport: [34, 2],
  proto: [36, 1],
  family: [37, 1],
})

export const CONNECTION = struct('connection', 88, {
  deadline_ns: [0, 8],
  back_at_ns: [8, 8],
  state: [16, 4],
  flags: [20, 2],
  back_mtu: [22, 2],
  dest_slot: [24, 4],
  back_ifindex: [32, 4],
  method: [52, 1],
  local_port: [54, 2],
  local: [56, 16],
  back_mac: [80, 8],
})

/** A request to forget a connection, and the answer to it. */
export const FORGET_REQUEST = struct('forget_request', 44, { client: [0, 40], found: [40, 4] })

/** Of a connection's flags. */
const KEEPS_PORT = 8

/** `enum tcp_state`, the state of UDP and `enum sctp_state`, in order, by IPVS's names. */
const STATES = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'SYNACK',
  'UDP',
  'NONE',
  'INIT1',
  'INIT',
  'C-SENT',
  'C-REPLIED',
  'C-WAIT',
  'COOKIE',
  'C-ECHOED',
  'ESTABLISHED',
  'S-SENT',
  'S-RECEIVED',
  'S-ACK-SENT',
  'REJECTED',
  'CLOSED',
] as const satisfies readonly ConnectionState[]

const PROTOCOLS: Readonly<Record<number, Protocol>> = { 6: 'TCP', 17: 'UDP', 132: 'SCTP' }

/** A key and a value of one of the two tables. */
interface ConnectionEntry {
  readonly family: 4 | 6
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Undefined when its server is not known any more, or its time is over. `nowNs` is the program's clock. */
export function decodeConnection(
  { family, key, value }: ConnectionEntry,
  destOf: (slot: number) => DestEntry | undefined,
  nowNs: bigint,
): Connection | undefined {
  const { at } = CONNECTION
  const entry = viewOf(value)
  const state = STATES[entry.getUint32(at.state, true)]
  const dest = destOf(entry.getUint32(at.dest_slot, true))
  const expiresSeconds = secondsUntil(entry.getBigUint64(at.deadline_ns, true), nowNs)
  if (state === undefined || dest === undefined || expiresSeconds === undefined) return undefined
  const { protocol, client, virtual } = decodeFlow(family, key)
  const keeps = dest.endpoint.port === 0 || (entry.getUint16(at.flags, true) & KEEPS_PORT) !== 0
  const local: Address = family === 4 ? ipv4At(entry, at.local) : ipv6At(entry, at.local)
  return {
    protocol: PROTOCOLS[protocol] ?? 'TCP',
    state,
    expiresSeconds,
    client,
    virtual,
    destination: { address: dest.endpoint.address, port: keeps ? virtual.port : dest.endpoint.port },
    ...(entry.getUint8(at.method) === METHOD.FNAT
      ? { local: { address: local, port: entry.getUint16(at.local_port) } }
      : {}),
  }
}

function decodeFlow(family: 4 | 6, key: Uint8Array) {
  const flow = viewOf(key)
  if (family === 4) {
    const { at } = FLOW4
    return {
      protocol: flow.getUint8(at.proto),
      client: { address: ipv4At(flow, at.saddr), port: flow.getUint16(at.ports) },
      virtual: { address: ipv4At(flow, at.daddr), port: flow.getUint16(at.ports + 2) },
    }
  }
  const { at } = FLOW
  return {
    protocol: flow.getUint8(at.proto),
    client: { address: ipv6At(flow, at.saddr), port: flow.getUint16(at.sport) },
    virtual: { address: ipv6At(flow, at.daddr), port: flow.getUint16(at.dport) },
  }
}

/** Undefined when the time is over. */
export function secondsUntil(deadlineNs: bigint, nowNs: bigint): number | undefined {
  return deadlineNs < nowNs ? undefined : Number((deadlineNs - nowNs) / 1_000_000_000n)
}

/** A request to forget a connection, by what is listed of it. */
export function encodeForget(connection: Pick<Connection, 'protocol' | 'client' | 'virtual'>): Uint8Array {
  const { protocol, client, virtual } = connection
  const { at } = FLOW
  const bytes = new Uint8Array(FORGET_REQUEST.bytes)
  const flow = bytes.subarray(FORGET_REQUEST.at.client, FORGET_REQUEST.at.client + FLOW.bytes)
  const view = viewOf(flow)
  flow.set(encodeAddress(client.address), at.saddr)
  flow.set(encodeAddress(virtual.address), at.daddr)
  view.setUint16(at.sport, client.port)
  view.setUint16(at.dport, virtual.port)
  flow[at.proto] = protocol === 'IP' ? 0 : PROTOCOL[protocol]
  flow[at.family] = familyOf(client.address)
  return bytes
}
