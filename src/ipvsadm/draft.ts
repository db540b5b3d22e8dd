import type { Protocol, Tunnel } from '../model/service.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { isIpv4, isMulticast, parseAddress } from '../net/address.ts'
import type { Option, OptionName } from './grammar.ts'
import { leadingNumber, looseIpv4, readEndpoint, type Resolver, wholeNumber } from './values.ts'
import { type Given, UsageError } from './words.ts'

const DEFAULT_PERSISTENCE_SECONDS = 360
const MAX_SECONDS = 2_678_400
/** Of weights and thresholds. */
const MAX_INT = 2_147_483_647
const U32 = 0xffffffff
const MAX_PORT = 65_535
const MAX_SYNC_MESSAGE = 65_507

/** What the options of a line have said so far. */
export interface Draft {
  /** Which were there, and the argument that each stood in. */
  readonly given: Map<OptionName, number>
  /** By which the names of ports go; of a service by mark, too. */
  protocol?: Protocol
  vip?: Endpoint
  mark?: number
  ipv6: boolean
  /** Bits of the persistence netmask. */
  prefix: number
  scheduler: string
  schedulerFlags: string
  persistenceSeconds: number
  engine: string
  server?: Endpoint
  method: 'masquerading' | 'ipip' | 'gatewaying' | 'fullnat'
  weight: number
  upper: number
  lower: number
  tunnel: Tunnel['type']
  tunnelPort: number
}

/**
 * Goes through the options from left to right, as ipvsadm does: what is wrong first is told, and what one says may be overridden by
 * one behind it. Throws UsageError.
 */
export function draftOf(options: Iterable<Given>, resolver: Resolver): Draft {
  const draft: Draft = {
    given: new Map(),
    ipv6: false,
    prefix: 32,
    scheduler: '',
    schedulerFlags: '',
    persistenceSeconds: DEFAULT_PERSISTENCE_SECONDS,
    engine: '',
    method: 'gatewaying',
    weight: 1,
    upper: 0,
    lower: 0,
    tunnel: 'ipip',
    tunnelPort: 0,
  }
  for (const each of options) {
    try {
      take(draft, each, resolver)
    } catch (error) {
      throw error instanceof UsageError ? error.in(each.valueAt) : error
    }
  }
  return draft
}

/** An IPv6 service begins with a mask of its own, whatever was said before. */
function setFamily(draft: Draft, ipv6: boolean): void {
  draft.ipv6 = ipv6
  if (ipv6) draft.prefix = 128
}

function take(draft: Draft, { option, value, at }: Given, resolver: Resolver): void {
  if (option.is === 'sort') return
  if (option.is === 'ipv6') {
    if (draft.mark === undefined) throw new UsageError('-6 used before -f\n')
    return setFamily(draft, true)
  }
  // Commands are never among the options.
  const name = option.is as OptionName
  if (draft.given.has(name)) throw new UsageError(`multiple '${name}' options specified`, { argument: at })
  draft.given.set(name, at)
  takeValue(draft, option, name, value, resolver)
}

function takeValue(
  draft: Draft,
  option: Option,
  name: OptionName,
  value: string | undefined,
  resolver: Resolver,
): void {
  const text = value ?? ''
  switch (name) {
    case 'service-address':
      return option.short === 'f' ? takeMark(draft, text) : takeAddress(draft, option, text, resolver)
    case 'scheduler':
      draft.scheduler = text
      return
    case 'sched-flags':
      draft.schedulerFlags = text
      return
    case 'persistent':
      if (value !== undefined) draft.persistenceSeconds = readSeconds(text, 1)
      return
    case 'netmask':
      draft.prefix = draft.ipv6 ? prefixLength(text) : maskLength(text, resolver)
      return
    case 'pe':
      draft.engine = text
      return
    case 'real-server': {
      const server = readEndpoint(text, draft.protocol, resolver)
      if (server === undefined) throw new UsageError('illegal real server address[:port] specified')
      draft.server = { address: server.address, port: server.port ?? draft.vip?.port ?? 0 }
      return
    }
    case 'forwarding-method':
      // It is called as the method is.
      draft.method = option.long as Draft['method']
      return
    case 'weight':
      draft.weight = limited('weight', text, 0, MAX_INT)
      return
    case 'u-threshold':
      draft.upper = limited('u_threshold', text, 0, MAX_INT)
      return
    case 'l-threshold':
      draft.lower = limited('l_threshold', text, 0, MAX_INT)
      return
    case 'tun-type':
      if (text !== 'ipip' && text !== 'gue' && text !== 'gre') throw new UsageError('illegal tunnel type specified')
      draft.tunnel = text
      return
    case 'tun-port':
      draft.tunnelPort = limited('tunnel port', text, 1, MAX_PORT)
      return
    case 'mcast-group':
      return checkGroup(text)
    case 'syncid':
      limited('syncid', text, 0, 255)
      return
    case 'sync-maxlen':
      limited('sync-maxlen', text, 1, MAX_SYNC_MESSAGE)
      return
    case 'mcast-port':
      limited('mcast-port', text, 1, MAX_PORT)
      return
    case 'mcast-ttl':
      limited('mcast-ttl', text, 1, 255)
      return
    case 'numeric':
    case 'connection':
    case 'mcast-interface':
    case 'timeout':
    case 'daemon':
    case 'stats':
    case 'rate':
    case 'thresholds':
    case 'persistent-conn':
    case 'nosort':
    case 'exact':
    case 'ops':
    case 'tun-info':
    case 'tun-nocsum':
    case 'tun-csum':
    case 'tun-remcsum':
      return
  }
}

function takeMark(draft: Draft, text: string): void {
  const mark = wholeNumber(text, 1, U32)
  if (mark === undefined) throw new UsageError(`invalid fwmark value \`${text}' specified`)
  draft.mark = mark
  draft.protocol = 'TCP'
}

function takeAddress(draft: Draft, { short, long }: Option, text: string, resolver: Resolver): void {
  draft.protocol = long === 'sctp-service' ? 'SCTP' : short === 'u' ? 'UDP' : 'TCP'
  const vip = readEndpoint(text, draft.protocol, resolver)
  if (vip === undefined) throw new UsageError('illegal virtual server address[:port] specified')
  draft.vip = { address: vip.address, port: vip.port ?? 0 }
  setFamily(draft, !isIpv4(vip.address))
}

function limited(what: string, text: string, lowest: number, highest: number): number {
  const value = wholeNumber(text, lowest, highest)
  if (value === undefined) throw new UsageError(`illegal ${what} specified`)
  return value
}

/** A time of at least so many seconds. Throws UsageError. */
export function readSeconds(text: string, lowest: number): number {
  const value = wholeNumber(text, lowest, MAX_SECONDS)
  if (value === undefined) throw new UsageError(`invalid timeout value \`${text}' specified`)
  return value
}

function prefixLength(text: string): number {
  const prefix = leadingNumber(text)
  if (prefix < 1 || prefix > 128) throw new UsageError('illegal ipv6 netmask specified')
  return prefix
}

/** Other than ipvsadm, takes no mask with a hole in it. */
function maskLength(text: string, resolver: Resolver): number {
  const named = () => {
    const address = resolver.address(text)
    return address === undefined ? undefined : looseIpv4(address)
  }
  const mask = looseIpv4(text) ?? named()
  const prefix = mask === undefined ? -1 : Math.clz32(~mask)
  if (mask === undefined || (prefix < 32 && (mask << prefix) >>> 0 !== 0)) {
    throw new UsageError('illegal virtual server persistent mask specified')
  }
  return prefix
}

function checkGroup(text: string): void {
  const address = parseAddress(text)
  if (address !== undefined && isMulticast(address)) return
  const family = address === undefined || isIpv4(address) ? 'IPv4' : 'IPv6'
  throw new UsageError(`invalid ${family} mcast-group \`${text}'`)
}
