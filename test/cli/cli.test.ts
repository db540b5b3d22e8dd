import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { formatStatus } from '../../src/cli/status.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'

const directory = mkdtempSync(join(tmpdir(), 'tanist-cli-'))
afterAll(() => rmSync(directory, { recursive: true }))
const root = join(import.meta.dirname, '../..')
const run = (program: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/cli', program), ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('tanistd -t', () => {
  test('a good file: one line and 0', () => {
    const file = join(root, 'conf/nat.conf')
    expect(run('tanistd.js', '-t', file)).toEqual({ status: 0, stdout: `${file}: good\n`, stderr: '' })
  })

  test('a bad file: every error and 5', () => {
    const file = join(directory, 'bad.conf')
    writeFileSync(file, 'vrrp_instance a {\n  priority 300\n}\nfoo\n')
    const { status, stderr } = run('tanistd.js', '-t', file)
    expect(status).toBe(5)
    expect(stderr).toContain(`${file}:2:12: error[bad-value]: expected a whole number from 1 to 255, found \`300\``)
    expect(stderr).toContain(`${file}:4:1: error[unknown-keyword]`)
    expect(stderr).toMatch(/: 4 errors, 1 warning\n$/)
  })

  test('a missing file is named', () => {
    expect(run('tanistd.js', '-t', '/no/such/file')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('cannot read /no/such/file: ENOENT'),
    })
  })
})

test('tanist without a daemon says so and exits with 2', () => {
  const { status, stderr } = run('tanist.js', '--socket', join(directory, 'none.sock'), 'status')
  expect(status).toBe(2)
  expect(stderr).toContain('cannot reach tanistd at')
})

describe('tanist status', () => {
  const counters = { connections: 12, inPackets: 1, outPackets: 1, inBytes: 1, outBytes: 1 }
  const now = Date.now()
  const at = new Date(now - 5000).toISOString()
  const snapshot: Snapshot = {
    name: 'tanist',
    routerId: 'lb1',
    version: '0.1.0',
    startedAt: at,
    configuration: { file: '/etc/tanist/tanist.conf', loadedAt: at, refused: [] },
    processes: [{ role: 'vrrp', pid: 7, restarts: 0, residentBytes: 50 * 1024 * 1024 }],
    instances: [
      {
        name: 'web',
        interface: 'eth0',
        vrid: 51,
        version: 3,
        priority: 150,
        state: 'master',
        since: at,
        reason: 'no adverts from a master',
        addresses: ['10.0.0.1/24'],
        advertsSent: 1,
        advertsReceived: 0,
        dropped: {},
        peers: [{ address: '10.0.0.9', priority: 100, lastHeard: at, rejected: 'interval' }],
      },
    ],
    services: [
      {
        name: '[10.0.0.1]:tcp:80',
        protocol: 'TCP',
        scheduler: 'wrr',
        method: 'NAT',
        quorum: 'up',
        counters,
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
            counters,
          },
        ],
      },
    ],
    drops: { ttl: 0, 'no-destination': 3 },
  }

  test('is a table of aligned columns', () => {
    expect(formatStatus(snapshot, now, false).split('\n').slice(2)).toEqual([
      'INSTANCE  STATE   SINCE  PRIORITY  INTERFACE  VRID     ADDRESSES    WHY',
      'web       MASTER  5 s    150       eth0       51 (v3)  10.0.0.1/24  no adverts from a master',
      '',
      'PEER      OF   PRIORITY  LAST HEARD',
      '10.0.0.9  web  100       5 s         rejected: interval',
      '',
      'SERVICE / SERVER           STATE      SINCE  WEIGHT  ACTIVE  INACTIVE  CONNECTIONS  WHY',
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

  test('has colours only where they are asked for', () => {
    expect(formatStatus(snapshot, now, false)).not.toContain('\u001b[')
    expect(formatStatus(snapshot, now, true)).toContain('\u001b[32mMASTER')
  })
})
