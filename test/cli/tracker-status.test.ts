import { describe, expect, test } from 'vitest'
import { formatStatus } from '../../src/cli/status.ts'
import { priorityText } from '../../src/cli/tracker-status.ts'
import type { InstanceSnapshot, Snapshot, TrackerSnapshot } from '../../src/control/snapshot.ts'
import { InstanceRecords } from '../../src/daemon/vrrp/instance-records.ts'
import type { Track } from '../../src/model/tracking.ts'
import { anInstance } from '../vrrp/instances.ts'
import { anInterface, aResult, Story } from '../vrrp/story.ts'

const at = '2026-01-01T00:00:00.000Z'
const now = Date.parse(at) + 12_000
const tracker = (change: Partial<TrackerSnapshot>): TrackerSnapshot => ({
  kind: 'script',
  name: 'chk_haproxy',
  weight: -20,
  reverse: false,
  from: 'instance',
  state: 'bad',
  consequence: 'weight',
  contribution: -20,
  detail: 'exit status 1 after 12 ms',
  since: at,
  ...change,
})
const instance = (effectivePriority: number, trackers: readonly TrackerSnapshot[]): InstanceSnapshot => ({
  name: 'web',
  interface: 'eth0',
  family: 4,
  vrid: 51,
  version: 3,
  priority: 150,
  effectivePriority,
  trackers,
  state: 'backup',
  duty: 'normal',
  since: at,
  reason: '10.0.0.2 is master with priority 140',
  addresses: [],
  advertsSent: 0,
  advertsReceived: 0,
  priorityZeroSent: 0,
  priorityZeroReceived: 0,
  becameMaster: 0,
  releasedMaster: 0,
  dropped: {},
  peers: [],
})

describe('the priority', () => {
  test.each<[string, number, readonly Partial<TrackerSnapshot>[]]>([
    ['150', 150, []],
    ['150', 150, [{ contribution: 0, state: 'good' }]],
    ['150 − 20 (chk_haproxy) = 130', 130, [{}]],
    ['150 − 20 (chk_haproxy) + 7 (load) = 137', 137, [{}, { name: 'load', contribution: 7 }]],
    ['150 − 200 (chk_haproxy) = −50 → 1', 1, [{ contribution: -200 }]],
    ['150 + 200 (chk_haproxy) = 350 → 254', 254, [{ contribution: 200 }]],
  ])('%s', (text, effective, trackers) => {
    expect(priorityText(instance(effective, trackers.map(tracker)))).toBe(text)
  })
})

const snapshot = (instances: readonly InstanceSnapshot[]): Snapshot => ({
  name: 'lb1',
  routerId: undefined,
  version: '1.0.0',
  startedAt: at,
  configuration: { file: 'tanist.conf', loadedAt: at, refused: [], notRunning: [] },
  maintenance: false,
  processes: [],
  instances,
  unknownVrids: [],
  commands: [],
  bfdSessions: [],
  services: [],
  drops: {},
})

test('tanist status has a line for each tracker: who, state, since when, weight, last result', () => {
  const unknown = { state: 'unknown', consequence: 'wait', contribution: 0, weight: 0, since: undefined } as const
  const trackers = [
    tracker({}),
    tracker({ name: 'chk_db', ...unknown, detail: '' }),
    tracker({ kind: 'interface', name: 'eth1', weight: 0, consequence: 'fault', contribution: 0, detail: 'missing' }),
    tracker({
      kind: 'file',
      name: 'load',
      weight: 2,
      reverse: true,
      state: -3,
      contribution: 6,
      from: 'group',
      detail: '-3',
    }),
  ]
  expect(
    formatStatus(snapshot([instance(136, trackers)]), now, false)
      .split('\n')
      .slice(2),
  ).toEqual([
    'INSTANCE  STATE   SINCE  PRIORITY                                 INTERFACE  VRID     ADDRESSES  REASON',
    'web       BACKUP  12 s   150 − 20 (chk_haproxy) + 6 (load) = 136  eth0       51 (v3)             10.0.0.2 is master with priority 140',
    '',
    'TRACKER             INSTANCE            STATE             SINCE  WEIGHT     LAST RESULT',
    'script chk_haproxy  web                 BAD               12 s   −20        exit status 1 after 12 ms',
    'script chk_db       web                 UNKNOWN: waiting         fault',
    'interface eth1      web                 BAD: fault        12 s   fault      missing',
    'file load           web (by its group)  −3                12 s   2 reverse  -3',
  ])
})

test('the trackers are those of the election, with what they have said', () => {
  const script: Track = { kind: 'script', name: 's', weight: -20, reverse: false }
  const shared: Track = { kind: 'interface', name: 'eth9', weight: 0, reverse: true }
  const owner = anInstance({ name: 'b', vrid: 52, priority: 255, tracks: [script] })
  const groups = [{ name: 'g', instances: ['a'], tracks: [shared] }]
  const results = [aResult('script', 's', false, Date.parse(at))]
  const story = new Story([anInstance({ tracks: [script] }), owner], groups, [], { results })
  story.network(anInterface('eth9', { index: 9, up: false }))
  const [a, b] = new InstanceRecords().snapshot(story.state)
  const said = { kind: 'script', name: 's', weight: -20, reverse: false, from: 'instance', state: 'bad' }
  expect(a).toMatchObject({
    priority: 100,
    effectivePriority: 80,
    trackers: [
      { ...said, consequence: 'weight', contribution: -20, detail: 'said false', since: at },
      { kind: 'interface', name: 'eth9', from: 'group', state: 'bad', consequence: 'weight', detail: 'down' },
    ],
  })
  // The owner's priority never changes.
  expect(b).toMatchObject({ effectivePriority: 255, trackers: [{ ...said, contribution: 0 }] })
})
