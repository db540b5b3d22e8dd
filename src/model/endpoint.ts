import type { Address } from '../net/address.ts'

export interface Endpoint {
  readonly address: Address
  /** 0: every port of a virtual server, and for its real servers the same port as asked for. */
  readonly port: number
}

/** `[192.168.10.11]:80`, as keepalived's log names an endpoint. */
export function endpointName(endpoint: Endpoint): string {
  return `[${endpoint.address}]:${endpoint.port}`
}
