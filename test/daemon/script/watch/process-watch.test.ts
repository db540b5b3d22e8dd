import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ProcessWatcher } from '../../../../src/daemon/script/watch/process-watch.ts'
import type { ProcessTracker, TrackerResult } from '../../../../src/model/tracking.ts'
import { millis } from '../../../../src/time.ts'
import { until } from '../../../support/lab.ts'

/** No process of this machine has these names. */
const UNIQUE = `w${process.pid}`
const OTHER = `o${process.pid}`
const OBSERVER = join(import.meta.dirname, '../../../support/watch-process.ts')

let folder: string
let ends: (() => void | Promise<unknown>)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-watch-'))
  ends = []
  for (const name of [UNIQUE, OTHER]) copyFileSync('/bin/sh', join(folder, name))
})
afterEach(async () => {
  for (const end of ends.toReversed()) await end()
  rmSync(folder, { recursive: true })
})

function tracker(changes: Partial<ProcessTracker> = {}): ProcessTracker {
  return {
    name: 'p',
    command: [UNIQUE],
    parameters: 'ignored',
    fullCommand: false,
    quorum: 1,
    quorumMax: undefined,
    terminateDelay: millis(0),
    forkDelay: millis(0),
    ...changes,
  }
}

interface Running {
  readonly pid: number
  /** It is a shell, or what it has become. */
  tell(line: string): void
  /** Ends it, and waits for that. */
  kill(): Promise<void>
}

async function run(path: string, ...args: string[]): Promise<Running> {
  // A group of its own, so that what it has forked ends with it.
  const child = spawn(path, args, { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  const group = -(child.pid ?? NaN)
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    process.kill(group, 'SIGKILL')
    await once(child, 'exit')
  }
  ends.push(kill)
  await once(child, 'spawn')
  return { pid: child.pid ?? 0, tell: (line) => void child.stdin.write(`${line}\n`), kill }
}

/** A shell of one of the names, which executes what it is told. */
const shell = (name = UNIQUE) => run(join(folder, name))

interface Observed {
  readonly results: readonly TrackerResult[]
  /** Waits until the last news of a tracker is this. */
  expect(good: boolean, name?: string): Promise<void>
}

function observed(results: readonly TrackerResult[]): Observed {
  return {
    results,
    async expect(good, name = 'p') {
      const type = good ? 'good' : 'bad'
      await until(`${name} is ${type}`, () => results.findLast((result) => result.name === name)?.value.type === type)
    },
  }
}

interface Watching extends Observed {
  readonly watcher: ProcessWatcher
}

function watch(...trackers: ProcessTracker[]): Watching {
  const results: TrackerResult[] = []
  const watcher = new ProcessWatcher((news) => results.push(...news))
  ends.push(() => watcher.close())
  watcher.configure(trackers)
  return { watcher, ...observed(results) }
}

const types = (results: readonly TrackerResult[]) => results.map(({ value }) => value.type)

describe('processes by their name', () => {
  test('are there, come, and go', async () => {
    const first = await shell()
    const watching = watch(tracker())
    await watching.expect(true)
    expect(watching.results[0]).toMatchObject({ kind: 'process', name: 'p', detail: '1 process (needs 1)' })
    await first.kill()
    await watching.expect(false)
    expect(watching.results.at(-1)?.detail).toBe('0 processes (needs 1)')
    const second = await shell()
    await watching.expect(true)
    await second.kill()
    await watching.expect(false)
    expect(types(watching.results)).toStrictEqual(['good', 'bad', 'good', 'bad'])
  })

  test('become other programs, and take other names', async () => {
    const watching = watch(tracker(), tracker({ name: 'other', command: [OTHER] }))
    const process = await shell()
    await watching.expect(true)
    process.tell(`exec ${join(folder, OTHER)}`)
    await watching.expect(false)
    await watching.expect(true, 'other')
    process.tell(`printf %s ${UNIQUE} > /proc/$$/comm`)
    await watching.expect(true)
    await watching.expect(false, 'other')
  })

  test('may be scripts, which have their own name and not that of their interpreter', async () => {
    const script = join(folder, `s${process.pid}`)
    writeFileSync(script, `#!${join(folder, UNIQUE)}\nread line\n`)
    chmodSync(script, 0o755)
    const watching = watch(
      tracker({ command: [`s${process.pid}`] }),
      tracker({ name: 'interpreter' }),
      tracker({ name: 'line', fullCommand: true, parameters: 'equal', command: [join(folder, UNIQUE), script] }),
    )
    await run(script)
    await watching.expect(true)
    await watching.expect(true, 'line')
    await watching.expect(false, 'interpreter')
  })

  test('are found by the 15 bytes that the kernel leaves of a longer name', async () => {
    const long = `${UNIQUE}-a-rather-long-name`
    symlinkSync('/bin/sh', join(folder, long))
    const watching = watch(tracker({ command: [long] }))
    await shell(long)
    await watching.expect(true)
  })

  test('are not their threads', async () => {
    const path = join(folder, 'node')
    symlinkSync(process.execPath, path)
    const watching = watch(tracker({ command: [path], fullCommand: true, quorumMax: 1 }), tracker({ name: 'later' }))
    await watching.expect(false, 'later')
    const node = await run(path, '-e', 'process.stdin.resume()')
    await watching.expect(true)
    await until('its threads', () => readdirSync(`/proc/${node.pid}/task`).length > 3)
    await shell()
    await watching.expect(true, 'later')
    expect(watching.results.filter(({ name }) => name === 'p').map(({ detail }) => detail)).toStrictEqual([
      '0 processes (needs exactly 1)',
      '1 process (needs exactly 1)',
    ])
  })
})

describe('processes by their command line', () => {
  test('are told apart by their parameters', async () => {
    const path = join(folder, UNIQUE)
    const by = (name: string, parameters: ProcessTracker['parameters'], ...command: string[]) =>
      tracker({ name, parameters, fullCommand: true, command: [path, ...command] })
    const watching = watch(
      by('any', 'ignored'),
      by('none', 'equal'),
      by('these', 'equal', '-s', 'one two'),
      by('first', 'partial', '-s'),
      by('beginning', 'initial', '-s', 'one'),
      tracker({ name: 'without path', fullCommand: true }),
    )
    await watching.expect(false, 'without path')
    const process = await run(path, '-s', 'one two')
    for (const name of ['any', 'these', 'first', 'beginning']) await watching.expect(true, name)
    const good = () => [
      ...new Set(watching.results.filter(({ value }) => value.type === 'good').map(({ name }) => name)),
    ]
    expect(good()).toStrictEqual(['any', 'these', 'first', 'beginning'])
    await process.kill()
    for (const name of ['any', 'these', 'first', 'beginning']) await watching.expect(false, name)
    await run(path)
    await watching.expect(true, 'none')
    await watching.expect(true, 'any')
    expect(good()).toStrictEqual(['any', 'these', 'first', 'beginning', 'none'])
  })
})

describe('a quorum', () => {
  test('is lost by too few and by too many', async () => {
    const watching = watch(tracker({ quorum: 2, quorumMax: 2 }), tracker({ name: 'none', quorum: 0, quorumMax: 0 }))
    await watching.expect(true, 'none')
    const first = await shell()
    await watching.expect(false, 'none')
    await watching.expect(false)
    await shell()
    await watching.expect(true)
    const third = await shell()
    await watching.expect(false)
    await third.kill()
    await watching.expect(true)
    await first.kill()
    await watching.expect(false)
    expect(watching.results.at(-1)?.detail).toBe('1 process (needs exactly 2)')
  })

  test('counts forks', async () => {
    const watching = watch(tracker({ quorum: 3 }))
    const process = await shell()
    execFileSync('mkfifo', [join(folder, 'fifo')])
    process.tell(`(read line < ${join(folder, 'fifo')}) &`)
    process.tell(`(read line < ${join(folder, 'fifo')}) &`)
    await watching.expect(true)
    writeFileSync(join(folder, 'fifo'), '\n')
    await watching.expect(false)
  })

  test('is not lost by a process that is replaced in time, and is by one that is not', async () => {
    const first = await shell()
    const watching = watch(tracker({ terminateDelay: millis(5000) }), tracker({ name: 'at once' }))
    await watching.expect(true)
    await first.kill()
    await watching.expect(false, 'at once')
    const second = await shell()
    await watching.expect(true, 'at once')
    watching.watcher.configure([tracker({ terminateDelay: millis(300) }), tracker({ name: 'at once' })])
    await until('the first news of it', () => types(watching.results.filter(({ name }) => name === 'p')).length === 2)
    await second.kill()
    await watching.expect(false, 'at once')
    const since = watching.results.at(-1)?.at ?? 0
    await watching.expect(false)
    expect(types(watching.results.filter(({ name }) => name === 'p'))).toStrictEqual(['good', 'good', 'bad'])
    expect((watching.results.at(-1)?.at ?? 0) - since).toBeGreaterThanOrEqual(290)
  })
})

test('a change that leaves good or bad as it is comes late, as a mere detail', async () => {
  await shell()
  const watching = watch(tracker())
  await watching.expect(true)
  await shell()
  await until('two processes', () => watching.results.at(-1)?.detail === '2 processes (needs 1)')
  expect(types(watching.results)).toStrictEqual(['good', 'good'])
})

test('another configuration leaves alone what stays, and counts what comes', async () => {
  const process = await shell()
  const watching = watch(tracker(), tracker({ name: 'goes' }))
  await watching.expect(true, 'goes')
  watching.watcher.configure([tracker(), tracker({ name: 'comes' })])
  await watching.expect(true, 'comes')
  expect(watching.results.map(({ name }) => name)).toStrictEqual(['p', 'goes', 'comes'])
  await process.kill()
  await watching.expect(false)
  await watching.expect(false, 'comes')
  expect(watching.results).toHaveLength(5)
})

test('what has happened while more was lost than could be read is found', async () => {
  const goes = await shell()
  const watching = watch(tracker(), tracker({ name: 'other', command: [OTHER] }))
  await watching.expect(true)
  await watching.expect(false, 'other')
  // The event loop stands still meanwhile, so nobody reads; each new name is an event.
  const storm = `kill -9 ${goes.pid}; ${join(folder, OTHER)} -c 'read line' <> ${join(folder, 'fifo')} >/dev/null 2>&1 & echo $!; exec 3> /proc/$$/comm; i=0; while [ $i -lt 60000 ]; do echo name >&3; i=$((i + 1)); done`
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const pid = Number(execFileSync('/bin/sh', ['-c', storm], { encoding: 'utf8' }))
  ends.push(() => void process.kill(pid, 'SIGKILL'))
  await watching.expect(false)
  await watching.expect(true, 'other')
  // And events are told of again.
  await shell()
  await watching.expect(true)
})

/** Whether a process has a socket of the process connector open, in the host's network namespace. */
function listens(pid: number): boolean {
  const sockets = readFileSync('/proc/1/net/netlink', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, protocol]) => protocol === '11')
    .map((fields) => `socket:[${fields.at(-1)}]`)
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return sockets.includes(readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      return false
    }
  })
}

type Observer = ChildProcessByStdio<Writable, Readable, null>

describe('where the kernel tells of processes', () => {
  test.each([
    ['in the network namespace of the host', [], true],
    ['in another network namespace', ['unshare', '--net', '--'], true],
    [
      'nowhere in another user namespace, where processes are looked at',
      ['unshare', '--user', '--map-root-user', '--'],
      false,
    ],
    ['nowhere in another user and network namespace', ['unshare', '--user', '--map-root-user', '--net', '--'], false],
  ] as const)('%s', async (_, enter, isTold) => {
    const [command = '', ...args] = [
      ...enter,
      process.execPath,
      OBSERVER,
      JSON.stringify({ files: [], processes: [tracker()] }),
    ]
    const observer: Observer = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    ends.push(async () => {
      observer.stdin.end()
      await once(observer, 'exit')
    })
    const results: TrackerResult[] = []
    createInterface(observer.stdout).on('line', (line) => results.push(JSON.parse(line) as TrackerResult))
    const watching = observed(results)
    await watching.expect(false)
    const started = await shell()
    await watching.expect(true)
    await until('it listens or polls', () => listens(observer.pid ?? 0) === isTold)
    process.kill(started.pid, 'SIGKILL')
    await watching.expect(false)
  })
})
