import type {
  Endpoint,
  ForwardingMethod,
  Persistence,
  Protocol,
  Scheduler,
  SchedulerFlags,
  Thresholds,
} from '../config/model.ts'
import { type Ipv4, ipv4At, ipv4Bytes } from '../net/ipv4.ts'

/**
 * The structs of `bpf/layout.h` as bytes. Addresses and ports are in network order, everything else in the host's, which
 * is little-endian on every machine that Tanist runs on.
 */

/** Names the pin directory: a daemon adopts only maps of its own layout. Raise it when a struct or a limit changes. */
export const LAYOUT_VERSION = 4

export const MAX_SERVICES = 1024
export const MAX_DESTS = 4096

export const SIZE = {
  serviceKey: 8,
  service: 16,
  dest: 56,
  load: 8,
  counters: 40,
  flow: 16,
  connection: 56,
  settings: 56,
  sweep: 8,
} as const

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
} as const satisfies Record<Scheduler, number>
const FLAG = { port: 1, fallback: 2 } as const satisfies Record<keyof SchedulerFlags, number>
const METHOD = { NAT: 1, DR: 2, TUN: 3 } as const satisfies Record<ForwardingMethod, number>
const PROTOCOL = { TCP: 6, UDP: 17 } as const satisfies Record<Protocol, number>
const DEST_STATE = { free: 0, present: 1, removed: 2 } as const

/** `enum drop`, in its order. */
export const DROP_REASONS = [
  'no-destination',
  'destination-removed',
  'table-full',
  'reply-key-taken',
  'ttl',
  'too-big',
  'no-route',
  'malformed',
] as const

/** `enum tcp_state` and the state of UDP, in order, with IPVS's default time-outs in seconds. */
const STATE_TIMEOUTS = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120, 300] as const

/** Identity of a service. */
export interface ServiceKey {
  readonly vip: Endpoint
  readonly protocol: Protocol
}

export interface ServiceEntry {
  readonly slot: number
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly persistence: Persistence | undefined
}

/** Interface and neighbour that packets to a real server are handed to. */
export interface Hop {
  readonly ifindex: number
  readonly neighbour: Ipv4
  readonly mtu: number
  /** This director's address on the way: the source of a tunnel. */
  readonly source?: Ipv4 | undefined
}

export interface DestEntry {
  readonly service: ServiceKey
  readonly endpoint: Endpoint
  readonly method: ForwardingMethod
  readonly serviceSlot: number
  readonly state: keyof typeof DEST_STATE
  readonly weight: number
  readonly thresholds: Thresholds
  readonly hop: Hop | undefined
}

export interface Load {
  readonly active: number
  readonly inactive: number
}

export interface Counters {
  readonly connections: bigint
  readonly inPackets: bigint
  readonly outPackets: bigint
  readonly inBytes: bigint
  readonly outBytes: bigint
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function nameOf<T extends string>(values: Readonly<Record<T, number>>, value: number): T {
  for (const name in values) if (values[name] === value) return name
  throw new Error(`the core holds an unknown value: ${value}`)
}

export function encodeServiceKey(key: ServiceKey): Uint8Array {
  const bytes = new Uint8Array(SIZE.serviceKey)
  bytes.set(ipv4Bytes(key.vip.address), 0)
  viewOf(bytes).setUint16(4, key.vip.port)
  bytes[6] = PROTOCOL[key.protocol]
  return bytes
}

export function decodeServiceKey(bytes: Uint8Array): ServiceKey {
  const view = viewOf(bytes)
  return {
    vip: { address: ipv4At(view, 0), port: view.getUint16(4) },
    protocol: nameOf(PROTOCOL, view.getUint8(6)),
  }
}

export function encodeService(service: ServiceEntry): Uint8Array {
  const { slot, scheduler, flags, persistence } = service
  const bits = (flags.port ? FLAG.port : 0) | (flags.fallback ? FLAG.fallback : 0)
  const bytes = new Uint8Array(SIZE.service)
  const view = viewOf(bytes)
  view.setUint32(0, slot, true)
  view.setUint16(4, SCHEDULER[scheduler], true)
  view.setUint16(6, bits, true)
  if (persistence !== undefined) {
    view.setUint32(8, persistence.timeoutSeconds, true)
    view.setUint32(12, maskOf(persistence.clientPrefix))
  }
  return bytes
}

/** A prefix length as the bits of an IPv4 netmask. */
const maskOf = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0)

export function decodeService(bytes: Uint8Array): ServiceEntry {
  const view = viewOf(bytes)
  const bits = view.getUint16(6, true)
  const timeoutSeconds = view.getUint32(8, true)
  const prefixOf = (mask: number) => (mask === 0xffffffff ? 32 : Math.clz32(~mask))
  return {
    slot: view.getUint32(0, true),
    scheduler: nameOf(SCHEDULER, view.getUint16(4, true)),
    flags: { port: (bits & FLAG.port) !== 0, fallback: (bits & FLAG.fallback) !== 0 },
    persistence: timeoutSeconds === 0 ? undefined : { timeoutSeconds, clientPrefix: prefixOf(view.getUint32(12)) },
  }
}

export function encodeDest(dest: DestEntry): Uint8Array {
  const bytes = new Uint8Array(SIZE.dest)
  const view = viewOf(bytes)
  bytes.set(encodeServiceKey(dest.service), 0)
  bytes.set(ipv4Bytes(dest.endpoint.address), 8)
  view.setUint16(12, dest.endpoint.port)
  view.setUint8(14, METHOD[dest.method])
  view.setUint32(16, dest.serviceSlot, true)
  view.setUint32(20, DEST_STATE[dest.state], true)
  view.setUint32(24, dest.weight, true)
  view.setUint32(40, dest.thresholds.upper, true)
  view.setUint32(44, dest.thresholds.lower, true)
  if (dest.hop !== undefined) {
    view.setUint32(28, dest.hop.mtu, true)
    view.setUint32(32, dest.hop.ifindex, true)
    bytes.set(ipv4Bytes(dest.hop.neighbour), 36)
    if (dest.hop.source !== undefined) bytes.set(ipv4Bytes(dest.hop.source), 48)
  }
  return bytes
}

/** Undefined for a slot that was never used. */
export function decodeDest(bytes: Uint8Array): DestEntry | undefined {
  const view = viewOf(bytes)
  if (view.getUint8(14) === 0) return undefined
  const ifindex = view.getUint32(32, true)
  const local = view.getUint32(48)
  return {
    service: decodeServiceKey(bytes.subarray(0, SIZE.serviceKey)),
    endpoint: { address: ipv4At(view, 8), port: view.getUint16(12) },
    method: nameOf(METHOD, view.getUint8(14)),
    serviceSlot: view.getUint32(16, true),
    state: nameOf(DEST_STATE, view.getUint32(20, true)),
    weight: view.getUint32(24, true),
    thresholds: { upper: view.getUint32(40, true), lower: view.getUint32(44, true) },
    hop:
      ifindex === 0
        ? undefined
        : {
            ifindex,
            neighbour: ipv4At(view, 36),
            mtu: view.getUint32(28, true),
            ...(local === 0 ? {} : { source: ipv4At(view, 48) }),
          },
  }
}

export function decodeLoad(bytes: Uint8Array): Load {
  const view = viewOf(bytes)
  return { active: view.getUint32(0, true), inactive: view.getUint32(4, true) }
}

/** The sum of the per-CPU values. */
export function sumCounters(bytes: Uint8Array): Counters {
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

/** Default time-outs; `clockOffsetNs` moves the program's clock in tests. */
export function encodeSettings(clockOffsetNs = 0n): Uint8Array {
  const bytes = new Uint8Array(SIZE.settings)
  const view = viewOf(bytes)
  STATE_TIMEOUTS.forEach((timeout, i) => view.setUint32(i * 4, timeout, true))
  view.setBigUint64(48, clockOffsetNs, true)
  return bytes
}
