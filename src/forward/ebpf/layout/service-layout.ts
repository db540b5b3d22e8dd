import type {
  ForwardingMethod,
  Persistence,
  Protocol,
  Scheduler,
  SchedulerFlags,
  ServiceId,
} from '../../../model/service.ts'
import { addressBytes } from '../../../net/address.ts'
import { addressIn, FAMILY, familyOf } from './address-layout.ts'
import { nameOf, struct, viewOf } from './struct.ts'

/** A service by firewall mark has protocol 0, port 0, and the mark in place of the address. */
export const SERVICE_KEY = struct('service_key', 20, {
  vaddr: [0, 16],
  vport: [16, 2],
  proto: [18, 1],
  family: [19, 1],
})

export const SERVICE = struct('service', 20, {
  slot: [0, 4],
  scheduler: [4, 2],
  flags: [6, 2],
  persistence_s: [8, 4],
  client_prefix: [12, 4],
  timeout_s: [16, 4],
})

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
export const PROTOCOL = { TCP: 6, UDP: 17, SCTP: 132 } as const satisfies Record<Protocol, number>

/** A service as the core holds it. */
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

export function encodeServiceKey(key: ServiceId): Uint8Array {
  const { at } = SERVICE_KEY
  const bytes = new Uint8Array(SERVICE_KEY.bytes)
  if (key.by === 'fwmark') {
    viewOf(bytes).setUint32(at.vaddr, key.mark, true)
    bytes[at.family] = key.family === 'inet6' ? FAMILY.ipv6 : FAMILY.ipv4
    return bytes
  }
  bytes.set(addressBytes(key.vip.address), at.vaddr)
  viewOf(bytes).setUint16(at.vport, key.vip.port)
  bytes[at.proto] = PROTOCOL[key.protocol]
  bytes[at.family] = familyOf(key.vip.address)
  return bytes
}

export function decodeServiceKey(bytes: Uint8Array): ServiceId {
  const { at } = SERVICE_KEY
  const view = viewOf(bytes)
  if (view.getUint8(at.proto) === 0) {
    const family = view.getUint8(at.family) === FAMILY.ipv6 ? 'inet6' : 'inet'
    return { by: 'fwmark', mark: view.getUint32(at.vaddr, true), family }
  }
  return {
    by: 'address',
    vip: { address: addressIn(view, at.vaddr, view.getUint8(at.family)), port: view.getUint16(at.vport) },
    protocol: nameOf(PROTOCOL, view.getUint8(at.proto)),
  }
}

const flagBits = (flags: SchedulerFlags): number =>
  (flags.port ? FLAG.port : 0) | (flags.fallback ? FLAG.fallback : 0) | (flags.third ? FLAG.third : 0)

/**
 * Of a scheduler's table: its head, as TABLE_LENGTH and its neighbours in `layout.h` read it, then the slots of its entries, of which
 * there are at most LONGEST_SEQUENCE.
 */
export function encodeTable(table: {
  readonly scheduler: Scheduler
  readonly flags: SchedulerFlags
  readonly slots: readonly number[]
}): readonly number[] {
  const { scheduler, flags, slots } = table
  return [slots.length + SCHEDULER[scheduler] * 2 ** 16 + flagBits(flags) * 2 ** 24, ...slots]
}

export function encodeService(service: ServiceEntry): Uint8Array {
  const { at } = SERVICE
  const { slot, scheduler, flags, persistence } = service
  const bits =
    flagBits(flags) |
    (service.onePacket ? ONE_PACKET : 0) |
    (service.byHand ? BY_HAND : 0) |
    (persistence?.engine === 'sip' ? SIP : 0) |
    (service.listed ? LISTED : 0) |
    (service.throughFirewall ? THROUGH_FIREWALL : 0)
  const bytes = new Uint8Array(SERVICE.bytes)
  const view = viewOf(bytes)
  view.setUint32(at.slot, slot, true)
  view.setUint16(at.scheduler, SCHEDULER[scheduler], true)
  view.setUint16(at.flags, bits, true)
  if (persistence !== undefined) {
    view.setUint32(at.persistence_s, persistence.timeoutSeconds, true)
    view.setUint32(at.client_prefix, persistence.clientPrefix, true)
  }
  view.setUint32(at.timeout_s, service.idleSeconds ?? 0, true)
  return bytes
}

export function decodeService(bytes: Uint8Array): ServiceEntry {
  const { at } = SERVICE
  const view = viewOf(bytes)
  const bits = view.getUint16(at.flags, true)
  const timeoutSeconds = view.getUint32(at.persistence_s, true)
  return {
    slot: view.getUint32(at.slot, true),
    scheduler: nameOf(SCHEDULER, view.getUint16(at.scheduler, true)),
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
            clientPrefix: view.getUint32(at.client_prefix, true),
            ...((bits & SIP) === 0 ? {} : { engine: 'sip' as const }),
          },
    idleSeconds: view.getUint32(at.timeout_s, true) || undefined,
    listed: (bits & LISTED) !== 0,
    throughFirewall: (bits & THROUGH_FIREWALL) !== 0,
  }
}
