import type { Hop } from '../../model/next-hop.ts'
import {
  type Endpoint,
  type Forwarding,
  type ForwardingMethod,
  MAX_LOCAL_ADDRESSES,
  type Persistence,
  type Protocol,
  type Scheduler,
  type SchedulerFlags,
  type ServiceId,
  type Thresholds,
  type Tunnel,
} from '../../model/service.ts'
import { type Address, addressBytes, ipv6At, isIpv4 } from '../../net/address.ts'
import type { Traffic } from '../../model/traffic.ts'
import type { LaidTable } from './laid-table.ts'
import type { Connection } from '../../model/connection.ts'
import { ipv4At } from '../../net/ipv4.ts'

/**
 * The structs of `bpf/layout.h` as bytes. Addresses and ports are in network order, everything else in the host's, which
 * is little-endian on every machine that Tanist runs on.
 */

/** Names the pin directory: a daemon adopts only maps of its own layout. Raise it when a struct or a limit changes. */
export const LAYOUT_VERSION = 15

export const MAX_SERVICES = 1024
export const MAX_DESTS = 4096
/** Interfaces with a greater index have no XDP. */
export const MAX_LINKS = 1024

export const SIZE = {
  serviceKey: 20,
  service: 20,
  dest: 152,
  load: 16,
  counters: 40,
  flow4: 16,
  flow: 40,
  connection: 88,
  link: 8,
  localPool: 8 + MAX_LOCAL_ADDRESSES * 16,
  ownAddress: 20,
  accessKey: 24,
  access: 8,
  templateKey: 24,
  callId: 256,
  template: 32,
  settings: 136,
  sweep: 8,
  forget: 44,
} as const

/** Where a destination's two hops are, and how long each is. */
const HOPS = { at: 72, size: 40 } as const

/** `enum scheduler`. */
const SCHEDULER = {
  rr: 1,
  wrr: 2,
  lc: 3,
  wlc: 4,
  sed: 5,
  nq: 6,
  fo: 7,
  ovf: 8,
  dh: 9,
  sh: 10,
  mh: 11,
  none: 12,
  lblc: 13,
  lblcr: 14,
  twos: 15,
} as const satisfies Record<Scheduler, number>
const FLAG = { port: 1, fallback: 2, third: 4 } as const satisfies Record<keyof SchedulerFlags, number>
const ONE_PACKET = 8
const BY_HAND = 16
const SIP = 32
const LISTED = 64
const THROUGH_FIREWALL = 128
/** The bit in a packet's mark that routes it to the link for marks, by way of the firewall. */
export const FIREWALL_MARK = 0x2000_0000
/** `enum method`. */
export const METHOD = { NAT: 1, DR: 2, TUN: 3, FNAT: 4 } as const satisfies Record<ForwardingMethod, number>
/** Of a connection's flags. */
export const KEEPS_PORT = 8
const PROTOCOL = { TCP: 6, UDP: 17, SCTP: 132 } as const satisfies Record<Protocol, number>
const TUNNEL = { ipip: 0, gue: 1, gre: 2 } as const satisfies Record<Tunnel['type'], number>
const FAMILY = { ipv4: 2, ipv6: 10 } as const
const DEST_STATE = { free: 0, present: 1, removed: 2 } as const

/** `enum drop`, in its order. */
export const DROP_REASONS = [
  'no-destination',
  'destination-removed',
  'table-full',
  'client-port-changed',
  'ttl',
  'too-big',
  'no-route',
  'malformed',
  'fragment-without-first',
  'half-open',
  'no-local-port',
  'no-call-id',
  'denied',
  'error-rate',
] as const

export interface ServiceEntry {
  readonly slot: number
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly persistence: Persistence | undefined
  readonly onePacket: boolean
  readonly idleSeconds: number | undefined
  /** Has an access list. */
  readonly listed: boolean
  readonly throughFirewall: boolean
  readonly byHand: boolean
}

const HOP_LOCAL = 0xffffffff

/** Connections that each of the two tables holds unless said otherwise. */
export const DEFAULT_MAX_CONNECTIONS = 262_144
/** Share of a full table from which on half-open connections are dropped. */
export const DEFENCE_SHARE = 0.75

export interface DestEntry {
  readonly service: ServiceId
  readonly endpoint: Endpoint
  readonly forwarding: Forwarding
  readonly serviceSlot: number
  readonly state: keyof typeof DEST_STATE
  readonly weight: number
  readonly thresholds: Thresholds
  readonly hop: Hop | undefined
}

export interface Load {
  readonly active: number
  readonly inactive: number
  /** Clients that persistence keeps at this server. */
  readonly persistent: number
}

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function nameOf<T extends string>(values: Readonly<Record<T, number>>, value: number): T {
  for (const name in values) if (values[name] === value) return name
  throw new Error(`the core holds an unknown value: ${value}`)
}

/** An address in sixteen bytes, of which IPv4 takes the first four. */
export const addressIn = (view: DataView, offset: number, family: number): Address =>
  family === FAMILY.ipv4 ? ipv4At(view, offset) : ipv6At(view, offset)

export const familyOf = (address: Address) => (isIpv4(address) ? FAMILY.ipv4 : FAMILY.ipv6)

export function encodeServiceKey(key: ServiceId): Uint8Array {
  const bytes = new Uint8Array(SIZE.serviceKey)
  if (key.by === 'fwmark') {
    viewOf(bytes).setUint32(0, key.mark, true)
    bytes[19] = key.family === 'inet6' ? FAMILY.ipv6 : FAMILY.ipv4
    return bytes
  }
  bytes.set(addressBytes(key.vip.address), 0)
  viewOf(bytes).setUint16(16, key.vip.port)
  bytes[18] = PROTOCOL[key.protocol]
  bytes[19] = familyOf(key.vip.address)
  return bytes
}

export function decodeServiceKey(bytes: Uint8Array): ServiceId {
  const view = viewOf(bytes)
  if (view.getUint8(18) === 0) {
    const family = view.getUint8(19) === FAMILY.ipv6 ? 'inet6' : 'inet'
    return { by: 'fwmark', mark: view.getUint32(0, true), family }
  }
  return {
    by: 'address',
    vip: { address: addressIn(view, 0, view.getUint8(19)), port: view.getUint16(16) },
    protocol: nameOf(PROTOCOL, view.getUint8(18)),
  }
}

const flagBits = (flags: SchedulerFlags): number =>
  (flags.port ? FLAG.port : 0) | (flags.fallback ? FLAG.fallback : 0) | (flags.third ? FLAG.third : 0)

/** A scheduler's table: its head, then the slots of its entries, of which there are at most LONGEST_SEQUENCE. */
export function encodeTable({ scheduler, flags, slots }: LaidTable): readonly number[] {
  return [slots.length + SCHEDULER[scheduler] * 2 ** 16 + flagBits(flags) * 2 ** 24, ...slots]
}

export function encodeService(service: ServiceEntry): Uint8Array {
  const { slot, scheduler, flags, persistence } = service
  const bits =
    flagBits(flags) |
    (service.onePacket ? ONE_PACKET : 0) |
    (service.byHand ? BY_HAND : 0) |
    (persistence?.engine === 'sip' ? SIP : 0) |
    (service.listed ? LISTED : 0) |
    (service.throughFirewall ? THROUGH_FIREWALL : 0)
  const bytes = new Uint8Array(SIZE.service)
  const view = viewOf(bytes)
  view.setUint32(0, slot, true)
  view.setUint16(4, SCHEDULER[scheduler], true)
  view.setUint16(6, bits, true)
  if (persistence !== undefined) {
    view.setUint32(8, persistence.timeoutSeconds, true)
    view.setUint32(12, persistence.clientPrefix, true)
  }
  view.setUint32(16, service.idleSeconds ?? 0, true)
  return bytes
}

export function decodeService(bytes: Uint8Array): ServiceEntry {
  const view = viewOf(bytes)
  const bits = view.getUint16(6, true)
  const timeoutSeconds = view.getUint32(8, true)
  return {
    slot: view.getUint32(0, true),
    scheduler: nameOf(SCHEDULER, view.getUint16(4, true)),
    flags: {
      port: (bits & FLAG.port) !== 0,
      fallback: (bits & FLAG.fallback) !== 0,
      third: (bits & FLAG.third) !== 0,
    },
    onePacket: (bits & ONE_PACKET) !== 0,
    byHand: (bits & BY_HAND) !== 0,
    persistence:
      timeoutSeconds === 0
        ? undefined
        : {
            timeoutSeconds,
            clientPrefix: view.getUint32(12, true),
            ...((bits & SIP) === 0 ? {} : { engine: 'sip' as const }),
          },
    idleSeconds: view.getUint32(16, true) || undefined,
    listed: (bits & LISTED) !== 0,
    throughFirewall: (bits & THROUGH_FIREWALL) !== 0,
  }
}

export function encodeLink(mac: Uint8Array, xdp: boolean): Uint8Array {
  const bytes = new Uint8Array(SIZE.link)
  bytes.set(mac.subarray(0, 6))
  bytes[6] = xdp ? 1 : 0
  return bytes
}

/**
 * The values to write one after the other, so that a packet in between sees the hop of before or the one of now. `before`
 * is what the slot holds; `fresh`: it is given to this server only now.
 */
export function layDest(dest: DestEntry, before: Uint8Array, fresh: boolean): Uint8Array[] {
  const bytes = Uint8Array.from(before)
  const view = viewOf(bytes)
  bytes.set(encodeServiceKey(dest.service), 0)
  bytes.set(encodeAddress(dest.endpoint.address), 20)
  view.setUint16(36, dest.endpoint.port)
  view.setUint8(38, METHOD[dest.forwarding.method])
  view.setUint8(39, familyOf(dest.endpoint.address))
  view.setUint32(40, dest.serviceSlot, true)
  view.setUint32(44, DEST_STATE[dest.state], true)
  view.setUint32(48, dest.weight, true)
  view.setUint32(52, dest.thresholds.upper, true)
  view.setUint32(56, dest.thresholds.lower, true)
  if (fresh) view.setUint32(60, view.getUint32(60, true) + 1, true)
  const tunnel = dest.forwarding.method === 'TUN' ? dest.forwarding.tunnel : undefined
  view.setUint8(64, TUNNEL[tunnel?.type ?? 'ipip'])
  view.setUint8(65, checksumByte(tunnel))
  view.setUint16(66, tunnel?.type === 'gue' ? tunnel.port : 0)
  const inUse = view.getUint32(68, true)
  const hop = encodeHop(dest.hop)
  const start = HOPS.at + inUse * HOPS.size
  if (!fresh && Buffer.compare(hop, bytes.subarray(start, start + HOPS.size)) === 0) return [bytes]
  bytes.set(hop, HOPS.at + (1 - inUse) * HOPS.size)
  const switched = Uint8Array.from(bytes)
  viewOf(switched).setUint32(68, 1 - inUse, true)
  return [bytes, switched]
}

function encodeAddress(address: Address): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(addressBytes(address))
  return bytes
}

function encodeHop(hop: Hop | undefined): Uint8Array {
  const bytes = new Uint8Array(HOPS.size)
  const view = viewOf(bytes)
  if (hop === 'local') view.setUint32(0, HOP_LOCAL, true)
  else if (hop !== undefined) {
    view.setUint32(0, hop.ifindex, true)
    view.setUint32(4, hop.mtu, true)
    bytes.set(encodeAddress(hop.neighbour), 8)
    if (hop.source !== undefined) bytes.set(encodeAddress(hop.source), 24)
  }
  return bytes
}

function decodeHop(view: DataView, offset: number, family: number): Hop | undefined {
  const ifindex = view.getUint32(offset, true)
  if (ifindex === 0) return undefined
  if (ifindex === HOP_LOCAL) return 'local'
  const hasSource = [24, 28, 32, 36].some((at) => view.getUint32(offset + at) !== 0)
  return {
    ifindex,
    neighbour: addressIn(view, offset + 8, family),
    mtu: view.getUint32(offset + 4, true),
    source: hasSource ? addressIn(view, offset + 24, family) : undefined,
  }
}

/** Undefined for a slot that was never used. */
export function decodeDest(bytes: Uint8Array): DestEntry | undefined {
  const view = viewOf(bytes)
  if (view.getUint8(38) === 0) return undefined
  const family = view.getUint8(39)
  return {
    service: decodeServiceKey(bytes.subarray(0, SIZE.serviceKey)),
    endpoint: { address: addressIn(view, 20, family), port: view.getUint16(36) },
    forwarding: decodeForwarding(view),
    serviceSlot: view.getUint32(40, true),
    state: nameOf(DEST_STATE, view.getUint32(44, true)),
    weight: view.getUint32(48, true),
    thresholds: { upper: view.getUint32(52, true), lower: view.getUint32(56, true) },
    hop: decodeHop(view, HOPS.at + view.getUint32(68, true) * HOPS.size, family),
  }
}

const NO_CHECKSUM = 0
const REMOTE_CHECKSUM = 2

function checksumByte(tunnel: Tunnel | undefined): number {
  if (tunnel === undefined || tunnel.type === 'ipip') return NO_CHECKSUM
  return tunnel.checksum === 'remote' ? REMOTE_CHECKSUM : Number(tunnel.checksum)
}

function decodeForwarding(view: DataView): Forwarding {
  const method = nameOf(METHOD, view.getUint8(38))
  if (method !== 'TUN') return { method }
  const type = nameOf(TUNNEL, view.getUint8(64))
  const checksum = view.getUint8(65) !== NO_CHECKSUM
  switch (type) {
    case 'ipip':
      return { method, tunnel: { type } }
    case 'gue':
      return {
        method,
        tunnel: {
          type,
          port: view.getUint16(66),
          checksum: view.getUint8(65) === REMOTE_CHECKSUM ? 'remote' : checksum,
        },
      }
    case 'gre':
      return { method, tunnel: { type, checksum } }
  }
}

export function decodeLoad(bytes: Uint8Array): Load {
  const view = viewOf(bytes)
  return {
    active: view.getUint32(0, true),
    inactive: view.getUint32(4, true),
    persistent: view.getUint32(8, true),
  }
}

/** The sum of the per-CPU values. */
export function sumCounters(bytes: Uint8Array): Traffic {
  const view = viewOf(bytes)
  const total: [bigint, bigint, bigint, bigint, bigint] = [0n, 0n, 0n, 0n, 0n]
  for (let offset = 0; offset + SIZE.counters <= bytes.length; offset += SIZE.counters) {
    total.forEach((value, i) => (total[i] = value + view.getBigUint64(offset + i * 8, true)))
  }
  const [connections, inPackets, outPackets, inBytes, outBytes] = total
  return { connections, inPackets, outPackets, inBytes, outBytes }
}

/** The sum of per-CPU u64 values. */
export function sumU64(bytes: Uint8Array): bigint {
  let sum = 0n
  for (let offset = 0; offset + 8 <= bytes.length; offset += 8) sum += viewOf(bytes).getBigUint64(offset, true)
  return sum
}

/** A request to forget a connection, by what is listed of it. */
export function encodeForget({
  protocol,
  client,
  virtual,
}: Pick<Connection, 'protocol' | 'client' | 'virtual'>): Uint8Array {
  const bytes = new Uint8Array(SIZE.forget)
  const view = viewOf(bytes)
  bytes.set(encodeAddress(client.address), 0)
  bytes.set(encodeAddress(virtual.address), 16)
  view.setUint16(32, client.port)
  view.setUint16(34, virtual.port)
  bytes[36] = protocol === 'IP' ? 0 : PROTOCOL[protocol]
  bytes[37] = familyOf(client.address)
  return bytes
}
