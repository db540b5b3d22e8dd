import type { Load } from '../../../model/core-reading.ts'
import type { Hop } from '../../../model/next-hop.ts'
import type { Forwarding, ServiceId, Thresholds, Tunnel } from '../../../model/service.ts'
import type { Endpoint } from '../../../model/endpoint.ts'
import { addressIn, encodeAddress, familyOf } from './address-layout.ts'
import { decodeHop, encodeHop, HOP } from './hop-layout.ts'
import { decodeServiceKey, encodeServiceKey, METHOD, SERVICE_KEY } from './service-layout.ts'
import { nameOf, struct, viewOf } from './struct.ts'

/** A real server of a service. */
export const DEST = struct('dest', 152, {
  service: [0, 20],
  addr: [20, 16],
  port: [36, 2],
  method: [38, 1],
  family: [39, 1],
  service_slot: [40, 4],
  state: [44, 2],
  releases_clients: [46, 2],
  weight: [48, 4],
  upper: [52, 4],
  lower: [56, 4],
  id: [60, 4],
  tunnel: [64, 1],
  tunnel_checksum: [65, 1],
  tunnel_port: [66, 2],
  hop: [68, 4],
  hops: [72, 80],
})

export const DEST_LOAD = struct('dest_load', 24, {
  active: [0, 4],
  inactive: [4, 4],
  persistent: [8, 4],
  unanswered: [12, 4],
  refused: [16, 4],
  reset: [20, 4],
})

const TUNNEL = { ipip: 0, gue: 1, gre: 2 } as const satisfies Record<Tunnel['type'], number>
const DEST_STATE = { free: 0, present: 1, removed: 2 } as const
const NO_CHECKSUM = 0
const REMOTE_CHECKSUM = 2

/** A real server as the core holds it. */
export interface DestEntry {
  readonly service: ServiceId
  readonly endpoint: Endpoint
  readonly forwarding: Forwarding
  readonly serviceSlot: number
  readonly state: keyof typeof DEST_STATE
  readonly weight: number
  /** Persistence keeps nobody here. */
  readonly releasesClients: boolean
  readonly thresholds: Thresholds
  readonly hop: Hop | undefined
}

/**
 * The values to write one after the other, so that a packet in between sees the hop of before or the one of now. `before`
 * is what the slot holds; `fresh`: it is given to this server only now.
 */
export function layDest(dest: DestEntry, before: Uint8Array, fresh: boolean): Uint8Array[] {
  const { at } = DEST
  const bytes = Uint8Array.from(before)
  const view = viewOf(bytes)
  bytes.set(encodeServiceKey(dest.service), at.service)
  bytes.set(encodeAddress(dest.endpoint.address), at.addr)
  view.setUint16(at.port, dest.endpoint.port)
  view.setUint8(at.method, METHOD[dest.forwarding.method])
  view.setUint8(at.family, familyOf(dest.endpoint.address))
  view.setUint32(at.service_slot, dest.serviceSlot, true)
  view.setUint16(at.state, DEST_STATE[dest.state], true)
  view.setUint16(at.releases_clients, Number(dest.releasesClients), true)
  view.setUint32(at.weight, dest.weight, true)
  view.setUint32(at.upper, dest.thresholds.upper, true)
  view.setUint32(at.lower, dest.thresholds.lower, true)
  if (fresh) view.setUint32(at.id, view.getUint32(at.id, true) + 1, true)
  const tunnel = dest.forwarding.method === 'TUN' ? dest.forwarding.tunnel : undefined
  view.setUint8(at.tunnel, TUNNEL[tunnel?.type ?? 'ipip'])
  view.setUint8(at.tunnel_checksum, checksumByte(tunnel))
  view.setUint16(at.tunnel_port, tunnel?.type === 'gue' ? tunnel.port : 0)
  const inUse = view.getUint32(at.hop, true)
  const hop = encodeHop(dest.hop)
  const start = at.hops + inUse * HOP.bytes
  if (!fresh && Buffer.compare(hop, bytes.subarray(start, start + HOP.bytes)) === 0) return [bytes]
  bytes.set(hop, at.hops + (1 - inUse) * HOP.bytes)
  const switched = Uint8Array.from(bytes)
  viewOf(switched).setUint32(at.hop, 1 - inUse, true)
  return [bytes, switched]
}

/** Undefined for a slot that was never used. */
export function decodeDest(bytes: Uint8Array): DestEntry | undefined {
  const { at } = DEST
  const view = viewOf(bytes)
  if (view.getUint8(at.method) === 0) return undefined
  const family = view.getUint8(at.family)
  return {
    service: decodeServiceKey(bytes.subarray(at.service, at.service + SERVICE_KEY.bytes)),
    endpoint: { address: addressIn(view, at.addr, family), port: view.getUint16(at.port) },
    forwarding: decodeForwarding(view),
    serviceSlot: view.getUint32(at.service_slot, true),
    state: nameOf(DEST_STATE, view.getUint16(at.state, true)),
    weight: view.getUint32(at.weight, true),
    releasesClients: view.getUint16(at.releases_clients, true) === 1,
    thresholds: { upper: view.getUint32(at.upper, true), lower: view.getUint32(at.lower, true) },
    hop: decodeHop(view, at.hops + view.getUint32(at.hop, true) * HOP.bytes, family),
  }
}

function checksumByte(tunnel: Tunnel | undefined): number {
  if (tunnel === undefined || tunnel.type === 'ipip') return NO_CHECKSUM
  return tunnel.checksum === 'remote' ? REMOTE_CHECKSUM : Number(tunnel.checksum)
}

function decodeForwarding(view: DataView): Forwarding {
  const { at } = DEST
  const method = nameOf(METHOD, view.getUint8(at.method))
  if (method !== 'TUN') return { method }
  const type = nameOf(TUNNEL, view.getUint8(at.tunnel))
  const byte = view.getUint8(at.tunnel_checksum)
  const checksum = byte !== NO_CHECKSUM
  switch (type) {
    case 'ipip':
      return { method, tunnel: { type } }
    case 'gue': {
      const port = view.getUint16(at.tunnel_port)
      return { method, tunnel: { type, port, checksum: byte === REMOTE_CHECKSUM ? 'remote' : checksum } }
    }
    case 'gre':
      return { method, tunnel: { type, checksum } }
  }
}

export function decodeLoad(bytes: Uint8Array): Load {
  const { at } = DEST_LOAD
  const view = viewOf(bytes)
  return {
    active: view.getUint32(at.active, true),
    inactive: view.getUint32(at.inactive, true),
    persistent: view.getUint32(at.persistent, true),
    unanswered: view.getUint32(at.unanswered, true),
    refused: view.getUint32(at.refused, true),
    reset: view.getUint32(at.reset, true),
  }
}
