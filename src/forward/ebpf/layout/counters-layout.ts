import type { Counters } from '../../../model/counters.ts'
import { struct, viewOf } from './struct.ts'

/** What is counted of a service or a server, for each processor. */
export const COUNTERS = struct('counters', 40, {
  connections: [0, 8],
  in_packets: [8, 8],
  out_packets: [16, 8],
  in_bytes: [24, 8],
  out_bytes: [32, 8],
})

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
  'closed',
  'connection-ended',
] as const

/** The sum of the values of all processors. */
export function sumCounters(bytes: Uint8Array): Counters {
  const { at } = COUNTERS
  const view = viewOf(bytes)
  let [connections, inPackets, outPackets, inBytes, outBytes] = [0n, 0n, 0n, 0n, 0n]
  for (let cpu = 0; cpu + COUNTERS.bytes <= bytes.length; cpu += COUNTERS.bytes) {
    connections += view.getBigUint64(cpu + at.connections, true)
    inPackets += view.getBigUint64(cpu + at.in_packets, true)
    outPackets += view.getBigUint64(cpu + at.out_packets, true)
    inBytes += view.getBigUint64(cpu + at.in_bytes, true)
    outBytes += view.getBigUint64(cpu + at.out_bytes, true)
  }
  return { connections, inPackets, outPackets, inBytes, outBytes }
}

/** The sum of the numbers of all processors. */
export function sumU64(bytes: Uint8Array): bigint {
  let sum = 0n
  for (let offset = 0; offset + 8 <= bytes.length; offset += 8) sum += viewOf(bytes).getBigUint64(offset, true)
  return sum
}
