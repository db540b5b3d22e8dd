import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LAYOUT_VERSION } from '../../src/forward/ebpf/layout/bounds.ts'
import { DirectorHost } from '../support/director.ts'
import { until } from '../support/lab.ts'
import { buildPair, distribution, type Pair } from '../support/pair.ts'
import { type FlowsReport, type ProbeReport, type Reporter, startFlows, startProbe } from '../support/reporter.ts'

/** A director with a peer, and a copy of the program whose version and faults are ours to choose. */
const ROOT = join(import.meta.dirname, '../..')
const TANIST = join(ROOT, 'dist/cli/tanist.js')
const FLOWS = 500
const BY_HAND = '172.18.100.6:8080'

let pair: Pair
let director: DirectorHost
let installed: string
let probe: Reporter<ProbeReport>
let flows: Reporter<FlowsReport>
const peer = () => pair.directors[1]

/** Puts another version of the program where the running one was started from. */
function install(version: string, change: () => void = () => {}): void {
  rmSync(join(installed, 'dist'), { recursive: true, force: true })
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true })
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8')
  writeFileSync(join(installed, 'package.json'), text.replace(/"version": ".*"/, `"version": "${version}"`))
  change()
}

/** Changes one file of the installed program. */
const edit = (file: string, from: string | RegExp, to: string) => {
  const path = join(installed, 'dist', file)
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
}

beforeAll(async () => {
  pair = await buildPair('nat')
  installed = join(pair.lab.directory, 'package')
  chmodSync(pair.lab.directory, 0o711) // the check process is nobody
  mkdirSync(installed)
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
  install('1.0.0')
  const config = readFileSync(pair.directors[0].file, 'utf8')
  director = new DirectorHost(pair.lab, 'director1', config, [], {
    program: join(installed, 'dist/bin/tanistd.js'),
  })
  await Promise.all([director.start(), peer().start()])
  await director.untilState('master')
  await peer().untilState('backup')
  // One that was master for a moment says so until the next advert.
  await until('the peer to hear its master', async () =>
    (await peer().status()).instances.every(({ reason }) => reason.includes('is master')),
  )
  director.ipvsadm(`ipvsadm -A -t ${BY_HAND} -s rr`)
  director.ipvsadm(`ipvsadm -a -t ${BY_HAND} -r 192.168.10.13:80 -m`)
  probe = await startProbe(pair.lab, 'client', pair.vip, 7)
  flows = await startFlows(pair.lab, 'client', pair.vip, FLOWS)
})
afterAll(() => pair.lab.destroy())

/** Instances of both, without what grows by itself. */
const roles = async () =>
  (await Promise.all([director.status(), peer().status()])).map(({ instances }) =>
    instances.map(({ name, state, since, reason }) => ({ name, state, since, reason })),
  )

/** What the peer's election has said. */
const electionLog = () =>
  peer()
    .logText()
    .split('\n')
    .filter((line) => line.includes('"process":"vrrp"'))

/** Processes whose parent is this one. */
const childrenOf = (pid: number) =>
  readdirSync('/proc').filter((name) => {
    try {
      return new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'utf8'))
    } catch {
      return false
    }
  })

const openFiles = async () => readdirSync(`/proc/${await director.pidOf('director')}/fd`).length

/** A second of traffic on all connections. */
async function untouched(): Promise<void> {
  let answered = 0
  await until('an answer to every connection', async () => {
    const report = await flows.report()
    expect(report).toMatchObject({ broken: 0, moved: 0 })
    return (answered += report.answered) > 2 * FLOWS
  })
  const { sent, lost, gaps } = await probe.report()
  expect(sent).toBeGreaterThan(500)
  expect({ lost, gaps }).toEqual({ lost: 0, gaps: [] })
}

describe('an upgrade in place', () => {
  test('keeps every connection, packet, address and role; the peer notices nothing', async () => {
    const heard: string[] = []
    const monitor = pair.lab.start('director1', ['ip', '-o', 'monitor', 'address'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    monitor.stdout?.on('data', (data: Buffer) => heard.push(data.toString()))
    await Promise.all([probe.report(), flows.report()])
    const [before, said, saved] = [await roles(), electionLog(), director.ipvsadm('ipvsadm-save -n').stdout]
    const files: number[] = []
    for (const version of ['1.1.0', '1.2.0', '1.3.0']) {
      const from = (await director.status()).version
      const old = await Promise.all([director.pidOf('vrrp'), director.pidOf('check')])
      install(version)
      const { status, stdout, stderr } = director.tanist('upgrade')
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`^upgraded from ${from} to ${version} in \\d+\\.\\d s\\n$`))
      expect((await director.status()).version).toBe(version)
      expect(await director.pidOf('director')).toBe(director.pid)
      await until('the old processes to be gone, and not left as zombies', () =>
        old.every((pid) => !existsSync(`/proc/${pid}`)),
      )
      expect(childrenOf(director.pid ?? 0)).toHaveLength(2)
      await until('the new vrrp process to report', async () => (await director.status()).instances.length === 2)
      const now = await openFiles()
      const [first = now] = files
      files.push(now)
      // Requests come and go.
      await until('no more open files than after the first time', async () => (await openFiles()) <= first)
    }
    await untouched()
    expect(await roles()).toEqual(before)
    expect(electionLog()).toEqual(said)
    expect(heard.filter((line) => line.includes('Deleted'))).toEqual([])
    expect(director.ipvsadm('ipvsadm-save -n').stdout).toBe(saved)
    expect(director.addresses()).toContain(pair.vip)
    monitor.kill()
  })

  test('of a backup keeps it a backup', async () => {
    const before = await roles()
    const vrrp = await peer().pidOf('vrrp')
    expect(peer().tanist('upgrade')).toMatchObject({ status: 0, stderr: '' })
    await until('a new vrrp process', async () => (await peer().pidOf('vrrp')) !== vrrp)
    await untouched()
    expect(await roles()).toEqual(before)
  })
})

describe('an upgrade is refused, and nothing changes,', () => {
  test.each([
    [
      'when the configuration is bad',
      () => director.configure('vrrp_instnce x { }\n'),
      /unknown keyword `vrrp_instnce`/,
    ],
    ['when the new program does not run', () => edit('cli/tanistd.js', /^import /m, 'import }'), /SyntaxError/],
    [
      'when connections would be lost',
      () => edit('forward/ebpf/layout/bounds.js', `LAYOUT_VERSION = ${LAYOUT_VERSION}`, 'LAYOUT_VERSION = 999'),
      /version 2\.0\.0 cannot take over this version's connections .* `tanist upgrade --force`/,
    ],
  ])('%s', async (_name, change, reason) => {
    const good = readFileSync(director.file, 'utf8')
    const [before, processes] = [await roles(), (await director.status()).processes.map(({ pid }) => pid)]
    install('2.0.0', change)
    const { status, stdout, stderr } = director.tanist('upgrade')
    director.configure(good)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(reason)
    expect((await director.status()).processes.map(({ pid }) => pid)).toEqual(processes)
    expect(await roles()).toEqual(before)
    await untouched()
  })
})

test('when the new program dies at its start, the old vrrp process keeps the role for a while and leaves in order', async () => {
  install('3.0.0', () => rmSync(join(installed, 'dist/forward/ebpf/bpf'), { recursive: true }))
  const vrrp = await director.pidOf('vrrp')
  const pid = director.pid ?? 0
  const upgrade = pair.lab.start('director1', [process.execPath, TANIST, '--socket', director.socket, 'upgrade'])
  await until('the new program to be dead', () => !existsSync(`/proc/${pid}`))
  const ended = performance.now()
  expect(existsSync(`/proc/${vrrp}`)).toBe(true)
  expect(director.addresses()).toContain(pair.vip)
  const status = new Promise((resolve) => upgrade.once('exit', resolve))
  await peer().untilState('master', 20_000)
  expect(performance.now() - ended).toBeGreaterThan(12_000)
  expect(director.addresses()).not.toContain(pair.vip)
  expect(Object.values(distribution(pair, 12)).reduce((sum, count) => sum + count, 0)).toBe(12)
  expect(await status).toBe(2)
})
