import { type PlannedService, planService } from '../../src/balance/plan.ts'
import { address } from './packets.ts'

/** The one of this number in a network of 2^20 addresses. */
const within = (network: readonly [number, number], n: number) =>
  address(`${network[0]}.${network[1] + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`)

/** A service by NAT of as many servers as said, which no other service has. */
export function aService(index: number, servers: number): PlannedService {
  const destinations = Array.from({ length: servers }, (_, i) => ({
    endpoint: { address: within([10, 128], index * servers + i), port: 8080 },
    forwarding: { method: 'NAT' } as const,
    weight: 1,
    fullWeight: 1,
    thresholds: { upper: 0, lower: 0 },
  }))
  return planService(
    {
      id: { by: 'address', vip: { address: within([172, 16], index), port: 80 }, protocol: 'TCP' },
      marked: [],
      scheduler: 'rr',
      schedulerFlags: { port: false, fallback: false, third: false },
      persistence: undefined,
      onePacket: false,
      localAddresses: [],
      idleSeconds: undefined,
      access: [],
      throughFirewall: false,
    },
    destinations,
  )
}

export const manyServices = (services: number, servers: number): PlannedService[] =>
  Array.from({ length: services }, (_, index) => aService(index, servers))
