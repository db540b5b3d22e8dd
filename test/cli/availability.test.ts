import { expect, test } from 'vitest'
import { formatAvailability } from '../../src/cli/availability.ts'
import { availabilityIn } from '../../src/control/availability.ts'
import type { AvailabilitySnapshot, ServerSnapshot, ServiceSnapshot } from '../../src/control/snapshot.ts'
import { millis } from '../../src/time.ts'

const counters = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }
const span = (up: number, down: number, failures: number) =>
  availabilityIn({ up: millis(up * 1000), down: millis(down * 1000), failures })
const server = (name: string, role: ServerSnapshot['role'], availability?: AvailabilitySnapshot): ServerSnapshot => ({
  name,
  role,
  state: 'up',
  since: undefined,
  reason: '',
  weight: 1,
  active: 0,
  inactive: 0,
  persistent: 0,
  counters,
  ...(availability === undefined ? {} : { availability }),
})
const service: ServiceSnapshot = {
  name: '[10.0.0.1]:tcp:80',
  owner: 'configuration',
  protocol: 'TCP',
  scheduler: 'wrr',
  method: 'NAT',
  quorum: 'up',
  counters,
  access: undefined,
  availability: { lastHour: span(3600, 0, 0), lastDay: span(86_400, 0, 0), last30Days: span(2_591_999.5, 0.5, 1) },
  servers: [
    server('[10.1.0.1]:80', 'real', {
      lastHour: span(0, 3600, 1),
      lastDay: span(64_800, 21_600, 3),
      last30Days: span(162_000, 18_000, 3),
    }),
    server('[10.1.0.2]:80', 'real', { lastHour: span(0, 0, 0), lastDay: span(0, 0, 0), last30Days: span(0, 0, 0) }),
    server('[10.1.0.3]:80', 'real'),
    server('[10.1.0.9]:80', 'sorry'),
  ],
}

test('availability is MTBF / (MTBF + MTTR)', () => {
  const { availability, mtbfSeconds = 0, mttrSeconds = 0 } = span(990, 10, 4)
  expect([availability, mtbfSeconds, mttrSeconds]).toEqual([0.99, 247.5, 2.5])
  expect(mtbfSeconds / (mtbfSeconds + mttrSeconds)).toBe(availability)
  expect(span(10, 0, 0)).toEqual({ availability: 1, upSeconds: 10, downSeconds: 0, failures: 0 })
  expect(span(0, 0, 0).availability).toBeUndefined()
})

test('what was ever down is not 100 %, and of what nobody has looked at nothing is said', () => {
  expect(formatAvailability([service], false).split('\n')).toEqual([
    'SERVICE / SERVER   1 h    24 h   30 d       KNOWN OF 30 d  FAILURES  MTBF  MTTR',
    '[10.0.0.1]:tcp:80  100 %  100 %  99.9999 %  30 d           1         30 d  0.5 s',
    '  [10.1.0.1]:80    0 %    75 %   90 %       2.1 d          3         15 h  100 min',
    '  [10.1.0.2]:80    -      -      -          0 s            0         -     -',
    '  [10.1.0.3]:80    -      -      -          -              -         -     -',
  ])
  expect(formatAvailability([service], true)).toContain('\u001b[33m99.9999 %')
  expect(formatAvailability([], false)).toBe('there is no virtual server')
})
