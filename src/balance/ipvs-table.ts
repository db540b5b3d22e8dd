import type { CoreReading } from '../model/core-reading.ts'
import type {
  IpvsCommand,
  IpvsFailure,
  IpvsOutcome,
  IpvsServer,
  IpvsService,
  ServerSpec,
  ServiceSpec,
} from '../model/ipvs.ts'
import { type ServiceId, serviceName } from '../model/service.ts'
import { type Endpoint, endpointName } from '../model/endpoint.ts'
import { type Address, isIpv4, isLinkLocal, isMappedIpv4, isMulticast } from '../net/address.ts'
import { type PlannedService, planService } from './plan.ts'

/** Services that were made by hand, one after the other. */
export type IpvsTable = readonly IpvsService[]

type Changed = IpvsTable | IpvsFailure

/** What ipvsadm had made before an earlier daemon ended: the core remembers it. */
export function tableInCore({ services, servers }: CoreReading): IpvsTable {
  const byService = Map.groupBy(servers, ({ service }) => serviceName(service))
  return services.flatMap(({ id, scheduler, flags, persistence, onePacket, byHand }) => {
    if (!byHand) return []
    const own = (byService.get(serviceName(id)) ?? []).flatMap((server): IpvsServer[] => {
      const { endpoint, forwarding, weight, thresholds, isPresent } = server
      return isPresent ? [{ endpoint, forwarding, weight, thresholds, fullWeight: weight }] : []
    })
    return [{ id, scheduler, flags, persistence, onePacket, servers: own }]
  })
}

/** Whether an address is the broadcast address of one of this host's networks. */
export type IsBroadcast = (address: Address) => boolean

/**
 * The table after a command, or why it stays as it is: IPVS's checks in IPVS's order. An edit replaces everything, and keeps
 * the place. `configured` are the names of the services that the configuration has; they are not changed by hand.
 */
export function changeTable(
  table: IpvsTable,
  command: IpvsCommand,
  configured: ReadonlySet<string>,
  isBroadcast: IsBroadcast,
): Changed {
  switch (command.type) {
    case 'add-service':
      return addService(table, command.service, configured)
    case 'edit-service':
      return replaceService(table, command.service.id, configured, 'no-such-service', (service) => ({
        ...command.service,
        servers: service.servers,
      }))
    case 'delete-service':
      return replaceService(table, command.id, configured, 'no-such-service', () => undefined)
    case 'flush':
      return []
    case 'add-server':
    case 'edit-server':
    case 'delete-server':
      return changeServer(table, command, configured, isBroadcast)
  }
}

/** Commands that are carried out together. */
export interface IpvsStep {
  readonly table: IpvsTable
  /** One for each command that belongs to the step, from the first on. */
  readonly outcomes: readonly IpvsOutcome[]
}

/**
 * The first of some commands, and those behind it that may be carried out with it: services that are added, with their servers.
 * From then on nothing tells whether they came one by one. Everything else must be seen by the core for itself: a server that is
 * deleted and added again goes to the end of its service's list and begins the round anew.
 */
export function nextStep(
  before: IpvsTable,
  commands: readonly IpvsCommand[],
  configured: ReadonlySet<string>,
  isBroadcast: IsBroadcast,
): IpvsStep {
  const added = new Set<string>()
  const outcomes: IpvsOutcome[] = []
  let table = before
  for (const command of commands) {
    const adds = command.type === 'add-service' || (command.type === 'add-server' && added.has(serviceName(command.id)))
    if (!adds && outcomes.length > 0) break
    const changed = changeTable(table, command, configured, isBroadcast)
    outcomes.push(typeof changed === 'string' ? changed : 'done')
    if (typeof changed !== 'string') {
      table = changed
      if (command.type === 'add-service') added.add(serviceName(command.service.id))
    }
    if (!adds) break
  }
  return { table, outcomes }
}

function addService(table: IpvsTable, service: ServiceSpec, configured: ReadonlySet<string>): Changed {
  const name = serviceName(service.id)
  if (configured.has(name) || table.some(({ id }) => serviceName(id) === name)) return 'service-exists'
  return [...table, { ...service, servers: [] }]
}

function replaceService(
  table: IpvsTable,
  id: ServiceId,
  configured: ReadonlySet<string>,
  missing: IpvsFailure,
  change: (service: IpvsService) => IpvsService | IpvsFailure | undefined,
): Changed {
  const name = serviceName(id)
  if (configured.has(name)) return 'configured'
  const service = table.findLast((each) => serviceName(each.id) === name)
  if (service === undefined) return missing
  const changed = change(service)
  if (typeof changed === 'string') return changed
  return table.flatMap((each) => (each === service ? (changed ?? []) : [each]))
}

function changeServer(
  table: IpvsTable,
  command: Extract<IpvsCommand, { server: unknown }>,
  configured: ReadonlySet<string>,
  isBroadcast: IsBroadcast,
): Changed {
  return replaceService(table, command.id, configured, 'service-not-defined', (service) => {
    const endpoint = endpointIn(service.id, command.server)
    const name = endpointName(endpoint)
    const known = service.servers.find((each) => endpointName(each.endpoint) === name)
    if (command.type === 'delete-server') {
      if (known === undefined) return 'no-such-server'
      return { ...service, servers: service.servers.filter((each) => each !== known) }
    }
    const { server } = command
    if (!reaches(service.id, { ...server, endpoint }) || isBroadcast(endpoint.address)) return 'invalid'
    if (server.thresholds.lower > server.thresholds.upper) return 'out-of-range'
    if (command.type === 'add-server' && known !== undefined) return 'server-exists'
    if (command.type === 'edit-server' && known === undefined) return 'no-such-server'
    const fullWeight = server.weight > 0 ? server.weight : (known?.fullWeight ?? 0)
    const changed: IpvsServer = { ...server, endpoint, fullWeight }
    if (known === undefined) return { ...service, servers: [...service.servers, changed] }
    return { ...service, servers: service.servers.map((each) => (each === known ? changed : each)) }
  })
}

/** Only NAT and full NAT can change the port: other servers of an address have its port, whatever was said. */
function endpointIn(id: ServiceId, server: Pick<ServerSpec, 'endpoint' | 'forwarding'>): Endpoint {
  const { endpoint, forwarding } = server
  const keeps = forwarding.method === 'DR' || forwarding.method === 'TUN'
  return keeps && id.by === 'address' ? { ...endpoint, port: id.vip.port } : endpoint
}

function reaches(id: ServiceId, { endpoint: { address }, forwarding }: ServerSpec): boolean {
  const ipv4 = id.by === 'address' ? isIpv4(id.vip.address) : id.family === 'inet'
  return isServerAddress(address) && (isIpv4(address) === ipv4 || forwarding.method === 'TUN')
}

const NO_SERVERS: readonly string[] = ['0.0.0.0', '255.255.255.255', '::']

/** As the kernel tells unicast addresses from others; other than the rest of 0.0.0.0/8, and 240.0.0.0/4, which it takes. */
const isServerAddress = (address: Address): boolean =>
  !NO_SERVERS.includes(address) && !isMulticast(address) && !isLinkLocal(address) && !isMappedIpv4(address)

/** What the core should do for a service that was made by hand. */
export function planByHand({ id, scheduler, flags, persistence, onePacket, servers }: IpvsService): PlannedService {
  const service = { id, marked: [], scheduler, schedulerFlags: flags, persistence, onePacket }
  const none = { localAddresses: [], idleSeconds: undefined, access: [], throughFirewall: false }
  return planService({ ...service, ...none }, servers, true)
}
