/**
 * What it costs to watch 50 files and count the processes of 20 trackers: while nothing happens, while one of the files is written
 * a thousand times a second, and while processes start and end as fast as they can; by the kernel's events, and where there are
 * none. And how late the end of a process is known.
 *
 *     npm run bench:watch [SECONDS]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileTracker, ProcessTracker, TrackerResult } from '../../src/model/tracking.ts'
import { millis } from '../../src/time.ts'
import { cpuTicks } from './idle.ts'
import { median } from './median.ts'

const seconds = Number(process.argv[2] ?? 5)
const OBSERVER = join(import.meta.dirname, '../support/watch-process.ts')
const TICK_MS = 10
/** A name that no process of the machine has. */
const SLEEPER = `sleep${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'tanist-watch-'))
copyFileSync('/bin/sleep', join(folder, SLEEPER))

const files = Array.from({ length: 50 }, (_, i): FileTracker => {
  return { name: `f${i}`, path: join(folder, `f${i}`), init: { value: 0, overwrite: true } }
})
const processes = Array.from({ length: 20 }, (_, i): ProcessTracker => {
  return {
    name: `p${i}`,
    command: [i === 0 ? SLEEPER : `program${i}`],
    parameters: 'ignored',
    fullCommand: i % 2 === 1,
    quorum: 1,
    quorumMax: undefined,
    terminateDelay: millis(0),
    forkDelay: millis(0),
  }
})

/** Share of a core, in percent, of a process while something goes on. */
async function cpu(child: ChildProcess, during: () => Promise<unknown>): Promise<string> {
  const pid = child.pid ?? NaN
  const [ticks, start] = [cpuTicks(pid), performance.now()]
  await during()
  return `${(((cpuTicks(pid) - ticks) * TICK_MS * 100) / (performance.now() - start)).toFixed(1)} %`
}

async function writes(): Promise<void> {
  for (let i = 0; i < seconds * 100; i++) {
    for (let j = 0; j < 10; j++) writeFileSync(join(folder, 'f0'), `${i}`)
    await sleep(10)
  }
}

const forksOfHost = () => Number(/^processes (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1])

/** A shell that forks and waits, without and with another program; returns how many a second it came to. */
async function storm(line: string): Promise<number> {
  const [before, start] = [forksOfHost(), performance.now()]
  const shell = spawn('/bin/sh', ['-c', `while :; do ${line}; done`], { stdio: 'ignore' })
  await sleep(seconds * 1000)
  const rate = (forksOfHost() - before) / ((performance.now() - start) / 1000)
  shell.kill('SIGKILL')
  await once(shell, 'exit')
  return Math.round(rate)
}

/** How long after the end of a process it is told of, in ms. */
async function delays(results: readonly TrackerResult[], rounds: number): Promise<number[]> {
  const found: number[] = []
  const last = () => results.findLast(({ name }) => name === 'p0')?.value.type
  const wait = async (type: string) => {
    while (last() !== type) await sleep(1)
  }
  for (let i = 0; i < rounds; i++) {
    const child = spawn(join(folder, SLEEPER), ['1000'])
    await wait('good')
    const start = performance.now()
    child.kill('SIGKILL')
    await wait('bad')
    found.push(performance.now() - start)
  }
  return found
}

try {
  for (const [where, enter, ends] of [
    ["by the kernel's events", [], 20],
    ['by looking once a second', ['unshare', '--user', '--map-root-user', '--'], 5],
  ] as const) {
    const [command = '', ...args] = [...enter, process.execPath, OBSERVER, JSON.stringify({ files, processes })]
    const observer = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const results: TrackerResult[] = []
    createInterface(observer.stdout).on('line', (line) => results.push(JSON.parse(line) as TrackerResult))
    while (results.length < files.length + processes.length) await sleep(10)
    // Its own start, and the answer that the kernel owes it, are over.
    await sleep(1500)
    console.log(`${where}:`)
    console.log(`  nothing happens: ${await cpu(observer, () => sleep(seconds * 1000))}`)
    console.log(`  a file is written 1000 times a second: ${await cpu(observer, writes)}`)
    for (const [what, line] of [
      ['forks', '(:)'],
      ['forks that become another program', '/bin/true'],
    ] as const) {
      let rate = 0
      const cost = await cpu(observer, async () => {
        rate = await storm(line)
      })
      console.log(`  ${rate} ${what} a second: ${cost}`)
    }
    console.log(`  the end of a process is told of after ${median(await delays(results, ends)).toFixed(1)} ms`)
    observer.stdin.end()
    await once(observer, 'exit')
  }
} finally {
  rmSync(folder, { recursive: true })
}
