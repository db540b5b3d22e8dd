import { describe, expect, test } from 'vitest'
import { trackerLines, verdictLine } from '../../src/daemon/director/keepalived-lines.ts'
import { advertLine, groupLines, priorityLines } from '../../src/daemon/vrrp/keepalived-lines.ts'
import { poolChanges } from '../../src/balance/pool-changes.ts'
import { formPool } from '../../src/balance/pool.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { TrackerResult } from '../../src/model/tracking.ts'
import { MemberTable } from '../../src/vrrp/member-table.ts'
import { emptyEngine, type EngineState, type Member } from '../../src/vrrp/state.ts'
import { anInstance, ip } from '../vrrp/instances.ts'
import { Story } from '../vrrp/story.ts'
import { surroundings } from '../support/surroundings.ts'
import { OF_A_RUN, promisedPhrases } from '../support/phrases.ts'

/** The member of a story with another state. */
function member(state: object, change: Parameters<typeof anInstance>[0] = {}): Member {
  const [found] = new Story([anInstance(change)]).state.members.values()
  if (found === undefined) throw new Error('one instance was configured')
  return { ...found, state: { ...found.state, ...state } }
}
const SOURCE = ip('10.0.0.2')
const GROUP = { name: 'G', instances: ['a'], tracks: [] }

function trackerResult(kind: TrackerResult['kind'], type: 'good' | 'bad', detail = ''): TrackerResult {
  return { kind, name: 'chk', value: { type }, detail, at: 0 }
}

describe('an advert', () => {
  const backup = { name: 'backup', heard: undefined }
  const master = { name: 'master' }
  test.each<[string, object, object, number, string | undefined]>([
    ['lower, at a backup', backup, {}, 50, '(a) received lower priority (50) advert from 10.0.0.2 - discarding'],
    ['lower, with nopreempt', backup, { preempt: false }, 50, undefined],
    ['higher, at a backup', backup, {}, 150, undefined],
    ['a farewell, at a backup', backup, {}, 0, '(a) Backup received priority 0 advertisement'],
    [
      'the same as the one before',
      { name: 'backup', heard: { source: SOURCE, priority: 50, at: 0 } },
      {},
      50,
      undefined,
    ],
    [
      'higher, at a master',
      master,
      {},
      150,
      '(a) Master received advert from 10.0.0.2 with higher priority 150, ours 100',
    ],
    ['lower, at a master', master, {}, 50, undefined],
    ['at an instance in fault', { name: 'fault' }, {}, 150, undefined],
  ])('%s', (_what, state, change, priority, line) => {
    expect(advertLine(member(state, change), SOURCE, priority)).toBe(line)
  })

  test('of the same priority yields to the greater address', () => {
    const at = (source: string) =>
      advertLine({ ...member(master), link: { source: ip(source) } as Member['link'] }, SOURCE, 100)
    expect(at('10.0.0.1')).toBe(
      '(a) Master received advert from 10.0.0.2 with same priority 100 but higher IP address than ours',
    )
    expect(at('10.0.0.3')).toBeUndefined()
  })
})

const tableOf = (members: readonly Member[]) => MemberTable.of(members, () => [])

describe('changes', () => {
  const engine = (states: Readonly<Record<string, string>>, priority = 100): EngineState => ({
    ...emptyEngine,
    members: tableOf(
      Object.entries(states).map(([name, state]) => ({ ...member({ name: state }, { name }), priority })),
    ),
    groups: [{ name: 'G', instances: ['a', 'b'], tracks: [] }],
  })

  test('of a priority that is tracked', () => {
    const [before, now] = [engine({ a: 'master' }), engine({ a: 'master' }, 80)]
    expect(priorityLines(before, now)).toEqual(['(a) Changing effective priority from 100 to 80'])
    expect(priorityLines(before, before)).toEqual([])
    expect(priorityLines(emptyEngine, now)).toEqual([])
  })

  test('of a group: when the last member has followed', () => {
    const lines = (before: string, now: string) => {
      const [a = '', b = ''] = before.split(' ')
      const [c = '', d = ''] = now.split(' ')
      return groupLines(['a', 'b'], engine({ a, b }), engine({ a: c, b: d }))
    }
    expect(lines('backup backup', 'master master')).toEqual(['VRRP_Group(G) Syncing instances to MASTER state'])
    expect(lines('master backup', 'backup backup')).toEqual(['VRRP_Group(G) Syncing instances to BACKUP state'])
    expect(lines('master master', 'fault backup')).toEqual([])
    expect(lines('fault backup', 'fault fault')).toEqual(['VRRP_Group(G) Syncing instances to FAULT state'])
    expect(lines('master master', 'master master')).toEqual([])
  })
})

test.each<[string, boolean, string, string | undefined]>([
  ['TCP_CHECK', true, 'connected', 'TCP connection to [10.1.0.1]:tcp:80 success.'],
  ['TCP_CHECK', false, 'ECONNREFUSED', 'TCP connection to [10.1.0.1]:tcp:80 failed.'],
  ['HTTP_GET', true, 'status 200', 'Remote Web server [10.1.0.1]:tcp:80 succeed on service.'],
  ['HTTP_GET', false, 'status 500 for /', 'HTTP status code error to [10.1.0.1]:tcp:80'],
  ['HTTP_GET', false, 'digest of /x is 0a1b', 'MD5 digest error to [10.1.0.1]:tcp:80 url[/x], MD5SUM [0a1b].'],
  ['HTTP_GET', false, 'ECONNREFUSED', 'Error connecting server [10.1.0.1]:tcp:80.'],
  ['HTTP_GET', false, 'no answer within 1 s', 'Timeout connecting server [10.1.0.1]:tcp:80.'],
  ['PING_CHECK', true, 'answer', undefined],
])('%s, %s: %s', (type, up, reason, line) => {
  const id = `[10.0.0.9]:tcp:80 [10.1.0.1]:80 0 ${type}`
  const own = `${id} ${up ? 'success' : 'failed'}: ${reason}`
  expect(verdictLine(id, up, reason)).toBe(line === undefined ? own : `${own} (${line})`)
})

const result = trackerResult
const good = result('script', 'good', 'exit status 0 after 3 ms')
const bad = (status: number) => result('script', 'bad', `exit status ${status} after 3 ms`)
const slow = result('script', 'bad', 'killed by SIGKILL after its time limit of 1 s')

describe('a tracker', () => {
  test.each<[string, TrackerResult | undefined, TrackerResult, string[]]>([
    ['succeeds at first', undefined, good, ['VRRP_Script(chk) succeeded']],
    ['still does', good, good, []],
    ['fails', good, bad(1), ['Script `chk` now returning 1', 'VRRP_Script(chk) failed (exited with status 1)']],
    ['fails otherwise', bad(1), bad(2), ['Script `chk` now returning 2']],
    ['recovers', bad(2), good, ['Script `chk` now returning 0', 'VRRP_Script(chk) succeeded']],
    ['takes too long', good, slow, ['VRRP_Script(chk) timed_out']],
  ])('of a script that %s', (_what, before, now, lines) => {
    expect(trackerLines(before, now)).toEqual(lines)
  })

  test('of processes', () => {
    const [all, few] = [result('process', 'good'), result('process', 'bad')]
    expect(trackerLines(all, few)).toEqual(['Quorum lost for tracked process chk'])
    expect(trackerLines(few, all)).toEqual(['Quorum gained for tracked process chk'])
    expect(trackerLines(few, few)).toEqual([])
  })

  test('of a file says nothing', () => {
    const value = { type: 'number', value: 3 } as const
    expect(trackerLines(undefined, { kind: 'file', name: 'f', value, detail: '', at: 0 })).toEqual([])
  })
})

test('each phrase that docs/migrating.md promises is said by one of these, or by a director in a run', () => {
  const text = 'virtual_server 10.0.0.9 80 {\n protocol TCP\n real_server 10.1.0.1 80 {\n weight 1\n }\n}\n'
  const [service] = loadConfig({ name: 'x', text }, surroundings()).config?.virtualServers ?? []
  if (service === undefined) throw new Error('a virtual server was configured')
  const [up, down] = [true, false].map((isUp) => formPool(service, [{ up: isUp, weight: 1 }], { up: !isUp }))
  if (up === undefined || down === undefined) throw new Error('there are two')
  const members = (name: string) => ({ ...emptyEngine, members: tableOf([member({ name })]), groups: [GROUP] })
  const said = [
    ...[0, 50].map((priority) => advertLine(member({ name: 'backup', heard: undefined }), SOURCE, priority)),
    ...[150, 100].map((priority) =>
      advertLine(
        { ...member({ name: 'master' }), link: { source: ip('10.0.0.1') } as Member['link'] },
        SOURCE,
        priority,
      ),
    ),
    ...groupLines(['a'], members('backup'), members('master')),
    ...priorityLines(members('master'), {
      ...emptyEngine,
      members: tableOf([{ ...member({ name: 'master' }), priority: 7 }]),
    }),
    ...trackerLines(bad(1), good),
    ...trackerLines(good, bad(1)),
    ...trackerLines(good, slow),
    ...(['good', 'bad'] as const).flatMap((value) => trackerLines(undefined, result('process', value))),
    ...[true, false].flatMap((up) => [
      verdictLine('[10.0.0.9]:tcp:80 [10.1.0.1]:80 0 TCP_CHECK', up, 'x'),
      verdictLine('[10.0.0.9]:tcp:80 [10.1.0.1]:80 0 HTTP_GET', up, 'status 500 for /'),
    ]),
    verdictLine('[10.0.0.9]:tcp:80 [10.1.0.1]:80 0 HTTP_GET', false, 'no answer within 1 s'),
    verdictLine('[10.0.0.9]:tcp:80 [10.1.0.1]:80 0 HTTP_GET', false, 'ECONNREFUSED'),
    verdictLine('[10.0.0.9]:tcp:80 [10.1.0.1]:80 0 HTTP_GET', false, 'digest of /path is 0123456789'),
    ...[...poolChanges('VS', down, up), ...poolChanges('VS', up, down)].map(({ text: line }) => line),
    ...(['good', 'bad'] as const).flatMap((type) => [
      ...trackerLines(undefined, trackerResult('script', type, `exit status ${type === 'good' ? 0 : 1} after 1 ms`)),
      ...trackerLines(undefined, trackerResult('process', type, '')),
    ]),
    ...trackerLines(undefined, trackerResult('script', 'bad', 'killed by SIGTERM after its time limit of 1 s')),
  ].filter((line) => line !== undefined)
  const phrases = promisedPhrases()
  expect(phrases.length).toBeGreaterThan(20)
  const unsaid = phrases.filter(
    ({ phrase, pattern }) => !OF_A_RUN.test(phrase) && !said.some((line) => pattern.test(line)),
  )
  expect(unsaid.map(({ phrase }) => phrase)).toEqual([])
})
