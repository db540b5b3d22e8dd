import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { FileWatcher } from '../../src/daemon/script/watch/file-watch.ts'
import { ProcessWatcher } from '../../src/daemon/script/watch/process-watch.ts'
import type { TrackerResult } from '../../src/model/tracking.ts'
import { Lab, until } from '../support/lab.ts'
import { surroundings } from '../support/surroundings.ts'

/** No process of this machine has these names. */
const UNIQUE = `w${process.pid}`
const SCRIPT = `s${process.pid}`
const LONG = `${UNIQUE}-a-rather-long-name`
const PRIORITY = 100
const WEIGHT = 20

const lab = new Lab()
const folder = lab.directory
const program = join(folder, UNIQUE)

/** Each for an instance of its own, whose effective priority tells what keepalived makes of it. */
const PROCESSES = {
  name: `process ${UNIQUE}`,
  path: `process ${program}`,
  full: `process ${program}\n full_command`,
  none: `process ${program}\n param_match`,
  these: `process ${program} -s "one two"`,
  partial: `process ${program} -s\n param_match partial`,
  initial: `process ${program} -s one\n param_match initial`,
  initialAlone: `process ${program}\n param_match initial`,
  script: `process ${SCRIPT}`,
  scriptLine: `process ${program} ${join(folder, SCRIPT)}`,
  two: `process ${UNIQUE}\n quorum 2`,
  most: `process ${UNIQUE}\n quorum_max 1`,
  nothing: `process ${UNIQUE}\n quorum_max 0`,
  late: `process ${UNIQUE}\n terminate_delay 1.5\n fork_delay 1.5`,
  lateTwo: `process ${UNIQUE}\n quorum 2\n terminate_delay 1.5\n fork_delay 1.5`,
  cut: `process ${LONG.slice(0, 15)}`,
}
const FILES = { file: 'file', made: 'made', overwritten: 'overwritten' }
const INIT: Partial<Record<string, string>> = { made: 'init_file 7', overwritten: 'init_file overwrite 8' }

const text = () => `
net_namespace ${lab.directorName('a')}
${Object.entries(PROCESSES)
  .map(([name, inside]) => `vrrp_track_process ${name} {\n ${inside}\n weight ${WEIGHT}\n}`)
  .join('\n')}
${Object.keys(FILES)
  .map((name) => `track_file ${name} {\n file ${join(folder, name)}\n ${INIT[name] ?? ''}\n}`)
  .join('\n')}
${[...Object.keys(PROCESSES), ...Object.keys(FILES)]
  .map(
    (name, i) => `vrrp_instance ${name} {
 interface eth0
 virtual_router_id ${i + 1}
 priority ${PRIORITY}
 ${name in FILES ? 'track_file' : 'track_process'} {
  ${name}
 }
 virtual_ipaddress {
  10.9.0.${i + 100}/24
 }
}`,
  )
  .join('\n')}
`

const priorities = new Map<string, number>()
const log: string[] = []
const results = new Map<string, TrackerResult>()
const take = (news: readonly TrackerResult[]) => news.forEach((each) => results.set(each.name, each))
const watchers = [new FileWatcher(take), new ProcessWatcher(take)] as const
let keepalived: ChildProcess

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('a', [{ switch: 'lan', address: '10.9.0.1/24' }])
  execFileSync('mkfifo', [join(folder, 'fifo')])
  copyFileSync('/bin/sh', program)
  copyFileSync('/bin/sh', join(folder, LONG))
  writeFileSync(join(folder, SCRIPT), `#!${program}\nread line\n`)
  chmodSync(join(folder, SCRIPT), 0o755)
  writeFileSync(join(folder, 'overwritten'), '1\n')
  const file = join(folder, 'keepalived.conf')
  writeFileSync(file, text())
  const pids = ['-p', join(folder, 'parent.pid'), '-r', join(folder, 'vrrp.pid')]
  const { config, diagnostics } = loadConfig({ name: file, text: text() }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const child = spawn('keepalived', ['-n', '-P', '-G', '-l', '-D', '-f', file, ...pids], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  keepalived = child
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      log.push(line)
      const [, name, priority] = /\((\w+)\).* effective priority (?:from \d+ )?to (\d+)/.exec(line) ?? []
      if (name !== undefined) priorities.set(name, Number(priority))
    })
  }
  await until('keepalived runs', () => log.filter((line) => line.includes('Entering BACKUP STATE')).length >= 10)
  watchers[0].configure(config.scripts.trackers.files, true)
  watchers[1].configure(config.scripts.trackers.processes)
})
afterAll(async () => {
  for (const watcher of watchers) watcher.close()
  keepalived.kill('SIGTERM')
  if (keepalived.exitCode === null) await once(keepalived, 'exit')
  lab.destroy()
})

/** What each makes of the trackers: what they change of the priority. */
const byKeepalived = () =>
  changes([...priorities].map(([name, priority]): readonly [string, number] => [name, priority - PRIORITY]))
const byTanist = () =>
  changes(
    [...results.values()].map(({ name, value }): readonly [string, number] => [
      name,
      value.type === 'number' ? value.value : value.type === 'good' ? WEIGHT : 0,
    ]),
  )
const changes = (all: readonly (readonly [string, number])[]) =>
  Object.fromEntries(all.filter(([, change]) => change !== 0))

const MADE = { made: 7, overwritten: 8 }

/** Both come to this: processes that are good, and numbers. */
async function expectBoth(
  good: readonly (keyof typeof PROCESSES)[],
  numbers: Readonly<Record<string, number>> = {},
): Promise<void> {
  const expected = { ...MADE, ...numbers, ...Object.fromEntries(good.map((name) => [name, WEIGHT])) }
  try {
    await until(
      'both agree',
      () => isDeepStrictEqual(byKeepalived(), expected) && isDeepStrictEqual(byTanist(), expected),
    )
  } catch {
    expect({ keepalived: byKeepalived(), tanist: byTanist() }).toStrictEqual({ keepalived: expected, tanist: expected })
  }
}

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

interface Running {
  /** It is a shell. */
  tell(line: string): void
  kill(): Promise<void>
}

async function run(path: string, ...args: string[]): Promise<Running> {
  // A group of its own, so that what it has forked ends with it.
  const child = spawn(path, args, { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  await once(child, 'spawn')
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    process.kill(-(child.pid ?? NaN), 'SIGKILL')
    await once(child, 'exit')
  }
  ends.push(kill)
  return {
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill,
  }
}

const NOTHING = ['nothing'] as const

test('at the start nothing runs, and files have been made and overwritten', () => expectBoth(NOTHING))

test.each([
  ['without parameters', [], ['full', 'none', 'initialAlone']],
  ['with two', ['-s', 'one two'], ['full', 'these', 'partial', 'initial', 'initialAlone']],
  ['with more', ['-s', 'one two', 'three'], ['full', 'partial', 'initial', 'initialAlone']],
  ['with another last one', ['-s', 'two'], ['full', 'partial', 'initialAlone']],
] as const)('a program %s', async (_, args, found) => {
  const process = await run(program, ...args)
  await expectBoth(['name', 'most', 'late', ...found])
  await process.kill()
  await expectBoth(NOTHING)
})

test('a script', async () => {
  const process = await run(join(folder, SCRIPT))
  await expectBoth(['full', 'initialAlone', 'script', 'scriptLine', ...NOTHING])
  await process.kill()
  await expectBoth(NOTHING)
})

test('a program that forks, becomes another one, and takes another name', async () => {
  const process = await run(program)
  const one = ['name', 'full', 'none', 'initialAlone', 'late'] as const
  await expectBoth([...one, 'most'])
  process.tell(`(read line < ${join(folder, 'fifo')}) &`)
  await expectBoth([...one, 'two', 'lateTwo'])
  process.tell(`exec ${join(folder, LONG)}`)
  await expectBoth([...one, 'most', 'cut'])
  // Opened for reading as well, it waits for nobody.
  writeFileSync(join(folder, 'fifo'), '\n', { flag: 'r+' })
  await expectBoth(['cut', ...NOTHING])
  process.tell(`printf %s ${UNIQUE} > /proc/$$/comm`)
  await expectBoth(['name', 'most', 'late'])
  await process.kill()
  await expectBoth(NOTHING)
})

test('a program that is replaced by another one in time', async () => {
  const first = await run(program)
  await until('it is there', () => byKeepalived()['late'] === WEIGHT && byTanist()['late'] === WEIGHT)
  const seen = log.length
  await first.kill()
  await until('it is gone', () => byKeepalived()['name'] === undefined && byTanist()['name'] === undefined)
  expect([byKeepalived()['late'], byTanist()['late']]).toStrictEqual([WEIGHT, WEIGHT])
  const second = await run(program)
  await expectBoth(['name', 'full', 'none', 'initialAlone', 'late', 'most'])
  expect(log.slice(seen).filter((line) => line.includes('(late)'))).toStrictEqual([])
  await second.kill()
  await expectBoth(NOTHING)
})

/** keepalived adds one with each exec that leaves it what it was. */
test('a program that becomes itself again counts once', async () => {
  const process = await run(program)
  await expectBoth(['name', 'full', 'none', 'initialAlone', 'late', 'most'])
  process.tell(`exec ${program}`)
  await until('keepalived takes it for two', () => byKeepalived()['two'] === WEIGHT)
  expect(byTanist()).toStrictEqual({
    ...MADE,
    name: WEIGHT,
    full: WEIGHT,
    none: WEIGHT,
    initialAlone: WEIGHT,
    late: WEIGHT,
    most: WEIGHT,
  })
  await process.kill()
  await until('nothing runs', () => byTanist()['nothing'] === WEIGHT)
})

/** The number, and what it counts as; in between always another one, so that both have to say something. */
test.each([
  ['5\n', 5],
  [' 010x', 8],
  ['0x1f', 31],
  ['-3', -3],
  ['up', 0],
  ['+9', 9],
  ['', 0],
  ['1.9', 1],
  ['08', 0],
])('a file with %j', async (text, number) => {
  const path = join(folder, 'file')
  const files = (all: Record<string, number>) => all['file'] ?? 0
  const expectNumber = (value: number) =>
    until(`${value} in both`, () => files(byKeepalived()) === value && files(byTanist()) === value)
  writeFileSync(path, '77')
  await expectNumber(77)
  writeFileSync(path, text)
  await expectNumber(number)
  writeFileSync(path, '99999999999')
  writeFileSync(join(folder, 'new'), '78')
  renameSync(join(folder, 'new'), path)
  await expectNumber(78)
  rmSync(path)
  await expectNumber(0)
})
