import ipaddr from 'ipaddr.js'
import type { Address } from '../net/address.ts'
import type { Connection } from '../model/connection.ts'
import type { ListedConnection } from '../model/ipvs-listing.ts'

const STATES: Readonly<Record<Connection['state'], true>> = {
  NONE: true,
  ESTABLISHED: true,
  SYN_SENT: true,
  SYN_RECV: true,
  FIN_WAIT: true,
  TIME_WAIT: true,
  CLOSE: true,
  CLOSE_WAIT: true,
  LAST_ACK: true,
  LISTEN: true,
  SYNACK: true,
  UDP: true,
  INIT1: true,
  INIT: true,
  'C-SENT': true,
  'C-REPLIED': true,
  'C-WAIT': true,
  COOKIE: true,
  'C-ECHOED': true,
  'S-SENT': true,
  'S-RECEIVED': true,
  'S-ACK-SENT': true,
  REJECTED: true,
  CLOSED: true,
  ASSURED: true,
}

/** What may be asked for: of another word, no connection would ever be listed or deleted. */
export const CONNECTION_STATES: readonly string[] = Object.keys(STATES)

/** Which connections are meant; what is not said does not matter. */
export interface ConnectionFilter {
  readonly client?: Network
  readonly virtual?: Place
  readonly server?: Place
  /** With full NAT: what the server takes the client for. */
  readonly local?: Place
  readonly protocol?: ListedConnection['protocol']
  readonly state?: string
}

export interface Network {
  readonly address: Address
  readonly prefix: number
}

export interface Place {
  readonly address: Address
  /** Any port when undefined. */
  readonly port: number | undefined
}

/** Whether a connection is meant. */
export function passes(connection: ListedConnection, filter: ConnectionFilter): boolean {
  const { client, virtual, server, local, protocol, state } = filter
  return (
    (client === undefined || isWithin(connection.client.address, client)) &&
    (virtual === undefined || isAt(connection.virtual, virtual)) &&
    (server === undefined || isAt(connection.destination, server)) &&
    (local === undefined || (connection.local !== undefined && isAt(connection.local, local))) &&
    (protocol === undefined || connection.protocol === protocol) &&
    (state === undefined || connection.state === state)
  )
}

const isAt = (end: { readonly address: Address; readonly port: number }, place: Place): boolean =>
  end.address === place.address && (place.port === undefined || end.port === place.port)

function isWithin(address: Address, { address: network, prefix }: Network): boolean {
  const [one, other] = [ipaddr.parse(address), ipaddr.parse(network)]
  return one.kind() === other.kind() && one.match(other, prefix)
}
