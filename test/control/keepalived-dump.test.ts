import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { jsonText } from '../../src/control/keepalived-dump/json.ts'
import { stateText } from '../../src/control/keepalived-dump/state.ts'
import { statsText } from '../../src/control/keepalived-dump/stats.ts'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import { dumpFolder } from '../../src/daemon/director/keepalived-dumps.ts'
import type { Config } from '../../src/model/config.ts'
import { surroundings } from '../support/surroundings.ts'

function configOf(text: string): Config {
  const { config, diagnostics } = loadConfig({ name: 'x', text }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return config
}

const GLOBAL = (inside = '') => `global_defs {\n  router_id lb1\n  ${inside}\n}\n`
const INSTANCES = `
vrrp_script chk {
  script "/usr/bin/pgrep -x haproxy"
  interval 2
  timeout 1
  weight -20
  fall 3
  rise 2
}
vrrp_sync_group G {
  sync_group_tracking_weight
  group {
    a
    b
  }
}
vrrp_instance a {
  interface eth0
  virtual_router_id 51
  version 2
  priority 150
  advert_int 1
  smtp_alert
  notify_master "/etc/x.sh now"
  authentication {
    auth_type PASS
    auth_pass hunter22
  }
  track_script {
    chk
  }
  virtual_ipaddress {
    10.0.0.100/24
  }
  virtual_ipaddress_excluded {
    10.0.1.100
  }
}
vrrp_instance b {
  interface eth1
  virtual_router_id 52
  version 3
  advert_int 0.25
  nopreempt
  unicast_src_ip 10.0.0.1
  unicast_peer {
    10.0.0.2
  }
  virtual_ipaddress {
    10.0.2.100/24
  }
}
`
const config = configOf(GLOBAL() + INSTANCES)

const snapshot = (change: Partial<InstanceSnapshot>): InstanceSnapshot => ({
  name: 'a',
  interface: 'eth0',
  family: 4,
  trackers: [],
  vrid: 51,
  version: 2,
  priority: 150,
  effectivePriority: 130,
  state: 'master',
  duty: 'normal',
  since: '2026-11-08T06:05:04.321Z',
  reason: '',
  addresses: [],
  advertsSent: 12,
  advertsReceived: 11,
  priorityZeroSent: 1,
  priorityZeroReceived: 2,
  becameMaster: 3,
  releasedMaster: 4,
  dropped: {},
  peers: [],
  ...change,
})
const backup = snapshot({
  name: 'b',
  state: 'backup',
  effectivePriority: 100,
  peers: [
    { address: '10.0.0.2', priority: 200, lastHeard: '', rejected: undefined },
    { address: '10.0.0.9', priority: 7, lastHeard: '', rejected: 'interval' },
  ],
})

/** As exporters read keepalived.stats: a section, a name and a number. */
function counters(text: string): Record<string, number> {
  const found: Record<string, number> = {}
  let section = ''
  for (const line of text.split('\n').slice(1).filter(Boolean)) {
    const [, indent = '', name = '', value = ''] = /^( +)([^:]+):(.*)$/.exec(line) ?? []
    if (indent.length === 2) section = name
    if (value !== '') found[indent.length === 2 ? name : `${section}/${name}`] = Number(value)
  }
  return found
}

describe('keepalived.stats', () => {
  test('has the counters of each instance by keepalived names and places', () => {
    const text = statsText([snapshot({}), backup])
    expect(text.match(/^VRRP Instance: .*$/gm)).toEqual(['VRRP Instance: a', 'VRRP Instance: b'])
    expect(counters(statsText([snapshot({})]))).toEqual({
      'Advertisements/Received': 11,
      'Advertisements/Sent': 12,
      'Became master': 3,
      'Released master': 4,
      'Packet Errors/Length': 0,
      'Packet Errors/TTL': 0,
      'Packet Errors/Invalid Type': 0,
      'Packet Errors/Advertisement Interval': 0,
      'Packet Errors/Address List': 0,
      'Authentication Errors/Invalid Type': 0,
      'Authentication Errors/Type Mismatch': 0,
      'Authentication Errors/Failure': 0,
      'Priority Zero/Received': 2,
      'Priority Zero/Sent': 1,
    })
  })

  test.each([
    ['truncated', 'Packet Errors/Length'],
    ['ttl', 'Packet Errors/TTL'],
    ['type', 'Packet Errors/Invalid Type'],
    ['interval', 'Packet Errors/Advertisement Interval'],
    ['interval-zero', 'Packet Errors/Advertisement Interval'],
    ['count-zero', 'Packet Errors/Address List'],
    ['authentication-unknown', 'Authentication Errors/Invalid Type'],
    ['authentication-type', 'Authentication Errors/Type Mismatch'],
    ['authentication', 'Authentication Errors/Failure'],
  ])('a packet dropped for `%s` counts as %s', (reason, place) => {
    const before = counters(statsText([snapshot({})]))
    expect(counters(statsText([snapshot({ dropped: { [reason]: 7 } })]))).toEqual({ ...before, [place]: 7 })
  })
})

describe('keepalived.data', () => {
  const result = (type: 'good' | 'bad') =>
    ({ kind: 'script', name: 'chk', value: { type }, detail: '', at: 0 }) as const
  const text = stateText(config, [snapshot({}), backup], [result('bad')])
  const lines = text.split('\n')
  /** The lines of one block, from its heading to the next. */
  const block = (heading: string) => {
    const start = lines.indexOf(heading)
    const end = lines.findIndex((line, i) => i > start && !line.startsWith('   '))
    return lines.slice(start + 1, end)
  }

  test('tells of a master', () => {
    expect(block(' VRRP Instance = a')).toEqual([
      '   VRRP Version = 2',
      '   Sync group = G',
      '   State = MASTER',
      '   Flags: none',
      '   Wantstate = MASTER',
      '   Number of config faults = 0',
      '   Last transition = 1794117904.321000 (Sun Nov  8 06:05:04.321000 2026)',
      '   Interface = eth0',
      '   Multicast address 224.0.0.18',
      '   Gratuitous ARP delay = 5',
      '   Gratuitous ARP repeat = 5',
      '   Virtual Router ID = 51',
      '   Priority = 150',
      '   Effective priority = 130',
      '   Total priority = 130',
      '   Advert interval = 1 sec',
      '   Accept = enabled',
      '   Preempt = enabled',
      '   Promote_secondaries = disabled',
      '   Authentication type = SIMPLE_PASSWORD',
      '   Virtual IP (1):',
      '     10.0.0.100/24 dev eth0 scope global set',
      '   Virtual IP Excluded :',
      '     10.0.1.100 dev eth0 scope global set',
      '   Tracked scripts :',
      '     chk weight -20',
      '   Using smtp notification = yes',
      '   Notify deleted = Fault',
      "   Master state transition script = '/etc/x.sh' 'now'",
      '   Notify priority changes = false',
    ])
  })

  test('tells of a backup and its master', () => {
    expect(block(' VRRP Instance = b')).toEqual(
      expect.arrayContaining([
        '   State = BACKUP',
        '   Master router = 10.0.0.2',
        '   Master priority = 200',
        '     Using unicast',
        '   Using src_ip = 10.0.0.1 (from configuration)',
        '   Advert interval = 250 milli-sec',
        '   Preempt = disabled',
        '     10.0.2.100/24 dev eth1 scope global',
        '   Unicast Peer :',
        '     10.0.0.2 min_ttl 0 max_ttl 255',
        '   Using smtp notification = no',
      ]),
    )
  })

  test('tells of groups and scripts', () => {
    expect(block(' VRRP Sync Group = G, INIT')).toEqual([
      '   Num member fault 0, num member init 0',
      '   VRRP member instances :',
      '     a',
      '     b',
    ])
    expect(block(' VRRP Script = chk')).toEqual([
      "   Command = '/usr/bin/pgrep' '-x' 'haproxy'",
      '   Interval = 2 sec',
      '   Timeout = 1 sec',
      '   Rise = 2',
      '   Fall = 3',
      '   Result = 0',
      '   Init state = unknown',
      '   Status = BAD',
      '   VRRP instances :',
      '     a, weight -20',
      '   State = idle',
    ])
    expect(stateText(config, [], [result('good')])).toContain('   Status = GOOD\n')
    expect(stateText(config, [], [])).toContain('   Init state = INIT\n   Status = GOOD\n')
  })

  test('has no password', () => expect(text + jsonText(config, [snapshot({})], [])).not.toContain('hunter22'))
})

describe('keepalived.json', () => {
  const parsed = (made: Config) => JSON.parse(jsonText(made, [snapshot({}), backup], [])) as unknown

  test('is an array of instances with data and stats', () => {
    expect(parsed(config)).toMatchObject([
      {
        data: {
          iname: 'a',
          ifp_ifname: 'eth0',
          last_transition: 1794117904.321,
          garp_delay: 5,
          vrid: 51,
          base_priority: 150,
          effective_priority: 130,
          vipset: true,
          adver_int: 1,
          nopreempt: false,
          state: 2,
          wantstate: 2,
          version: 2,
          smtp_alert: true,
          notify_deleted: false,
          script_master: "'/etc/x.sh' 'now'",
          vips: ['10.0.0.100/24 dev eth0 scope global set'],
          evips: ['10.0.1.100 dev eth0 scope global set'],
          track_script: ["'/usr/bin/pgrep' '-x' 'haproxy'"],
          auth_type: 1,
        },
        stats: { advert_rcvd: 11, advert_sent: 12, become_master: 3, release_master: 4, pri_zero_sent: 1 },
      },
      {
        data: {
          iname: 'b',
          master_priority: 200,
          vipset: false,
          adver_int: 0.25,
          nopreempt: true,
          state: 1,
          smtp_alert: false,
          vips: ['10.0.2.100/24 dev eth1 scope global'],
          auth_type: 0,
        },
      },
    ])
  })

  test('of version 2 is an object with them, and what processes are watched', () => {
    const processes = 'vrrp_track_process web {\n  process nginx -g\n  quorum 2\n}\n'
    const tracking = INSTANCES.replace('nopreempt', 'nopreempt\n  track_process {\n    web weight 5\n  }')
    const made = configOf(GLOBAL('json_version 2') + processes + tracking)
    expect(parsed(made)).toMatchObject({
      vrrp: [{ data: { iname: 'a' } }, { data: { iname: 'b' } }],
      track_process: [{ process: 'web', parameters: '-g', min_processes: 2 }],
    })
    expect(parsed(configOf(GLOBAL('json_version 1') + processes + tracking))).toHaveLength(2)
  })
})

test.each<[string, string, object]>([
  ['nothing', '', { state: 'keepalived.data', stats: 'keepalived.stats', json: 'keepalived.json' }],
  ['a file', 'state_dump_file /run/x/my.state', { state: '/run/x/my.state' }],
  ['a folder', 'stats_dump_file /run/x.d/', { stats: '/run/x.d/keepalived.stats' }],
  ['a name', 'json_dump_file vrrp', { json: 'vrrp' }],
  ['no name of an instance', 'data_use_instance', { state: 'keepalived.data' }],
])('%s said of the files', (_what, said, files) => {
  expect(configOf(GLOBAL(said)).dumps.files).toMatchObject(files)
})

test('data_use_instance: names tell network namespaces and daemons apart', () => {
  const names = 'net_namespace blue\ninstance one\n'
  const files = (said: string) => configOf(names + GLOBAL(said)).dumps.files
  expect(files('data_use_instance')).toMatchObject({ state: 'keepalived.blue_one.data' })
  expect(files('data_use_instance\n json_dump_file /x.d/plain')).toMatchObject({ json: '/x.d/plain.blue_one' })
  expect(files('data_use_instance off')).toMatchObject({ state: 'keepalived.data' })
})

test.each<[NodeJS.ProcessEnv, string]>([
  [{}, '/tmp'],
  [{ TMPDIR: '/x' }, '/x'],
  [{ RUNTIME_DIRECTORY: '/run/tanist:/run/other' }, '/run/tanist'],
  [{ RUNTIME_DIRECTORY: '/run/tanist', TMPDIR: '/x' }, '/x'],
])('with %j they are in %s', (environment, folder) => expect(dumpFolder(environment)).toBe(folder))
