import ipaddr from 'ipaddr.js'
import type { Address } from '../net/address.ts'
import type { ListedConnection } from './ipvs.ts'

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
