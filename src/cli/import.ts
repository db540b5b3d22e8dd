import type { Report } from '../config/diagnostic.ts'
import { endpoint, virtualServerId } from '../config/keywords/virtual-server.ts'
import type { Source, Span } from '../config/source.ts'
import { flagNames, maskText } from '../ipvsadm/format.ts'
import type { OptionName } from '../ipvsadm/grammar.ts'
import { parsePlaced, type Request } from '../ipvsadm/parse.ts'
import { type SavedLine, savedLines } from '../ipvsadm/save-file.ts'
import type { Resolver } from '../ipvsadm/values.ts'
import { NoCommandError, UsageError } from '../ipvsadm/words.ts'
import type { ServerSpec, ServiceSpec } from '../model/ipvs.ts'
import { type Forwarding, type ServiceId, serviceName } from '../model/service.ts'
import { type Endpoint, endpointName } from '../model/endpoint.ts'
import { isIpv4 } from '../net/address.ts'

/** A service and its servers, in the order of the file. */
interface Imported {
  readonly service: ServiceSpec
  readonly servers: ServerSpec[]
}

/** Why a command has no equivalent in a configuration, and the option that is the reason; the command when it is none. */
interface Refusal {
  readonly message: string
  readonly option?: OptionName
}

/**
 * What `ipvsadm-save` wrote, as the equivalent virtual_server blocks. Every line that has no equivalent is reported at the word that
 * is the reason; comments are skipped. `portOf` knows the names of ports; addresses have to be numbers.
 */
export function importSaved(source: Source, portOf: Resolver['port'], report: Report): string {
  const services = new Map<string, Imported>()
  const resolver = numbersOnly(portOf)
  for (const line of savedLines(source.text)) {
    if (line.args[0]?.startsWith('#') === true) continue
    const problem = importLine(line, resolver, services)
    if (problem !== undefined) report('bad-value', spanOf(source, line, problem.argument), problem.message)
  }
  return [...services.values()].map(printService).join('\n')
}

/** Knows no host by its name, since the file may be from another machine; asks for each port once. */
function numbersOnly(portOf: Resolver['port']): Resolver {
  const ports = new Map<string, number>()
  return {
    address() {
      throw new UsageError('expected an address; save with `ipvsadm-save -n`')
    },
    port(name, protocol) {
      const key = `${name}/${protocol}`
      const port = ports.get(key) ?? portOf(name, protocol)
      if (port === undefined) throw new UsageError('expected a port; save with `ipvsadm-save -n`')
      ports.set(key, port)
      return port
    },
  }
}

/** Adds what a line says. Returns what is wrong with it, and the argument that it is about. */
function importLine(
  { args }: SavedLine,
  resolver: Resolver,
  services: Map<string, Imported>,
): { readonly message: string; readonly argument: number | undefined } | undefined {
  try {
    const { request, places } = parsePlaced(args, resolver, 'ipvsadm')
    const refusal = addTo(services, request)
    if (refusal === undefined) return undefined
    const { message, option } = refusal
    return { message, argument: option === undefined ? undefined : places.get(option) }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const message = error instanceof NoCommandError ? ONLY_ADDS : error.message.trim()
    return { message, argument: error.argument }
  }
}

/** Of one of its words; of the command when it is about none, or about what is missing. */
function spanOf(source: Source, { spans }: SavedLine, argument = 0): Span {
  const { start, end } = spans[argument] ?? { start: 0, end: 0 }
  return { source, start, end }
}

const ONLY_ADDS = 'expected `-A` or `-a`, as ipvsadm-save writes them'

function addTo(services: Map<string, Imported>, request: Request): Refusal | undefined {
  if (request.type === 'unknown-scheduler') {
    return { message: 'there is no such scheduler or persistence engine', option: request.option }
  }
  const command = request.type === 'change' ? request.command : undefined
  if (command?.type === 'add-service') return addService(services, command.service)
  if (command?.type === 'add-server') return addServer(services, command.id, command.server)
  return { message: ONLY_ADDS }
}

function addService(services: Map<string, Imported>, service: ServiceSpec): Refusal | undefined {
  const name = serviceName(service.id)
  if (services.has(name)) return { message: 'this service was added before', option: 'service-address' }
  if (service.scheduler === 'none') {
    const message = 'a service without a scheduler refuses every connection; leave it out'
    return { message, option: 'scheduler' }
  }
  services.set(name, { service, servers: [] })
  return undefined
}

function addServer(services: Map<string, Imported>, id: ServiceId, server: ServerSpec): Refusal | undefined {
  const imported = services.get(serviceName(id))
  if (imported === undefined) return { message: 'this service was not added before' }
  const name = endpointName(server.endpoint)
  if (imported.servers.some(({ endpoint }) => endpointName(endpoint) === name)) {
    return { message: 'this server was added before', option: 'real-server' }
  }
  const { method } = server.forwarding
  if (id.by === 'fwmark' && server.endpoint.port !== 0 && (method === 'NAT' || method === 'FNAT')) {
    const message =
      'in a configuration, servers of a firewall mark get the port that the client asked for; write port 0'
    return { message, option: 'real-server' }
  }
  imported.servers.push(server)
  return undefined
}

function printService({ service, servers }: Imported): string {
  const { id, scheduler, flags, persistence, onePacket } = service
  // One method for all is said once; a server with another one says it itself.
  const method = methodText(servers[0]?.forwarding ?? { method: 'DR' })
  const ipv6 = id.by === 'address' ? !isIpv4(id.vip.address) : id.family === 'inet6'
  return block(`virtual_server ${idText(id)}`, [
    id.by === 'address' ? `protocol ${id.protocol}` : `ip_family ${id.family}`,
    ...(persistence === undefined ? [] : [`persistence_timeout ${persistence.timeoutSeconds}`]),
    ...(persistence === undefined || persistence.clientPrefix === (ipv6 ? 128 : 32)
      ? []
      : [`persistence_granularity ${maskText(persistence.clientPrefix, ipv6 ? 128 : 32)}`]),
    ...(persistence?.engine === undefined ? [] : [`persistence_engine ${persistence.engine}`]),
    ...flagNames(scheduler, flags),
    ...(onePacket ? ['ops'] : []),
    `lvs_sched ${scheduler}`,
    `lvs_method ${method}`,
    ...servers.flatMap((server) => serverLines(server, method)),
  ])
    .map((line) => `${line}\n`)
    .join('')
}

function serverLines({ endpoint, forwarding, weight, thresholds }: ServerSpec, common: string): readonly string[] {
  const method = methodText(forwarding)
  return block(`real_server ${endpointText(endpoint)}`, [
    ...(method === common ? [] : [`lvs_method ${method}`]),
    `weight ${weight}`,
    ...(thresholds.upper === 0 ? [] : [`uthreshold ${thresholds.upper}`]),
    ...(thresholds.lower === 0 ? [] : [`lthreshold ${thresholds.lower}`]),
  ])
}

const block = (head: string, lines: readonly string[]): readonly string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
]

const idText = (id: ServiceId): string =>
  id.by === 'fwmark'
    ? virtualServerId.print({ by: 'fwmark', fwmark: id.mark })
    : virtualServerId.print({ by: 'address', ...withoutZero(id.vip) })

const endpointText = (where: Endpoint): string => endpoint.print(withoutZero(where))

/** In a configuration every port is none. */
const withoutZero = ({ address, port }: Endpoint) => ({ address, port: port === 0 ? undefined : port })

function methodText(forwarding: Forwarding): string {
  if (forwarding.method !== 'TUN') return forwarding.method
  const { tunnel } = forwarding
  if (tunnel.type === 'ipip') return 'TUN type ipip'
  const port = tunnel.type === 'gue' ? ` port ${tunnel.port}` : ''
  const checksum = tunnel.checksum === 'remote' ? 'remcsum' : tunnel.checksum ? 'csum' : 'nocsum'
  return `TUN type ${tunnel.type}${port} ${checksum}`
}
