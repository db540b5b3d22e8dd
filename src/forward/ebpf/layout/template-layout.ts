import type { Connection } from '../../../model/connection.ts'
import type { ServiceId } from '../../../model/service.ts'
import type { Endpoint } from '../../../model/endpoint.ts'
import { type Address, ipv6At } from '../../../net/address.ts'
import { ipv4At } from '../../../net/ipv4.ts'
import { secondsUntil } from './connection-layout.ts'
import type { DestEntry } from './destination-layout.ts'
import { struct, viewOf } from './struct.ts'

export const TEMPLATE_KEY = struct('template_key', 24, { service_slot: [0, 4], client: [4, 16], call: [20, 4] })

/** Keeps the clients of a persistent service at their server. */
export const TEMPLATE = struct('template', 32, { deadline_ns: [0, 8], dest_slot: [8, 4], assured: [24, 4] })

/** The text of a Call-ID. */
export const CALL_ID = struct('call_id', 256, { length: [0, 1], text: [1, 255] })

/** Whether the template of this key is for a SIP call, which then has a text. */
export const isOfCall = (key: Uint8Array): boolean => viewOf(key).getUint32(TEMPLATE_KEY.at.call) !== 0

/** Undefined when its server is not known any more, or its time is over. `nowNs` is the program's clock. */
export function decodeTemplate(
  { key, value, call }: { key: Uint8Array; value: Uint8Array; call: Uint8Array | undefined },
  destOf: (slot: number) => DestEntry | undefined,
  nowNs: bigint,
): Connection | undefined {
  const { at } = TEMPLATE
  const entry = viewOf(value)
  const dest = destOf(entry.getUint32(at.dest_slot, true))
  const expiresSeconds = secondsUntil(entry.getBigUint64(at.deadline_ns, true), nowNs)
  if (dest === undefined || expiresSeconds === undefined) return undefined
  const { service } = dest
  const { virtual, port } = portsOfTemplate(service, dest.endpoint)
  const client = viewOf(key)
  const address = isIpv6(service) ? ipv6At(client, TEMPLATE_KEY.at.client) : ipv4At(client, TEMPLATE_KEY.at.client)
  return {
    protocol: service.by === 'address' ? service.protocol : 'IP',
    state: entry.getUint32(at.assured, true) === 1 ? 'ASSURED' : 'NONE',
    expiresSeconds,
    client: { address, port: 0 },
    virtual,
    destination: { address: dest.endpoint.address, port },
    ...(call === undefined ? {} : { callId: textOf(call) }),
  }
}

function textOf(call: Uint8Array): string {
  const { length, text } = CALL_ID.at
  return Buffer.from(call.subarray(text, text + (call[length] ?? 0))).toString('latin1')
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
