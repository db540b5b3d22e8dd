import { expect, test } from 'vitest'
import { formatServiceStatus, servicesNamed } from '../../src/cli/status.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'

const at = '2026-01-01T00:00:00.000Z'
const counters = { connections: 12, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }
const snapshot: Snapshot = {
  name: 'lb1',
  routerId: undefined,
  version: '1.0.0',
  startedAt: at,
  configuration: { file: 'tanist.conf', loadedAt: at, refused: [], notRunning: [] },
  maintenance: false,
  processes: [],
  unknownVrids: [],
  commands: [],
  bfdSessions: [],
  instances: [],
  services: [
    {
      name: 'FWM 7',
      owner: 'ipvsadm',
      protocol: 'any',
      scheduler: 'wrr',
      method: undefined,
      quorum: undefined,
      counters,
      access: undefined,
      servers: [
        {
          name: '[10.1.0.1]:80',
          role: 'real',
          state: 'up',
          since: undefined,
          reason: 'not checked',
          weight: 1,
          active: 1,
          inactive: 2,
          persistent: 0,
          counters,
        },
      ],
    },
  ],
  drops: {},
}

test('a service that was made by hand says so', () => {
  const services = servicesNamed(snapshot, 'FWM 7')
  expect(formatServiceStatus(snapshot, services, Date.parse(at), false).split('\n').slice(2)).toEqual([
    'SERVICE / SERVER  STATE  SINCE  WEIGHT  ACTIVE  INACTIVE  CONNECTIONS  REASON',
    'FWM 7 wrr                                                 12           made by hand with tanist-ipvsadm',
    '  [10.1.0.1]:80   UP            1       1       2         12           not checked',
  ])
})
