import type { IpvsCommand, Timeouts } from '../model/ipvs.ts'
import { type Forwarding, type Persistence, type SchedulerFlags, SCHEDULERS, type ServiceId } from '../model/service.ts'
import { isIpv4 } from '../net/address.ts'
import { type Draft, draftOf, readSeconds } from './draft.ts'
import { ALLOWED, type CommandName, LIST_ONE_OF, OPTION_ORDER, type OptionName, SCHEDULER_FLAGS } from './grammar.ts'
import type { Resolver } from './values.ts'
import { splitLine, UsageError } from './words.ts'

/** How a table is to be shown. */
export interface ListOptions {
  readonly show: 'services' | 'stats' | 'rate' | 'thresholds' | 'persistent-conn' | 'tun-info'
  readonly numeric: boolean
  readonly exact: boolean
  readonly sorted: boolean
}

/** What a command line asks for. */
export type Request =
  | { readonly type: 'change'; readonly command: IpvsCommand }
  | { readonly type: 'list'; readonly id: ServiceId | undefined; readonly options: ListOptions }
  | { readonly type: 'connections'; readonly numeric: boolean; readonly engines: boolean }
  | { readonly type: 'show-timeouts' | 'show-daemons' | 'restore' | 'help' | 'version' }
  | { readonly type: 'set-timeouts'; readonly timeouts: Timeouts }
  | { readonly type: 'save'; readonly numeric: boolean }
  | { readonly type: 'zero'; readonly id: ServiceId | undefined }
  /** A scheduler or persistence engine that there is not, which IPVS says only when the rest of the command is possible. */
  | {
      readonly type: 'unknown-scheduler'
      readonly command: 'add-service' | 'edit-service'
      readonly id: ServiceId
      /** Which of the two it is. */
      readonly option: 'scheduler' | 'pe'
    }
  /** What IPVS has and the core does not; ends with IPVS's own words. */
  | { readonly type: 'refused'; readonly message: string }

/** A request, and in which argument (from 0) each option of its line stands. */
export interface PlacedRequest {
  readonly request: Request
  readonly places: ReadonlyMap<OptionName, number>
}

/**
 * Reads one command line of ipvsadm 1.31: its words from left to right, then what the command makes of them all. Throws UsageError
 * with what ipvsadm would say.
 */
export const parseLine = (args: readonly string[], resolver: Resolver, program: string): Request =>
  parsePlaced(args, resolver, program).request

/** As `parseLine`, for who wants to point at an option. */
export function parsePlaced(args: readonly string[], resolver: Resolver, program: string): PlacedRequest {
  const none: ReadonlyMap<OptionName, number> = new Map()
  if (args.length === 0) return { request: { type: 'list', id: undefined, options: listOptions(none) }, places: none }
  const { command, commandValue, options, rest } = splitLine(args, program)
  // These two go no further.
  if (command === 'help' || command === 'version') return { request: { type: command }, places: none }
  checkRole(command, commandValue)
  const draft = draftOf(options, resolver)
  const timeouts = command === 'set' ? readTimeouts(rest) : undefined
  const extra = rest[timeouts === undefined ? 0 : 3]
  if (extra !== undefined) throw new UsageError(`unexpected argument ${extra}`)
  const flags = readFlags(draft)
  checkOptions(command, draft.given)
  const request: Request =
    timeouts === undefined ? requestOf(command, draft, flags) : { type: 'set-timeouts', timeouts }
  return { request, places: draft.given }
}

function checkRole(command: CommandName, role: string | undefined): void {
  if (command !== 'start-daemon' && command !== 'stop-daemon') return
  if (role === 'master' || role === 'backup') return
  const name = command === 'start-daemon' ? 'start-daemon parameter' : 'start_daemon'
  throw new UsageError(`illegal ${name} specified`)
}

function readTimeouts(values: readonly string[]): Timeouts {
  const [tcp, tcpFin, udp] = values.slice(0, 3).map((value) => readSeconds(value, 0))
  if (tcp === undefined || tcpFin === undefined || udp === undefined) {
    throw new UsageError('--set option requires 3 timeout values')
  }
  return { tcp, tcpFin, udp }
}

function readFlags({ scheduler, schedulerFlags, given }: Draft): SchedulerFlags {
  const own = scheduler === 'sh' || scheduler === 'mh' ? SCHEDULER_FLAGS[scheduler] : []
  const foreign: readonly string[] = [...SCHEDULER_FLAGS.sh, ...SCHEDULER_FLAGS.mh]
  const names = schedulerFlags.split(',').filter((name) => name !== '')
  const numbers = names.map((flag) => {
    const generic = /^flag-([123])$/.exec(flag)?.[1]
    if (generic !== undefined) return Number(generic)
    const place = own.findIndex((name) => name === flag)
    if (place !== -1) return place + 1
    const what = foreign.includes(flag) ? 'incompatible' : 'invalid'
    throw new UsageError(`${what} scheduler flag \`${flag}'`).in(given.get('sched-flags'))
  })
  return { fallback: numbers.includes(1), port: numbers.includes(2), third: numbers.includes(3) }
}

function checkOptions(command: CommandName, given: ReadonlyMap<OptionName, number>): void {
  const { needs, may } = ALLOWED[command]
  const one: OptionName[] = []
  for (const name of OPTION_ORDER) {
    if (needs.includes(name) && !given.has(name)) {
      throw new UsageError(`You need to supply the '${name}' option for the '${command}' command`)
    }
    if (!given.has(name)) continue
    if (!needs.includes(name) && !may.includes(name)) {
      throw new UsageError(`Illegal '${name}' option with the '${command}' command`).in(given.get(name))
    }
    if (command !== 'list' || !LIST_ONE_OF.includes(name)) continue
    if (one[0] !== undefined) {
      throw new UsageError(`The option '${name}' conflicts with the '${one[0]}' option in the 'list' command`).in(
        given.get(name),
      )
    }
    one.push(name)
  }
}

function listOptions(given: ReadonlyMap<OptionName, number>): ListOptions {
  const modes = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'] as const
  return {
    show: modes.find((mode) => given.has(mode)) ?? 'services',
    numeric: given.has('numeric'),
    exact: given.has('exact'),
    sorted: !given.has('nosort'),
  }
}

function requestOf(command: Exclude<CommandName, 'help' | 'version'>, draft: Draft, flags: SchedulerFlags): Request {
  switch (command) {
    case 'add-service':
    case 'edit-service':
      return serviceCommand(command, draft, flags)
    case 'delete-service':
      return { type: 'change', command: { type: 'delete-service', id: needed(serviceOf(draft)) } }
    case 'flush':
      return { type: 'change', command: { type: 'flush' } }
    case 'add-server':
    case 'edit-server':
    case 'delete-server':
      return serverCommand(command, draft)
    case 'list':
      return listRequest(draft)
    case 'zero':
      return { type: 'zero', id: serviceOf(draft) }
    case 'save':
      return { type: 'save', numeric: draft.given.has('numeric') }
    case 'start-daemon':
      return { type: 'refused', message: 'Operation not supported' }
    case 'stop-daemon':
      return { type: 'refused', message: 'No daemon is running' }
    case 'restore':
      return { type: 'restore' }
    case 'set':
      throw new UsageError('--set option requires 3 timeout values')
  }
}

/** `checkOptions` has seen that it is there. */
function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new UsageError('illegal virtual server address[:port] specified')
  return value
}

function serviceOf({ mark, ipv6, vip, protocol }: Draft): ServiceId | undefined {
  if (mark !== undefined) return { by: 'fwmark', mark, family: ipv6 ? 'inet6' : 'inet' }
  return vip === undefined || protocol === undefined ? undefined : { by: 'address', vip, protocol }
}

function listRequest(draft: Draft): Request {
  const has = (...names: OptionName[]) => names.some((name) => draft.given.has(name))
  const counts = has('stats', 'rate', 'thresholds') || (has('persistent-conn') && !has('connection'))
  if (has('connection', 'timeout', 'daemon') && counts) throw new UsageError('options conflicts in the list command')
  if (has('connection')) return { type: 'connections', numeric: has('numeric'), engines: has('persistent-conn') }
  if (has('timeout')) return { type: 'show-timeouts' }
  if (has('daemon')) return { type: 'show-daemons' }
  return { type: 'list', id: serviceOf(draft), options: listOptions(draft.given) }
}

function serviceCommand(type: 'add-service' | 'edit-service', draft: Draft, flags: SchedulerFlags): Request {
  const id = needed(serviceOf(draft))
  const named = draft.scheduler || 'wlc'
  const onePacket = draft.given.has('ops')
  const persistent = draft.given.has('persistent')
  if (id.by === 'address' && id.vip.port === 0 && !persistent) {
    throw new UsageError('Zero port specified for non-persistent service').in(draft.given.get('service-address'))
  }
  if (onePacket && id.by === 'address' && id.protocol !== 'UDP') {
    throw new UsageError('One-Packet Scheduling is only for UDP virtual services').in(draft.given.get('ops'))
  }
  const unknown = (option: 'scheduler' | 'pe'): Request => ({ type: 'unknown-scheduler', command: type, id, option })
  const scheduler = SCHEDULERS.find((each) => each === named)
  if (scheduler === undefined) return unknown('scheduler')
  if (draft.engine !== '' && draft.engine !== 'sip') return unknown('pe')
  const persistence: Persistence | undefined = persistent
    ? {
        timeoutSeconds: draft.persistenceSeconds,
        clientPrefix: draft.prefix,
        ...(draft.engine === 'sip' ? { engine: 'sip' as const } : {}),
      }
    : undefined
  const service = { id, scheduler, flags, persistence, onePacket }
  return { type: 'change', command: { type, service } }
}

function serverCommand(type: 'add-server' | 'edit-server' | 'delete-server', draft: Draft): Request {
  const id = needed(serviceOf(draft))
  const endpoint = needed(draft.server)
  if (type === 'delete-server') {
    // The port is taken as it stands: NAT's rule.
    return { type: 'change', command: { type, id, server: { endpoint, forwarding: { method: 'NAT' } } } }
  }
  if (isIpv4(endpoint.address) === draft.ipv6 && draft.method !== 'ipip') {
    throw new UsageError('Different address family is allowed only for tunneling servers').in(
      draft.given.get('real-server'),
    )
  }
  const { weight, upper, lower } = draft
  const server = { endpoint, forwarding: forwardingOf(draft), weight, thresholds: { upper, lower } }
  return { type: 'change', command: { type, id, server } }
}

const METHODS = { masquerading: 'NAT', gatewaying: 'DR', fullnat: 'FNAT' } as const

function forwardingOf({ given, method, tunnel: type, tunnelPort: port }: Draft): Forwarding {
  const checksums = (['tun-nocsum', 'tun-csum', 'tun-remcsum'] as const).filter((name) => given.has(name))
  const tunnels: readonly OptionName[] = ['tun-type', 'tun-port', ...checksums]
  if (method !== 'ipip') {
    const tunnel = tunnels.find((name) => given.has(name))
    if (tunnel !== undefined) {
      throw new UsageError('Tunnel options conflict with forward method').in(given.get(tunnel))
    }
    return { method: METHODS[method] }
  }
  const [first, second] = checksums
  if (first !== undefined && second !== undefined) {
    throw new UsageError(`The option '${second}' conflicts with the '${first}' option in the '${type}' tunnel type`).in(
      given.get(second),
    )
  }
  const illegal = (name: OptionName) =>
    new UsageError(`Illegal '${name}' option with the '${type}' tunnel type`).in(given.get(name))
  if (first !== undefined && (type === 'ipip' || (type === 'gre' && first === 'tun-remcsum'))) throw illegal(first)
  const checksum = first === 'tun-csum'
  if (type !== 'gue') {
    if (given.has('tun-port')) throw illegal('tun-port')
    return { method: 'TUN', tunnel: type === 'gre' ? { type, checksum } : { type } }
  }
  if (!given.has('tun-port')) throw new UsageError("You need to supply the 'tun-port' option for the 'gue' tunnel type")
  return { method: 'TUN', tunnel: { type, port, checksum: first === 'tun-remcsum' ? 'remote' : checksum } }
}
