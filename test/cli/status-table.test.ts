import { describe, expect, test } from 'vitest'
import { formatServiceStatus, formatStatus, servicesNamed } from '../../src/cli/status.ts'
import type { ProcessSnapshot, ServerSnapshot, Snapshot } from '../../src/control/snapshot.ts'

describe('tanist status', () => {
  const counters = { connections: 12, inPackets: 1, outPackets: 1, inBytes: 1, outBytes: 1 }
  const now = Date.now()
  const at = new Date(now - 5000).toISOString()
  const snapshot: Snapshot = {
    name: 'tanist',
    routerId: 'lb1',
    version: '0.1.0',
    startedAt: at,
    configuration: { file: '/etc/tanist/tanist.conf', loadedAt: at, refused: [], notRunning: [] },
    maintenance: false,
    processes: [{ role: 'vrrp', pid: 7, restarts: 0, residentBytes: 50 * 1024 * 1024 }],
    unknownVrids: [{ interface: 'eth0', vrid: 77, count: 9, source: '10.0.0.7' }],
    commands: [],
    bfdSessions: [],
    instances: [
      {
        name: 'web',
        interface: 'eth0',
        family: 4,
        vrid: 51,
        version: 3,
        priority: 150,
        effectivePriority: 150,
        trackers: [],
        state: 'master',
        duty: 'normal',
        since: at,
        reason: 'no adverts from a master',
        addresses: ['10.0.0.1/24'],
        advertsSent: 1,
        advertsReceived: 0,
        priorityZeroSent: 0,
        priorityZeroReceived: 0,
        becameMaster: 1,
        releasedMaster: 0,
        dropped: {},
        peers: [
          { address: '10.0.0.8', priority: undefined, lastHeard: undefined, rejected: undefined, notes: ['silent'] },
          { address: '10.0.0.9', priority: 100, lastHeard: at, rejected: 'interval', notes: ['2 s, here 1 s', 'more'] },
        ],
      },
    ],
    services: [
      {
        name: '[10.0.0.1]:tcp:80',
        owner: 'configuration',
        protocol: 'TCP',
        scheduler: 'wrr',
        method: 'NAT',
        quorum: 'up',
        counters,
        access: {
          prefixes: 3,
          others: 'deny',
          othersHits: 7,
          hits: [
            { verdict: 'allow', prefix: '10.0.0.0/8', hits: 41 },
            { verdict: 'deny', prefix: '10.9.9.9', hits: 0 },
          ],
        },
        servers: [
          {
            name: '[10.1.0.1]:80',
            role: 'real',
            state: 'down',
            since: at,
            reason: 'ECONNREFUSED',
            weight: 0,
            active: 1,
            inactive: 2,
            persistent: 0,
            counters,
          },
        ],
      },
    ],
    drops: { ttl: 0, 'no-destination': 3, 'client-port-changed': 2 },
  }

  test('is a table of aligned columns', () => {
    expect(formatStatus(snapshot, now, false).split('\n').slice(2)).toEqual([
      'INSTANCE  STATE   SINCE  PRIORITY  INTERFACE  VRID     ADDRESSES    REASON',
      'web       MASTER  5 s    150       eth0       51 (v3)  10.0.0.1/24  no adverts from a master',
      '',
      'PEER      INSTANCE  PRIORITY  LAST HEARD',
      '10.0.0.8  web                 never       silent',
      '10.0.0.9  web       100       5 s         rejected: interval; 2 s, here 1 s; more',
      '',
      'UNKNOWN VRID  INTERFACE  LAST SENDER  PACKETS',
      '77            eth0       10.0.0.7     9',
      '',
      'SERVICE / SERVER           STATE      SINCE  WEIGHT  ACTIVE  INACTIVE  CONNECTIONS  REASON',
      '[10.0.0.1]:tcp:80 wrr NAT  quorum up                                   12',
      '  [10.1.0.1]:80            DOWN       5 s    0       1       2         12           ECONNREFUSED',
      '',
      'DROPPED PACKETS',
      'no-destination   3',
      '',
      'PROCESS  PID  RESTARTS  MEMORY',
      'vrrp     7    0         50.0 MiB',
    ])
  })

  test('says first, in red, that there are two masters', () => {
    const two = { times: 1, seconds: 3, yielded: 0, now: { address: '10.0.0.9', priority: 90, since: at } }
    const instances = snapshot.instances.map((each) => ({ ...each, dual: two }))
    const text = 'two masters: 10.0.0.9 (90) is master, too; no adverts from a master'
    expect(formatStatus({ ...snapshot, instances }, now, true)).toContain(`\u001b[31m${text}\u001b[39m`)
    const over = snapshot.instances.map((each) => ({ ...each, dual: { ...two, now: undefined } }))
    expect(formatStatus({ ...snapshot, instances: over }, now, false)).not.toContain('two masters')
  })

  test('says how often another program took an address away', () => {
    const of = (addressesRestored: number) =>
      formatStatus(
        { ...snapshot, instances: snapshot.instances.map((each) => ({ ...each, addressesRestored })) },
        now,
        false,
      )
    expect(of(0)).not.toContain('took')
    expect(of(1)).toContain('no adverts from a master; another program took an address away, put back once')
    expect(of(7)).toContain('put back 7 times')
  })

  test('has routes, rules and static addresses, and what is missing of them in red', () => {
    const [instance] = snapshot.instances
    if (instance === undefined) throw new Error('there is one')
    const routing = [
      { kind: 'route', text: 'default via 10.0.0.254', state: 'set' },
      { kind: 'rule', text: '5: from all lookup 7', state: 'missing' },
    ] as const
    const staticObjects = [{ kind: 'address', text: '10.2.0.1/24 dev eth1', state: 'not set' }] as const
    const lines = formatStatus({ ...snapshot, instances: [{ ...instance, routing }], staticObjects }, now, false)
    expect(lines.split('\n').slice(5, 10)).toEqual([
      'ROUTE, RULE, STATIC ADDRESS   OF      STATE',
      'route default via 10.0.0.254  web     set',
      'rule 5: from all lookup 7     web     MISSING',
      'address 10.2.0.1/24 dev eth1  static  not set',
      '',
    ])
  })

  test('names in red what protects and does not run', () => {
    const notRunning = [{ feature: 'track_script', uses: 3, places: ['a.conf:7:3', 'a.conf:9:3'], why: 'no scripts' }]
    const partial = { ...snapshot, configuration: { ...snapshot.configuration, notRunning } }
    const lines = ['1 protection does not run:', '  track_script: 3 uses, first at a.conf:7:3: no scripts']
    expect(formatStatus(partial, now, false).split('\n').slice(2, 4)).toEqual(lines)
    expect(formatStatus(partial, now, true).split('\n').slice(2, 4)).toEqual(
      lines.map((line) => `\u001b[31m${line}\u001b[39m`),
    )
  })

  test('a server without weight is drained only when nothing of it is left', () => {
    const [service] = snapshot.services
    const [server] = service?.servers ?? []
    if (service === undefined || server === undefined) throw new Error('the snapshot has a server')
    const state = (change: Partial<ServerSnapshot>) => {
      const servers = [{ ...server, state: 'up' as const, weight: 0, active: 0, inactive: 0, ...change }]
      const text = formatStatus({ ...snapshot, services: [{ ...service, servers }] }, now, false)
      return / \[10\.1\.0\.1\]:80 +(\S+(?: \(\d+\))?)/.exec(text)?.[1]
    }
    expect(state({})).toBe('DRAINED')
    expect(state({ active: 2, inactive: 3 })).toBe('DRAINING (5)')
    expect(state({ inactive: 1 })).toBe('DRAINING (1)')
    expect(state({ persistent: 4 })).toBe('DRAINING (4)')
    expect(state({ weight: 1, active: 2 })).toBe('UP')
    expect(state({ state: 'down', active: 2 })).toBe('DOWN')
  })

  test('a weight that checkers ask for stands before that of the configuration', () => {
    const [service] = snapshot.services
    const [server] = service?.servers ?? []
    if (service === undefined || server === undefined) throw new Error('the snapshot has a server')
    const servers = [{ ...server, state: 'up' as const, weight: 3, configuredWeight: 10 }]
    const text = formatStatus({ ...snapshot, services: [{ ...service, servers }] }, now, false)
    expect(text).toMatch(/ \[10\.1\.0\.1\]:80 +UP .* 3 of 10 /)
  })

  test('a process that was started again says why', () => {
    const processes = [{ ...snapshot.processes[0], role: 'vrrp', restarts: 1, lastEnd: 'SIGKILL' }] as ProcessSnapshot[]
    const text = formatStatus({ ...snapshot, processes }, now, false)
    expect(text).toContain('vrrp     7    1         50.0 MiB  the previous one died (SIGKILL)')
  })

  test('one service alone, with what its access list has decided', () => {
    for (const name of ['[10.0.0.1]:tcp:80', '10.0.0.1:80', '10.0.0.1']) {
      expect(servicesNamed(snapshot, name), name).toEqual(snapshot.services)
    }
    expect(servicesNamed(snapshot, '10.0.0.1:443')).toEqual([])
    const lines = formatServiceStatus(snapshot, snapshot.services, now, false).split('\n')
    expect(lines.filter((line) => line.startsWith('web'))).toEqual([])
    expect(lines.slice(-4)).toEqual([
      'ACCESS TO [10.0.0.1]:tcp:80  PREFIX                                          HITS',
      'allow                        10.0.0.0/8                                      41',
      'deny                         10.9.9.9                                        0',
      'deny                         everybody else (1 more prefixes are not shown)  7',
    ])
  })

  test('has colours only where they are asked for', () => {
    expect(formatStatus(snapshot, now, false)).not.toContain('\u001b[')
    expect(formatStatus(snapshot, now, true)).toContain('\u001b[32mMASTER')
  })
})
