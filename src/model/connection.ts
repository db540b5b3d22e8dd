import type { Protocol } from './service.ts'
import type { Endpoint } from './endpoint.ts'

/** By IPVS's names. */
export type ConnectionState =
  | 'NONE'
  | 'ESTABLISHED'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'FIN_WAIT'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'LISTEN'
  | 'SYNACK'
  | 'UDP'
  | 'INIT1'
  | 'INIT'
  | 'C-SENT'
  | 'C-REPLIED'
  | 'C-WAIT'
  | 'COOKIE'
  | 'C-ECHOED'
  | 'S-SENT'
  | 'S-RECEIVED'
  | 'S-ACK-SENT'
  | 'REJECTED'
  | 'CLOSED'

/** An entry of the connection table, or a template: then the client's address stands for its network, and its port is 0. */
export interface Connection {
  /** `IP`: a template of a service by mark. */
  readonly protocol: Protocol | 'IP'
  readonly state: ConnectionState | 'ASSURED'
  readonly expiresSeconds: number
  readonly client: Endpoint
  readonly virtual: Endpoint
  readonly destination: Endpoint
  /** With full NAT: what the server takes the client for. */
  readonly local?: Endpoint
  /** Of a template: the SIP call that it is for. */
  readonly callId?: string
}
