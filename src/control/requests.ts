import type { IpvsCommand, ServerSpec, ServiceSpec, Timeouts } from '../model/ipvs.ts'
import type {
  AddressService,
  Forwarding,
  MarkService,
  Persistence,
  Scheduler,
  SchedulerFlags,
  ServiceId,
  Thresholds,
  Tunnel,
} from '../model/service.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { TracePacket } from '../model/trace.ts'
import { addressBits, isIpv4, parseAddress } from '../net/address.ts'
import { CONNECTION_STATES, type ConnectionFilter, type Network, type Place } from './connection-filter.ts'
import { checked, type Decoder, integer, listOf, object, oneOf, optional, parsed, truth, variant } from './decode.ts'

/** Commands that one request may have: they must fit the length that the server reads. */
export const CHANGES_AT_ONCE = 1000

const U32 = 0xffffffff
/** IPVS's limits (ipvsadm 1.31): a month of 31 days, and the greatest weight. */
const MAX_SECONDS = 2_678_400
const MAX_WEIGHT = 2_147_483_647

const address = parsed(parseAddress, 'an IPv4 or IPv6 address')
const port = integer(0, 65_535)
const endpoint = object<Endpoint>({ address, port })

const serviceId = variant<ServiceId>('by', {
  address: object<AddressService>({
    by: oneOf('address'),
    vip: endpoint,
    protocol: oneOf('TCP', 'UDP', 'SCTP'),
  }),
  fwmark: object<MarkService>({ by: oneOf('fwmark'), mark: integer(1, U32), family: oneOf('inet', 'inet6') }),
})

const tunnel = variant<Tunnel>('type', {
  ipip: object<Extract<Tunnel, { type: 'ipip' }>>({ type: oneOf('ipip') }),
  gue: object<Extract<Tunnel, { type: 'gue' }>>({
    type: oneOf('gue'),
    port: integer(1, 65_535),
    checksum: (value, path) => (value === 'remote' ? value : truth(value, path)),
  }),
  gre: object<Extract<Tunnel, { type: 'gre' }>>({ type: oneOf('gre'), checksum: truth }),
})

const forwarding = variant<Forwarding>('method', {
  NAT: object<Extract<Forwarding, { method: 'NAT' }>>({ method: oneOf('NAT') }),
  FNAT: object<Extract<Forwarding, { method: 'FNAT' }>>({ method: oneOf('FNAT') }),
  DR: object<Extract<Forwarding, { method: 'DR' }>>({ method: oneOf('DR') }),
  TUN: object<Extract<Forwarding, { method: 'TUN' }>>({ method: oneOf('TUN'), tunnel }),
})

const scheduler: Decoder<Scheduler> = oneOf(
  ...(['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'fo', 'ovf', 'dh', 'sh', 'mh', 'lblc', 'lblcr', 'twos', 'none'] as const),
)

const persistence = object<Persistence>({
  timeoutSeconds: integer(1, MAX_SECONDS),
  clientPrefix: integer(1, 128),
  engine: optional(oneOf('sip')),
})

const service = checked(
  object<ServiceSpec>({
    id: serviceId,
    scheduler,
    flags: object<SchedulerFlags>({ port: truth, fallback: truth, third: truth }),
    persistence: optional(persistence),
    onePacket: truth,
  }),
  ({ id, persistence }) => {
    const ipv4 = id.by === 'address' ? isIpv4(id.vip.address) : id.family === 'inet'
    return ipv4 && (persistence?.clientPrefix ?? 0) > 32 ? 'one of IPv4 with a clientPrefix of at most 32' : undefined
  },
)

const server = object<ServerSpec>({
  endpoint,
  forwarding,
  weight: integer(0, MAX_WEIGHT),
  thresholds: object<Thresholds>({ upper: integer(0, U32), lower: integer(0, U32) }),
})

const command = variant<IpvsCommand>('type', {
  'add-service': object<Extract<IpvsCommand, { service: unknown }>>({ type: oneOf('add-service'), service }),
  'edit-service': object<Extract<IpvsCommand, { service: unknown }>>({ type: oneOf('edit-service'), service }),
  'delete-service': object<Extract<IpvsCommand, { type: 'delete-service' }>>({
    type: oneOf('delete-service'),
    id: serviceId,
  }),
  flush: object<Extract<IpvsCommand, { type: 'flush' }>>({ type: oneOf('flush') }),
  'add-server': object<Extract<IpvsCommand, { server: ServerSpec }>>({
    type: oneOf('add-server'),
    id: serviceId,
    server,
  }),
  'edit-server': object<Extract<IpvsCommand, { server: ServerSpec }>>({
    type: oneOf('edit-server'),
    id: serviceId,
    server,
  }),
  'delete-server': object<Extract<IpvsCommand, { type: 'delete-server' }>>({
    type: oneOf('delete-server'),
    id: serviceId,
    server: object<Pick<ServerSpec, 'endpoint' | 'forwarding'>>({ endpoint, forwarding }),
  }),
})

const network = checked(object<Network>({ address, prefix: integer(0, 128) }), ({ address, prefix }) =>
  prefix > addressBits(address) ? `a network whose prefix is at most ${addressBits(address)}` : undefined,
)
const place = object<Place>({ address, port: optional(port) })

const filter = object<ConnectionFilter>({
  client: optional(network),
  virtual: optional(place),
  server: optional(place),
  local: optional(place),
  protocol: optional(oneOf('TCP', 'UDP', 'SCTP', 'IP')),
  state: optional(oneOf(...CONNECTION_STATES)),
})

const packet = checked(
  object<TracePacket>({ protocol: oneOf('TCP', 'UDP'), client: endpoint, virtual: endpoint }),
  ({ client, virtual }) =>
    isIpv4(client.address) === isIpv4(virtual.address) ? undefined : 'between two addresses of one family',
)

const seconds = integer(0, MAX_SECONDS)

export const changeRequest = object<{ readonly commands: readonly IpvsCommand[] }>({
  commands: listOf(command, CHANGES_AT_ONCE),
})
/** 0 leaves a time-out as it is. */
export const timeoutsRequest = object<{ readonly timeouts: Timeouts }>({
  timeouts: object<Timeouts>({ tcp: seconds, tcpFin: seconds, udp: seconds }),
})
export const upgradeRequest = object<{ readonly force: boolean }>({ force: truth })
export const zeroRequest = object<{ readonly id?: ServiceId | undefined }>({ id: optional(serviceId) })
export const filterRequest = object<{ readonly filter: ConnectionFilter }>({ filter })
export const traceRequest = object<{ readonly packet: TracePacket; readonly mark: number }>({
  packet,
  mark: integer(0, U32),
})
