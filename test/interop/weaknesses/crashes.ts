import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Capture } from '../../support/capture.ts'
import { type Lab, until } from '../../support/lab.ts'
import { type Drill, milliseconds } from './drill.ts'
import { CLIENT, hasAddress, STRANGER, unansweredWhile, VIP, VRID, withPair } from './scene.ts'

/** What happens to the processes of a master, to its log and to its address. */

/** How long a dead director is looked at. */
const DEAD_FOR_MS = 15_000
/** How long a director is looked at whose log nobody reads. */
const UNREAD_FOR_MS = 10_000

export const vrrpKilled: Drill = {
  weakness: 'VRRP process killed',
  promised: 'nothing lost',
  limit: () => 0,
  run: (product) =>
    withPair(product, {}, async (scene) => {
      const { vrrp } = await scene.master.pids()
      const happens = () => {
        process.kill(vrrp, 'SIGKILL')
        return sleep(5000)
      }
      return milliseconds(await unansweredWhile(scene, happens))
    }),
}

export const removedByHand: Drill = {
  weakness: 'virtual address removed by hand',
  promised: '≤ 100 ms lost',
  limit: () => 100,
  run: (product) =>
    withPair(product, {}, async (scene) => {
      const happens = () => {
        scene.lab.ip(scene.master.host, [`address delete ${VIP}/24 dev eth0`])
        return sleep(5000)
      }
      return milliseconds(await unansweredWhile(scene, happens))
    }),
}

export const allKilled: Drill = {
  weakness: 'all processes killed, without systemd: until one MAC answers',
  promised: '≤ 10 s',
  limit: () => 10_000,
  run: (product) =>
    withPair(product, {}, async ({ lab, master, backup }) => {
      const { all } = await master.pids()
      const killedAt = performance.now()
      for (const pid of all) process.kill(pid, 'SIGKILL')
      await until('the successor', () => hasAddress(lab, backup), DEAD_FOR_MS)
      let [wrongAt, asked] = [0, 0]
      while (asked < DEAD_FOR_MS) {
        const macs = await answersFor(lab)
        asked = performance.now() - killedAt
        if (macs.size !== 1) wrongAt = asked
      }
      return wrongAt === asked
        ? { value: Infinity, text: `two still after ${DEAD_FOR_MS / 1000} s` }
        : milliseconds(wrongAt)
    }),
}

/** The MACs that answer the client for the virtual address within a second. */
async function answersFor(lab: Lab): Promise<ReadonlySet<string>> {
  const child = lab.start(CLIENT, ['arping', '-b', '-c', '2', '-w', '1', '-I', 'eth0', VIP], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()))
  await new Promise((resolve) => child.once('close', resolve))
  return new Set([...text.matchAll(/reply from \S+ \[(\S+)\]/g)].map(([, mac = '']) => mac))
}

export const logBlocked: Drill = {
  weakness: 'nobody reads the log (a full pipe): longest time without an advert',
  promised: 'adverts go on',
  // An interval, and what a busy machine takes.
  limit: () => 1500,
  run: (product) => {
    const logs: UnreadLog[] = []
    const output = (lab: Lab) => {
      const log = new UnreadLog(lab)
      logs.push(log)
      return log.descriptor
    }
    return withPair(product, { output }, async ({ lab, master, backup }) => {
      const capture = await Capture.start(lab, 'lan')
      for (const log of logs) log.fill()
      const blockedAt = Date.now()
      await provoke(lab)
      await sleep(UNREAD_FOR_MS)
      const at = capture.adverts().flatMap((advert) => (advert.source === master.address ? [advert.at] : []))
      const times = [blockedAt, ...at.filter((time) => time > blockedAt), Date.now()]
      const longest = Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? time)))
      const masters = [master, backup].filter((node) => hasAddress(lab, node)).length
      return { value: longest, text: `${Math.round(longest)} ms; ${masters === 1 ? 'one master' : 'two masters'}` }
    }).finally(() => logs.forEach((log) => log.close()))
  },
}

/** Adverts that are not right are something to log. */
async function provoke(lab: Lab): Promise<void> {
  const child = lab.fork('stranger', 'vrrp-sender-process.ts', [STRANGER, `${VRID}`, 'damaged', '500', '100'])
  await new Promise((resolve) => child.once('exit', resolve))
}

/** A pipe for a log, which is read until it is filled. */
class UnreadLog {
  /** For the daemon: what it writes waits for room. */
  readonly descriptor: number
  readonly #own: number
  readonly #timer: NodeJS.Timeout

  constructor(lab: Lab) {
    const path = join(lab.directory, 'log.pipe')
    execFileSync('mkfifo', [path])
    this.descriptor = openSync(path, constants.O_RDWR)
    this.#own = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    this.#timer = setInterval(() => this.#read(), 20)
  }

  /** From now on nobody reads, and there is no room. */
  fill(): void {
    clearInterval(this.#timer)
    for (const size of [4096, 1]) while (tries(() => writeSync(this.#own, 'x'.repeat(size))));
  }

  close(): void {
    clearInterval(this.#timer)
    closeSync(this.#own)
    closeSync(this.descriptor)
  }

  #read(): void {
    tries(() => readSync(this.#own, Buffer.alloc(65_536)))
  }
}

/** Whether it could be done without waiting. */
function tries(what: () => number): boolean {
  try {
    return what() > 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return false
    throw error
  }
}
