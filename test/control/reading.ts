import { type CoreReading, NO_FAULTS, type ServerReading, type ServiceReading } from '../../src/model/core-reading.ts'
import type { Counters } from '../../src/model/counters.ts'
import type { AddressService } from '../../src/model/service.ts'
import { ip } from '../vrrp/instances.ts'

/** So many of everything. */
export const counters = (count: number): Counters => {
  const each = BigInt(count)
  return { connections: each, inPackets: each, outPackets: each, inBytes: each, outBytes: each }
}

export const serviceId = (port: number): AddressService => ({
  by: 'address',
  vip: { address: ip('10.0.0.1'), port },
  protocol: 'TCP',
})

export const serviceReading = (port: number, change: Partial<ServiceReading> = {}): ServiceReading => ({
  id: serviceId(port),
  scheduler: 'rr',
  flags: { port: false, fallback: false, third: false },
  persistence: undefined,
  onePacket: false,
  byHand: false,
  access: undefined,
  counted: { run: 100 + port, counters: counters(0), zero: counters(0) },
  ...change,
})

export const serverReading = (port: number, host: number, change: Partial<ServerReading> = {}): ServerReading => ({
  service: serviceId(port),
  endpoint: { address: ip(`10.1.0.${host}`), port: 80 },
  forwarding: { method: 'NAT' },
  weight: 1,
  thresholds: { upper: 0, lower: 0 },
  isPresent: true,
  load: { active: 0, inactive: 0, persistent: 0, ...NO_FAULTS },
  counted: { run: 1000 * port + host, counters: counters(0), zero: counters(0) },
  ...change,
})

export const reading = (services: readonly ServiceReading[], servers: readonly ServerReading[]): CoreReading => ({
  size: 1024,
  timeouts: { tcp: 900, tcpFin: 120, udp: 300 },
  services,
  servers,
  drops: {},
})
