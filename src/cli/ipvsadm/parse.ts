import type { IpvsCommand } from '../../balance/ipvs-table.ts'
import type {
  Endpoint,
  Forwarding,
  Persistence,
  Protocol,
  Scheduler,
  SchedulerFlags,
  ServiceId,
} from '../../config/model.ts'
import type { Timeouts } from '../../forward/settings-layout.ts'
import { type Address, isIpv4, parseAddress } from '../../net/address.ts'
import { ALLOWED, type CommandName, LIST_ONE_OF, OPTION_ORDER, type OptionName, SCHEDULER_FLAGS } from './grammar.ts'
import { type Given, splitLine, UsageError } from './words.ts'

/** Turns names into numbers, as the system knows them. */
export interface Resolver {
  address(name: string): Address | undefined
  port(name: string, protocol: string): number | undefined
}

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
  /** What IPVS has and the core does not; ends with IPVS's own words. */
  | { readonly type: 'refused'; readonly message: string }

const DEFAULT_PERSISTENCE_SECONDS = 360
const MAX_SECONDS = 2_678_400
const MAX_WEIGHT = 2_147_483_647
const U32 = 0xffffffff

/** Schedulers that the core has. */
const SCHEDULERS: readonly string[] = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'sed',
  'nq',
  'fo',
  'ovf',
  'dh',
  'sh',
  'mh',
  'lblc',
  'lblcr',
  'twos',
  'none',
] satisfies readonly Scheduler[]

/** Reads one command line of ipvsadm 1.31. Throws UsageError with what ipvsadm would say. */
export function parseLine(args: readonly string[], resolver: Resolver, program: string): Request {
  if (args.length === 0) return { type: 'list', id: undefined, options: listOptions(new Map()) }
  const { command, commandValue, options, rest } = splitLine(args, program)
  const given = collect(options)
  if (command === 'set') return timeouts(rest)
  if (rest[0] !== undefined) throw new UsageError(`unexpected argument ${rest[0]}`)
  return new Line(command, commandValue, given, resolver).request()
}

type Options = ReadonlyMap<OptionName, Given>

function collect(options: readonly Given[]): Options {
  const given = new Map<OptionName, Given>()
  for (const option of options) {
    const { is } = option.word
    if (is === 'sort') continue
    if (is === 'ipv6') {
      const service = given.get('service-address')
      if (service?.word.short !== 'f') throw new UsageError('-6 used before -f\n')
      given.set('service-address', { ...service, value: `6 ${service.value}` })
      continue
    }
    // The rest of OPTIONS are names of options.
    const name = is as OptionName
    if (given.has(name)) throw new UsageError(`multiple '${name}' options specified`)
    given.set(name, option)
  }
  return given
}

function timeouts(values: readonly string[]): Request {
  const [tcp, tcpFin, udp] = values.map((value) => {
    const seconds = wholeNumber(value, 0, MAX_SECONDS)
    if (seconds === undefined) throw new UsageError(`invalid timeout value \`${value}' specified`)
    return seconds
  })
  if (tcp === undefined || tcpFin === undefined || udp === undefined) {
    throw new UsageError('--set option requires 3 timeout values')
  }
  if (values[3] !== undefined) throw new UsageError(`unexpected argument ${values[3]}`)
  return { type: 'set-timeouts', timeouts: { tcp, tcpFin, udp } }
}

function listOptions(given: Options): ListOptions {
  const modes = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'] as const
  return {
    show: modes.find((mode) => given.has(mode)) ?? 'services',
    numeric: given.has('numeric'),
    exact: given.has('exact'),
    sorted: !given.has('nosort'),
  }
}

/** A command with its options. */
class Line {
  readonly #command: CommandName
  readonly #role: string | undefined
  readonly #given: Options
  readonly #resolver: Resolver

  constructor(command: CommandName, role: string | undefined, given: Options, resolver: Resolver) {
    this.#command = command
    this.#role = role
    this.#given = given
    this.#resolver = resolver
  }

  request(): Request {
    const id = this.#has('service-address') ? this.#service() : undefined
    this.#checkOptions()
    switch (this.#command) {
      case 'add-service':
      case 'edit-service':
        return this.#serviceCommand(this.#command, this.#needed(id))
      case 'delete-service':
        return { type: 'change', command: { type: 'delete-service', id: this.#needed(id) } }
      case 'flush':
        return { type: 'change', command: { type: 'flush' } }
      case 'add-server':
      case 'edit-server':
      case 'delete-server':
        return this.#serverCommand(this.#command, this.#needed(id))
      case 'list':
        return this.#list(id)
      case 'zero':
        return { type: 'zero', id }
      case 'save':
        return { type: 'save', numeric: this.#has('numeric') }
      case 'start-daemon':
      case 'stop-daemon':
        return this.#daemon(this.#command)
      case 'restore':
      case 'help':
      case 'version':
        return { type: this.#command }
      case 'set':
        throw new UsageError('--set option requires 3 timeout values')
    }
  }

  #has(name: OptionName): boolean {
    return this.#given.has(name)
  }

  #value(name: OptionName): string | undefined {
    return this.#given.get(name)?.value
  }

  /** `checkOptions` has seen that it is there. */
  #needed<T>(value: T | undefined): T {
    if (value === undefined) throw new UsageError('illegal virtual server address[:port] specified')
    return value
  }

  #checkOptions(): void {
    const { needs, may } = ALLOWED[this.#command]
    const one: OptionName[] = []
    for (const name of OPTION_ORDER) {
      if (needs.includes(name) && !this.#has(name)) {
        throw new UsageError(`You need to supply the '${name}' option for the '${this.#command}' command`)
      }
      if (!this.#has(name)) continue
      if (!needs.includes(name) && !may.includes(name)) {
        throw new UsageError(`Illegal '${name}' option with the '${this.#command}' command`)
      }
      if (this.#command !== 'list' || !LIST_ONE_OF.includes(name)) continue
      if (one[0] !== undefined) {
        throw new UsageError(`The option '${name}' conflicts with the '${one[0]}' option in the 'list' command`)
      }
      one.push(name)
    }
  }

  #list(id: ServiceId | undefined): Request {
    const counts = (['stats', 'rate', 'thresholds'] as const).some((name) => this.#has(name))
    const other = (['connection', 'timeout', 'daemon'] as const).some((name) => this.#has(name))
    if (other && counts) throw new UsageError('options conflicts in the list command')
    if (this.#has('connection')) {
      return { type: 'connections', numeric: this.#has('numeric'), engines: this.#has('persistent-conn') }
    }
    if (this.#has('timeout')) return { type: 'show-timeouts' }
    if (this.#has('daemon')) return { type: 'show-daemons' }
    return { type: 'list', id, options: listOptions(this.#given) }
  }

  #daemon(command: 'start-daemon' | 'stop-daemon'): Request {
    if (this.#role !== 'master' && this.#role !== 'backup') {
      const name = command === 'start-daemon' ? 'start-daemon parameter' : 'start_daemon'
      throw new UsageError(`illegal ${name} specified`)
    }
    return { type: 'refused', message: command === 'start-daemon' ? 'Operation not supported' : 'No daemon is running' }
  }

  #service(): ServiceId {
    const { word, value = '' } = this.#given.get('service-address') ?? { word: undefined }
    if (word?.short === 'f') {
      const ipv6 = value.startsWith('6 ')
      const text = ipv6 ? value.slice(2) : value
      const mark = wholeNumber(text, 1, U32)
      if (mark === undefined) throw new UsageError(`invalid fwmark value \`${text}' specified`)
      return { by: 'fwmark', mark, family: ipv6 ? 'inet6' : 'inet' }
    }
    const protocol: Protocol = word?.long === 'sctp-service' ? 'SCTP' : word?.short === 'u' ? 'UDP' : 'TCP'
    const vip = this.#endpoint(value, protocol, 0)
    if (vip === undefined) throw new UsageError('illegal virtual server address[:port] specified')
    return { by: 'address', vip, protocol }
  }

  /** `HOST`, `HOST:PORT` or `[IPV6]:PORT`. */
  #endpoint(text: string, protocol: string, defaultPort: number): Endpoint | undefined {
    const bare = parseAddress(text)
    if (bare !== undefined) return { address: bare, port: defaultPort }
    const [, inBrackets, host = '', port] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(.+))?$/.exec(text) ?? []
    if (inBrackets !== undefined && port === undefined) return undefined
    const name = inBrackets ?? host
    const address = parseAddress(name) ?? (name === '' ? undefined : this.#resolver.address(name))
    const number =
      port === undefined
        ? defaultPort
        : (wholeNumber(port, 0, 65_535) ?? this.#resolver.port(port, protocol.toLowerCase()))
    return address === undefined || number === undefined ? undefined : { address, port: number }
  }

  #serviceCommand(type: 'add-service' | 'edit-service', id: ServiceId): Request {
    const scheduler = this.#value('scheduler') ?? 'wlc'
    const onePacket = this.#has('ops')
    const persistence = this.#persistence(id)
    if (onePacket && id.by === 'address' && id.protocol !== 'UDP') {
      throw new UsageError('One-Packet Scheduling is only for UDP virtual services')
    }
    if (id.by === 'address' && id.vip.port === 0 && persistence === undefined) {
      throw new UsageError('Zero port specified for non-persistent service')
    }
    const flags = this.#flags(scheduler)
    const engine = this.#value('pe')
    if (!SCHEDULERS.includes(scheduler) || (engine !== undefined && engine !== 'sip')) {
      return { type: 'refused', message: 'Scheduler or persistence engine not found' }
    }
    const kept =
      persistence === undefined || engine === undefined ? persistence : { ...persistence, engine: 'sip' as const }
    const service = { id, scheduler: scheduler as Scheduler, flags, persistence: kept, onePacket }
    return { type: 'change', command: { type, service } }
  }

  #persistence(id: ServiceId): Persistence | undefined {
    const ipv4 = id.by === 'address' ? isIpv4(id.vip.address) : id.family === 'inet'
    const clientPrefix = this.#prefix(ipv4)
    if (!this.#has('persistent')) return undefined
    const text = this.#value('persistent')
    const timeoutSeconds = text === undefined ? DEFAULT_PERSISTENCE_SECONDS : wholeNumber(text, 1, MAX_SECONDS)
    if (timeoutSeconds === undefined) throw new UsageError(`invalid timeout value \`${text}' specified`)
    return { timeoutSeconds, clientPrefix }
  }

  #prefix(ipv4: boolean): number {
    const text = this.#value('netmask')
    if (text === undefined) return ipv4 ? 32 : 128
    if (!ipv4) {
      const prefix = wholeNumber(text, 1, 128)
      if (prefix === undefined) throw new UsageError('illegal ipv6 netmask specified')
      return prefix
    }
    const mask = looseIpv4(text)
    const prefix = mask === undefined ? -1 : Math.clz32(~mask)
    if (mask === undefined || (prefix < 32 && (mask << prefix) >>> 0 !== 0)) {
      throw new UsageError('illegal virtual server persistent mask specified')
    }
    return prefix
  }

  #flags(scheduler: string): SchedulerFlags {
    const own = scheduler === 'sh' || scheduler === 'mh' ? SCHEDULER_FLAGS[scheduler] : []
    const foreign: readonly string[] = [...SCHEDULER_FLAGS.sh, ...SCHEDULER_FLAGS.mh]
    const numbers = (this.#value('sched-flags')?.split(',') ?? []).map((flag) => {
      const generic = /^flag-([123])$/.exec(flag)?.[1]
      if (generic !== undefined) return Number(generic)
      const place = own.findIndex((name) => name === flag)
      if (place !== -1) return place + 1
      if (foreign.includes(flag)) throw new UsageError(`incompatible scheduler flag \`${flag}'`)
      throw new UsageError(`invalid scheduler flag \`${flag}'`)
    })
    return { fallback: numbers.includes(1), port: numbers.includes(2), third: numbers.includes(3) }
  }

  #serverCommand(type: 'add-server' | 'edit-server' | 'delete-server', id: ServiceId): Request {
    const protocol = id.by === 'address' ? id.protocol : 'TCP'
    const endpoint = this.#endpoint(this.#value('real-server') ?? '', protocol, id.by === 'address' ? id.vip.port : 0)
    if (endpoint === undefined) throw new UsageError('illegal real server address[:port] specified')
    const forwarding = this.#forwarding()
    if (type === 'delete-server') {
      // The port is taken as it stands: NAT's rule.
      return { type: 'change', command: { type, id, server: { endpoint, forwarding: { method: 'NAT' } } } }
    }
    const number = (name: 'weight' | 'u-threshold' | 'l-threshold', otherwise: number, highest: number) => {
      const text = this.#value(name)
      const value = text === undefined ? otherwise : wholeNumber(text, 0, highest)
      if (value === undefined) throw new UsageError(`illegal ${name.replace('-', '_')} specified`)
      return value
    }
    const weight = number('weight', 1, MAX_WEIGHT)
    const thresholds = { upper: number('u-threshold', 0, U32), lower: number('l-threshold', 0, U32) }
    const ipv4 = id.by === 'address' ? isIpv4(id.vip.address) : id.family === 'inet'
    if (isIpv4(endpoint.address) !== ipv4 && forwarding.method !== 'TUN') {
      throw new UsageError('Different address family is allowed only for tunneling servers')
    }
    return { type: 'change', command: { type, id, server: { endpoint, forwarding, weight, thresholds } } }
  }

  #forwarding(): Forwarding {
    const said = this.#given.get('forwarding-method')?.word.long ?? 'gatewaying'
    const checksums = (['tun-nocsum', 'tun-csum', 'tun-remcsum'] as const).filter((name) => this.#has(name))
    const tunnels: readonly OptionName[] = ['tun-type', 'tun-port', ...checksums]
    if (said !== 'ipip') {
      if (tunnels.some((name) => this.#has(name))) throw new UsageError('Tunnel options conflict with forward method')
      return { method: said === 'masquerading' ? 'NAT' : said === 'fullnat' ? 'FNAT' : 'DR' }
    }
    const type = this.#value('tun-type') ?? 'ipip'
    if (type !== 'ipip' && type !== 'gue' && type !== 'gre') throw new UsageError('illegal tunnel type specified')
    const [first, second] = checksums
    if (first !== undefined && second !== undefined) {
      throw new UsageError(`The option '${second}' conflicts with the '${first}' option in the '${type}' tunnel type`)
    }
    const illegal = (name: OptionName) => new UsageError(`Illegal '${name}' option with the '${type}' tunnel type`)
    if (first !== undefined && (type === 'ipip' || (type === 'gre' && first === 'tun-remcsum'))) throw illegal(first)
    const checksum = first === 'tun-csum'
    const text = this.#value('tun-port')
    if (type !== 'gue') {
      if (text !== undefined) throw illegal('tun-port')
      return { method: 'TUN', tunnel: type === 'gre' ? { type, checksum } : { type } }
    }
    if (text === undefined) throw new UsageError("You need to supply the 'tun-port' option for the 'gue' tunnel type")
    const port = wholeNumber(text, 1, 65_535)
    if (port === undefined) throw new UsageError('illegal tunnel port specified')
    return { method: 'TUN', tunnel: { type, port, checksum: first === 'tun-remcsum' ? 'remote' : checksum } }
  }
}

/** Decimal digits within a range. */
function wholeNumber(text: string, lowest: number, highest: number): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return value >= lowest && value <= highest ? value : undefined
}

/** An address as inet_aton(3) reads it: of fewer than four parts, the last one fills the rest. */
function looseIpv4(text: string): number | undefined {
  const parts = text.split('.').map((part) => wholeNumber(part, 0, U32))
  const last = parts.pop()
  if (last === undefined || parts.length > 3 || last >= 256 ** (4 - parts.length)) return undefined
  let value = last
  for (const [i, part] of parts.entries()) {
    if (part === undefined || part > 255) return undefined
    value += part * 256 ** (3 - i)
  }
  return value >>> 0
}
