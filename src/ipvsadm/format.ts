import type { SchedulerFlags, ServiceId, Tunnel } from '../model/service.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { IpvsListing, ListedConnection, ListedServer, ListedService, Totals } from '../model/ipvs-listing.ts'
import type { Timeouts } from '../model/ipvs.ts'
import { addressBytes, isIpv4 } from '../net/address.ts'
import { SCHEDULER_FLAGS } from './grammar.ts'
import type { Namer } from './names.ts'
import type { ListOptions } from './parse.ts'

/** Widths to which ipvsadm cuts the names of IPv4 services and servers. */
const SERVICE_WIDTH = 33
const SERVER_WIDTH = 28

const TITLES: Readonly<Record<ListOptions['show'], string>> = {
  services: `Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`,
  stats: `Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
`,
  rate: `Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
`,
  thresholds: `Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn${' '}
  -> RemoteAddress:Port
`,
  'persistent-conn': `Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn${' '}
  -> RemoteAddress:Port
`,
  'tun-info': `Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn
`,
}

/** The whole table as `ipvsadm -L` shows it, blanks at the ends of lines and all. */
export function formatListing(listing: IpvsListing, options: ListOptions, names: Namer): string {
  return `IP Virtual Server version 1.2.1 (size=${listing.size})\n${formatServices(listing.services, options, names)}`
}

/** Some services, as `ipvsadm -L -t …` shows one: without the first line. */
export function formatServices(services: readonly ListedService[], options: ListOptions, names: Namer): string {
  const lines = sorted(services, options).flatMap((service) => [
    serviceLine(service, options, names),
    ...service.servers.map((server) => serverLine(server, service, options, names)),
  ])
  return TITLES[options.show] + lines.map((line) => `${line}\n`).join('')
}

/** By firewall mark, family, protocol, address and port; `--nosort` leaves them as the core has them. */
function sorted(services: readonly ListedService[], { sorted: wanted }: Pick<ListOptions, 'sorted'>): ListedService[] {
  if (!wanted) return [...services]
  return mergeSorted(services, (a, b) => compareServices(a.id, b.id)).map((service) => ({
    ...service,
    servers: mergeSorted(service.servers, (a, b) => compareEndpoints(a.endpoint, b.endpoint)),
  }))
}

/**
 * As glibc's `qsort` sorts. ipvsadm's comparison is no order (see `compareEndpoints`), so what comes out depends on which
 * elements are compared.
 */
function mergeSorted<T>(list: readonly T[], compare: (a: T, b: T) => number): T[] {
  if (list.length < 2) return [...list]
  const middle = Math.floor(list.length / 2)
  const left = mergeSorted(list.slice(0, middle), compare)
  const right = mergeSorted(list.slice(middle), compare)
  const merged: T[] = []
  let [l, r] = [0, 0]
  for (;;) {
    const [a, b] = [left[l], right[r]]
    if (a === undefined || b === undefined) return [...merged, ...left.slice(l), ...right.slice(r)]
    if (compare(a, b) <= 0) {
      merged.push(a)
      l++
    } else {
      merged.push(b)
      r++
    }
  }
}

const PROTOCOL_NUMBER = { TCP: 6, UDP: 17, SCTP: 132 } as const

function compareServices(a: ServiceId, b: ServiceId): number {
  const [markA, markB] = [a, b].map((id) => (id.by === 'fwmark' ? id.mark : 0)) as [number, number]
  const family = Number(isIpv6(a)) - Number(isIpv6(b))
  const byMark = (markA - markB) | 0 || family
  if (byMark !== 0 || a.by === 'fwmark' || b.by === 'fwmark') return byMark
  return PROTOCOL_NUMBER[a.protocol] - PROTOCOL_NUMBER[b.protocol] || compareEndpoints(a.vip, b.vip)
}

/**
 * As ipvsadm does, 32 bits of the addresses at a time: their difference is cut to 32 bits, so one that is more than half of
 * all numbers away counts as smaller. Where families are mixed, the first one's says how both are read.
 */
function compareEndpoints(a: Endpoint, b: Endpoint): number {
  const [bytesA, bytesB] = [Buffer.alloc(16), Buffer.alloc(16)]
  bytesA.set(addressBytes(a.address))
  bytesB.set(addressBytes(b.address))
  for (let at = 0; at < (isIpv4(a.address) ? 4 : 16); at += 4) {
    const difference = (bytesA.readUInt32BE(at) - bytesB.readUInt32BE(at)) | 0
    if (difference !== 0) return difference
  }
  return a.port - b.port
}

function endpointText({ address, port }: Endpoint, protocol: string, names: Namer): string {
  const name = names.port(port, protocol)
  return isIpv4(address) ? `${names.host(address)}:${name}` : `[${names.host(address)}]:${name}`
}

const protocolOf = (id: ServiceId): string => (id.by === 'address' ? id.protocol.toLowerCase() : 'tcp')

function serviceText(id: ServiceId, names: Namer): string {
  if (id.by === 'fwmark') return `FWM  ${id.mark}${id.family === 'inet6' ? ' IPv6' : ''}`
  const text = `${id.protocol.padEnd(4)} ${endpointText(id.vip, protocolOf(id), names)}`
  return isIpv4(id.vip.address) ? text.slice(0, SERVICE_WIDTH) : text
}

function serviceLine(service: ListedService, { show, exact }: ListOptions, names: Namer): string {
  const text = serviceText(service.id, names)
  if (show === 'stats') return text.padEnd(SERVICE_WIDTH) + numbersText(service.totals, exact, 9)
  if (show === 'rate') return text.padEnd(SERVICE_WIDTH) + numbersText(service.rates, exact, 9)
  const { scheduler, persistence, onePacket } = service
  const flags = flagNames(scheduler, service.flags)
  const bits = isIpv6(service.id) ? 128 : 32
  const mask = persistence !== undefined && persistence.clientPrefix < bits
  return [
    `${text} ${scheduler}`,
    ...(flags.length === 0 ? [] : [`(${flags.join(',')})`]),
    ...(persistence === undefined ? [] : [`persistent ${persistence.timeoutSeconds}`]),
    ...(mask ? [`mask ${maskText(persistence.clientPrefix, bits)}`] : []),
    ...(persistence?.engine === undefined ? [] : [`pe ${persistence.engine}`]),
    ...(onePacket ? ['ops'] : []),
  ].join(' ')
}

const isIpv6 = (id: ServiceId): boolean => (id.by === 'address' ? !isIpv4(id.vip.address) : id.family === 'inet6')

/** By the names that the scheduler has for them, if it has any. */
export function flagNames(scheduler: string, flags: SchedulerFlags): string[] {
  const own = scheduler === 'sh' || scheduler === 'mh' ? SCHEDULER_FLAGS[scheduler] : []
  const set = [flags.fallback, flags.port, flags.third]
  return set.flatMap((is, i) => (is ? [own[i] ?? `flag-${i + 1}`] : []))
}

/** A netmask of IPv4, a prefix length of IPv6. */
export function maskText(prefix: number, bits: 32 | 128): string {
  if (bits === 128) return String(prefix)
  return [0, 1, 2, 3].map((i) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - 8 * i)))).join('.')
}

const FORWARD = { NAT: 'Masq', DR: 'Route', TUN: 'Tunnel', FNAT: 'FullNat' } as const

function serverLine(server: ListedServer, service: ListedService, { show, exact }: ListOptions, names: Namer): string {
  const { endpoint, forwarding, weight, thresholds, active, inactive, persistent } = server
  const text = endpointText(endpoint, protocolOf(service.id), names)
  const name = `  -> ${(isIpv4(endpoint.address) ? text.slice(0, SERVER_WIDTH) : text).padEnd(SERVER_WIDTH)}`
  const wide = (value: number) => String(value).padEnd(10)
  const forward = FORWARD[forwarding.method].padEnd(7)
  const weightText = String(weight).padEnd(6)
  switch (show) {
    case 'services':
      return `${name} ${forward} ${weightText} ${wide(active)} ${wide(inactive)}`
    case 'tun-info': {
      const tunnel = forwarding.method === 'TUN' ? tunnelText(forwarding.tunnel) : 'n/a'
      return `${name} ${forward} ${tunnel.padEnd(13)} ${weightText} ${wide(active)} ${wide(inactive)}`
    }
    case 'stats':
      return name + numbersText(server.totals, exact, 9)
    case 'rate':
      return name + numbersText(server.rates, exact, 9)
    case 'thresholds':
      return `${name} ${wide(thresholds.upper)} ${wide(thresholds.lower)} ${wide(active)} ${wide(inactive)}`
    case 'persistent-conn':
      return `${name} ${String(weight).padEnd(9)} ${String(persistent).padEnd(11)} ${wide(active)} ${wide(inactive)}`
  }
}

function tunnelText(tunnel: Tunnel): string {
  switch (tunnel.type) {
    case 'ipip':
      return 'ipip'
    case 'gue':
      return `gue:${tunnel.port}:${tunnel.checksum === 'remote' ? 'r+c' : tunnel.checksum ? '+c' : '-c'}`
    case 'gre':
      return `gre:${tunnel.checksum ? '+c' : '-c'}`
  }
}

const numbersText = (totals: Totals, exact: boolean, width: number): string =>
  [totals.connections, totals.inPackets, totals.outPackets, totals.inBytes, totals.outBytes]
    .map((value) => (exact ? exactText(value, width) : shortText(value, width)))
    .join('')

/** Numbers of nine digits and more are cut to thousands, millions … */
function shortText(value: number, width: number): string {
  const units = [
    { below: 1e8, by: 1, sign: '' },
    { below: 1e9, by: 1e3, sign: 'K' },
    { below: 1e11, by: 1e6, sign: 'M' },
    { below: 1e14, by: 1e9, sign: 'G' },
    { below: Infinity, by: 1e12, sign: 'T' },
  ] as const
  const { by, sign } = units.find(({ below }) => value < below) ?? units[4]
  return `${Math.floor(value / by)}${sign}`.padStart(width)
}

/** One blank at least before it. */
function exactText(value: number, width: number): string {
  const text = String(value)
  return text.padStart(Math.max(width, text.length + 1))
}

/** The title of `ipvsadm -Lc`. */
export function connectionTitle(engines: boolean): string {
  const tail = engines ? 'pe name          pe_data\n' : '\n'
  return `IPVS connection entries\npro expire state       source             virtual            destination${engines ? '        ' : ''}${tail}`
}

/** One line of `ipvsadm -Lc`, with the persistence engine and what it goes by if so wished. */
export function connectionLine(connection: ListedConnection, names: Namer, engines = false): string {
  const { protocol, state, expiresSeconds, client, virtual, destination, callId } = connection
  const two = (value: number) => String(value).padStart(2, '0')
  const expires = `${two(Math.floor(expiresSeconds / 60))}:${two(expiresSeconds % 60)}`
  const text = (endpoint: Endpoint) => endpointText(endpoint, protocol.toLowerCase(), names)
  const engine = engines && callId !== undefined ? ` ${'sip'.padEnd(18)} ${callId}` : ''
  return `${protocol.padEnd(3)} ${expires.padEnd(6)} ${state.padEnd(11)} ${text(client).padEnd(18)} ${text(virtual).padEnd(18)} ${text(destination).padEnd(engine === '' ? 0 : 16)}${engine}\n`
}

/** `ipvsadm -L --timeout`. */
export const formatTimeouts = ({ tcp, tcpFin, udp }: Timeouts): string =>
  `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`

/** What `ipvsadm -S` writes: the commands that make the table. Thresholds are not among them, as with ipvsadm. */
export function formatSave(services: readonly ListedService[], names: Namer): string {
  return sorted(services, { sorted: true })
    .flatMap((service) => [
      saveService(service, names),
      ...service.servers.map((server) => saveServer(server, service, names)),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

function saveId(id: ServiceId, names: Namer): string {
  if (id.by === 'fwmark') return `-f ${id.mark}${id.family === 'inet6' ? ' -6' : ''}`
  const flag = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' }[id.protocol]
  return `${flag} ${endpointText(id.vip, protocolOf(id), names)}`
}

function saveService({ id, scheduler, flags, persistence, onePacket }: ListedService, names: Namer): string {
  const bits = isIpv6(id) ? 128 : 32
  const set = flagNames(scheduler, flags)
  return [
    `-A ${saveId(id, names)}`,
    `-s ${scheduler}`,
    ...(persistence === undefined ? [] : [`-p ${persistence.timeoutSeconds}`]),
    ...(persistence === undefined || persistence.clientPrefix === bits
      ? []
      : [`-M ${maskText(persistence.clientPrefix, bits)}`]),
    ...(persistence?.engine === undefined ? [] : [`--pe ${persistence.engine}`]),
    ...(set.length === 0 ? [] : [`-b ${set.join(',')}`]),
    ...(onePacket ? ['-o'] : []),
  ].join(' ')
}

function saveServer({ endpoint, forwarding, weight }: ListedServer, { id }: ListedService, names: Namer): string {
  const method = { NAT: '-m', DR: '-g', TUN: '-i', FNAT: '--fullnat' }[forwarding.method]
  const tunnel = forwarding.method === 'TUN' ? ` ${saveTunnel(forwarding.tunnel)}` : ''
  const where = endpointText(endpoint, protocolOf(id), names)
  return `-a ${saveId(id, names)} -r ${where} ${method} -w ${weight}${tunnel}`
}

function saveTunnel(tunnel: Tunnel): string {
  if (tunnel.type === 'ipip') return '--tun-type ipip'
  const checksum = tunnel.checksum === 'remote' ? '--tun-remcsum' : tunnel.checksum ? '--tun-csum' : '--tun-nocsum'
  const port = tunnel.type === 'gue' ? ` --tun-port ${tunnel.port}` : ''
  return `--tun-type ${tunnel.type}${port} ${checksum}`
}
