import type { Protocol } from '../../../model/service.ts'
import { PROTOCOL } from './service-layout.ts'
import { struct, viewOf } from './struct.ts'

/** What a real server by NAT sends from. */
export const NAT_SERVER = struct('nat_server', 20, { address: [0, 16], port: [16, 2], proto: [18, 1], family: [19, 1] })

/** `protocol` undefined: of a service by mark, whatever the protocol. */
export function encodeNatServer(server: {
  readonly address: Uint8Array
  readonly family: number
  readonly port: number
  readonly protocol: Protocol | undefined
}): Uint8Array {
  const { at } = NAT_SERVER
  const bytes = new Uint8Array(NAT_SERVER.bytes)
  const view = viewOf(bytes)
  bytes.set(server.address, at.address)
  view.setUint16(at.port, server.port)
  view.setUint8(at.proto, server.protocol === undefined ? 0 : PROTOCOL[server.protocol])
  view.setUint8(at.family, server.family)
  return bytes
}
