import type { Connection, ConnectionState } from '../../model/connection.ts'
import type { Endpoint, Protocol, ServiceId } from '../../model/service.ts'
import { type Address, ipv6At } from '../../net/address.ts'
import { ipv4At } from '../../net/ipv4.ts'
import { type DestEntry, KEEPS_PORT, METHOD } from './layout.ts'

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
interface Decoded {
  readonly family: 4 | 6
  readonly key: Uint8Array
  readonly value: Uint8Array
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Undefined when its server is not known any more, or its time is over. `nowNs` is the program's clock. */
export function decodeConnection(
  { family, key, value }: Decoded,
  destOf: (slot: number) => DestEntry | undefined,
  nowNs: bigint,
): Connection | undefined {
  const flow = viewOf(key)
  const entry = viewOf(value)
  const state = STATES[entry.getUint32(16, true)]
  const dest = destOf(entry.getUint32(24, true))
  const expiresSeconds = secondsUntil(entry.getBigUint64(0, true), nowNs)
  if (state === undefined || dest === undefined || expiresSeconds === undefined) return undefined
  const [at, ports]: [(offset: number) => Address, number] =
    family === 4 ? [(offset) => ipv4At(flow, offset * 4), 8] : [(offset) => ipv6At(flow, offset * 16), 32]
  const virtual = { address: at(1), port: flow.getUint16(ports + 2) }
  const keeps = dest.endpoint.port === 0 || (entry.getUint16(20, true) & KEEPS_PORT) !== 0
  return {
    protocol: PROTOCOLS[flow.getUint8(ports + 4)] ?? 'TCP',
    state,
    expiresSeconds,
    client: { address: at(0), port: flow.getUint16(ports) },
    virtual,
    destination: { address: dest.endpoint.address, port: keeps ? virtual.port : dest.endpoint.port },
    ...(entry.getUint8(52) === METHOD.FNAT
      ? { local: { address: family === 4 ? ipv4At(entry, 56) : ipv6At(entry, 56), port: entry.getUint16(54) } }
      : {}),
  }
}

/** As `decodeConnection`, for a template. */
export function decodeTemplate(
  { key, value, call }: { key: Uint8Array; value: Uint8Array; call: Uint8Array | undefined },
  destOf: (slot: number) => DestEntry | undefined,
  nowNs: bigint,
): Connection | undefined {
  const entry = viewOf(value)
  const dest = destOf(entry.getUint32(8, true))
  const expiresSeconds = secondsUntil(entry.getBigUint64(0, true), nowNs)
  if (dest === undefined || expiresSeconds === undefined) return undefined
  const { service } = dest
  const { virtual, port } = portsOfTemplate(service, dest.endpoint)
  const client = viewOf(key)
  const address = isIpv6(service) ? ipv6At(client, 4) : ipv4At(client, 4)
  return {
    protocol: service.by === 'address' ? service.protocol : 'IP',
    state: entry.getUint32(24, true) === 1 ? 'ASSURED' : 'NONE',
    expiresSeconds,
    client: { address, port: 0 },
    virtual,
    destination: { address: dest.endpoint.address, port },
    ...(call === undefined ? {} : { callId: Buffer.from(call.subarray(1, 1 + (call[0] ?? 0))).toString('latin1') }),
  }
}

const PORT_FTP = 21

/** A template is for one port, and then it has those of the service and the server; that of FTP, of a mark or of every port has none. */
function portsOfTemplate(service: ServiceId, server: Endpoint): { readonly virtual: Endpoint; readonly port: number } {
  if (service.by === 'fwmark')
    return { virtual: { address: markAddress(service.mark, isIpv6(service)), port: 0 }, port: 0 }
  const { address, port } = service.vip
  return port === 0 || port === PORT_FTP
    ? { virtual: { address, port: 0 }, port: 0 }
    : { virtual: service.vip, port: server.port }
}

const isIpv6 = (service: ServiceId): boolean =>
  service.by === 'address' ? service.vip.address.includes(':') : service.family === 'inet6'

/** IPVS shows a mark as an address whose last bytes are the mark. */
function markAddress(mark: number, ipv6: boolean): Address {
  const bytes = new DataView(new ArrayBuffer(16))
  bytes.setUint32(12, mark)
  return ipv6 ? ipv6At(bytes, 0) : ipv4At(bytes, 12)
}

function secondsUntil(deadlineNs: bigint, nowNs: bigint): number | undefined {
  return deadlineNs < nowNs ? undefined : Number((deadlineNs - nowNs) / 1_000_000_000n)
}
