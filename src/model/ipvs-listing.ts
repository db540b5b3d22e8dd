import type { Connection } from './connection.ts'
import type { ServerSpec, ServiceSpec, Timeouts } from './ipvs.ts'
import type { Rates } from './counters.ts'

/** The table of services as tanist-ipvsadm lists it, whoever made them. Plain data, sent as JSON. */
export interface IpvsListing {
  /** Connections that the table of one family holds. */
  readonly size: number
  readonly timeouts: Timeouts
  readonly services: readonly ListedService[]
}

/** Since the start or since they were last set to zero. */
export type Totals = Rates

export interface ListedService extends ServiceSpec {
  readonly owner: 'configuration' | 'ipvsadm'
  readonly totals: Totals
  readonly rates: Rates
  /** IPVS's list: the server that was added last comes first. */
  readonly servers: readonly ListedServer[]
}

export interface ListedServer extends ServerSpec {
  readonly active: number
  readonly inactive: number
  readonly persistent: number
  readonly totals: Totals
  readonly rates: Rates
}

export type ListedConnection = Connection
