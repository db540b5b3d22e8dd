import { expect, test } from 'vitest'
import { ipvsListing } from '../../src/control/ipvs-listing.ts'
import { NO_FAULTS } from '../../src/model/core-reading.ts'
import { counters, reading, serverReading, serviceReading } from './reading.ts'

const rate = (each: number) => ({ connections: each, inPackets: each, outPackets: each, inBytes: each, outBytes: each })
const spec = (host: number) => {
  const { endpoint, forwarding, weight, thresholds } = serverReading(80, host)
  return { endpoint, forwarding, weight, thresholds }
}

test('a listing has what is planned in its order, totals since they were set to zero, and the rates of each run', () => {
  const counted = { run: 7, counters: counters(12), zero: counters(10) }
  const open = { active: 1, inactive: 2, persistent: 3 }
  const load = { ...open, ...NO_FAULTS }
  const read = reading(
    [serviceReading(80, { counted })],
    [serverReading(80, 1), serverReading(80, 2, { counted: { ...counted, run: 8 }, load })],
  )
  const planned = { ...serviceReading(80), destinations: [spec(2), spec(1), spec(3)] }
  const { size, services } = ipvsListing(
    [planned],
    read,
    new Map([
      [7, rate(70)],
      [8, rate(80)],
    ]),
  )
  expect(size).toBe(1024)
  expect(services).toMatchObject([
    {
      owner: 'configuration',
      totals: rate(2),
      rates: rate(70),
      servers: [
        { endpoint: spec(2).endpoint, ...open, totals: rate(2), rates: rate(80) },
        { endpoint: spec(1).endpoint, active: 0, totals: rate(0), rates: rate(0) },
        // Planned, and not in the core yet.
        { endpoint: spec(3).endpoint, active: 0, totals: rate(0), rates: rate(0) },
      ],
    },
  ])
})
