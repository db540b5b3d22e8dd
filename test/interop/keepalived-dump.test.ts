import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SIGNALS } from '../../src/cli/keepalived-options.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** One file for both; each is alone on its link, and has been master once. */
const CONFIG = `global_defs {
  router_id lb1
}
vrrp_sync_group G {
  group {
    two
    three
  }
}
vrrp_instance two {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version 2
  priority 150
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass hunter22
  }
  virtual_ipaddress {
    10.0.0.100/24
    10.0.0.101
  }
  virtual_ipaddress_excluded {
    10.0.3.100/24
  }
}
vrrp_instance three {
  state BACKUP
  interface eth0
  virtual_router_id 52
  version 3
  priority 120
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
const KINDS = { data: SIGNALS.DATA, stats: SIGNALS.STATS, json: SIGNALS.JSON } as const
type Kind = keyof typeof KINDS

let lab: Lab
let tanist: DirectorHost
const dumps: Record<'tanist' | 'keepalived', Record<Kind, string>> = {
  tanist: { data: '', stats: '', json: '' },
  keepalived: { data: '', stats: '', json: '' },
}
const pidFile = () => join(lab.directory, 'tanist.pid')
const fileOf = (kind: Kind) => join(lab.directory, `keepalived.${kind}`)

/** What a process writes when it gets the signal. The file is complete when it ends as it should and does not grow. */
async function dumpOf(pid: number, kind: Kind): Promise<string> {
  rmSync(fileOf(kind), { force: true })
  process.kill(pid, KINDS[kind])
  let before = ''
  await until(`keepalived.${kind}`, () => {
    const text = existsSync(fileOf(kind)) ? readFileSync(fileOf(kind), 'utf8') : ''
    const isComplete = text !== '' && text === before
    before = text
    return isComplete
  })
  return before
}

beforeAll(async () => {
  lab = new Lab()
  for (const host of ['tanist', 'keepalived']) {
    lab.addSwitch(host)
    lab.addHost(host, [{ switch: host, address: '10.0.0.1/24' }])
  }
  const env = { TMPDIR: lab.directory }
  tanist = new DirectorHost(lab, 'tanist', CONFIG, ['-p', pidFile(), '-nlD'], { env })
  await tanist.start()
  await tanist.untilState('master')
  const config = join(lab.directory, 'keepalived.conf')
  writeFileSync(config, CONFIG)
  const pids = ['-p', join(lab.directory, 'k.pid'), '-r', join(lab.directory, 'k-vrrp.pid')]
  lab.start('keepalived', ['keepalived', '-n', '-P', '-G', '-f', config, ...pids], { env: { ...process.env, ...env } })
  const has = (address: string) => lab.run('keepalived', ['ip', '-brief', 'address']).includes(`${address}/`)
  await until('keepalived to be master', () => has('10.0.0.100') && has('10.0.2.100'))
  for (const kind of ['data', 'stats', 'json'] as const) {
    dumps.keepalived[kind] = await dumpOf(Number(readFileSync(join(lab.directory, 'k.pid'), 'utf8')), kind)
    dumps.tanist[kind] = await dumpOf(Number(readFileSync(pidFile(), 'utf8')), kind)
  }
})
afterAll(() => lab.destroy())

/** Without what differs from run to run. */
const shapes = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/(: |= )\d+$/, '$1N').replace(/(Last transition =).*/, '$1'))

test('the counters have the same lines in the same order', () => {
  expect(shapes(dumps.tanist.stats)).toEqual(shapes(dumps.keepalived.stats))
  for (const text of Object.values(dumps).map(({ stats }) => stats)) {
    expect(text.match(/Became master: 1$/gm)).toHaveLength(2)
  }
})

test('each line of the state is one of keepalived, with the same value, and in the same order', () => {
  const theirs = dumps.keepalived.data.split('\n').map((line) => line.replace(/(Last transition =).*/, '$1'))
  const ours = dumps.tanist.data
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/(Last transition =).*/, '$1'))
  let at = 0
  const missing = ours.filter((line) => {
    const found = theirs.indexOf(line, at)
    if (found >= 0) at = found + 1
    return found < 0
  })
  expect(missing).toEqual([])
  expect(theirs.filter((line) => line === '   State = MASTER')).toHaveLength(2)
})

test('the JSON has the same keys in the same order, but for the password, and the same values of the configuration', () => {
  interface Entry {
    readonly data: Readonly<Record<string, unknown>>
    readonly stats: Readonly<Record<string, number>>
  }
  const [ours, theirs] = [dumps.tanist.json, dumps.keepalived.json].map((text) => JSON.parse(text) as Entry[])
  expect(ours).toHaveLength(2)
  for (const [i, { data, stats }] of (theirs ?? []).entries()) {
    const { auth_data: _, ...rest } = data
    expect(Object.keys(ours?.[i]?.data ?? {})).toEqual(Object.keys(rest))
    expect(Object.keys(ours?.[i]?.stats ?? {})).toEqual(Object.keys(stats))
    const different = Object.keys(rest).filter(
      (key) => JSON.stringify(ours?.[i]?.data[key]) !== JSON.stringify(rest[key]),
    )
    expect(different.filter((key) => !DIFFERENT.includes(key))).toEqual([])
  }
})
/** When it was. */
const DIFFERENT = ['last_transition']

test('the JSON is no reader of a link that somebody has laid in the way, and STATS_CLEAR counts anew', async () => {
  const target = join(lab.directory, 'target')
  writeFileSync(target, 'theirs')
  rmSync(fileOf('json'))
  symlinkSync(target, fileOf('json'))
  const pid = Number(readFileSync(pidFile(), 'utf8'))
  process.kill(pid, SIGNALS.JSON)
  await until('the JSON', () => readFileSync(fileOf('json'), 'utf8').startsWith('['))
  expect(readFileSync(target, 'utf8')).toBe('theirs')
  process.kill(pid, SIGNALS.STATS_CLEAR)
  await until('the counters to begin anew', async () => (await tanist.status()).instances[0]?.becameMaster === 0)
  expect(await dumpOf(pid, 'stats')).toContain('  Became master: 0\n')
})

test('pid files go with the daemon', async () => {
  expect(Number(readFileSync(pidFile(), 'utf8'))).toBe(await tanist.pidOf('director'))
  await tanist.stop()
  expect(existsSync(pidFile())).toBe(false)
})
