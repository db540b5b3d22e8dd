/**
 * PING_CHECK on a host of a lab: `ping-process.ts [nobody|unprepared]`. Becomes nobody as the check process does, behind the opening of its
 * sockets or without it. Probes what it is told, all at once, and says what came of each, in their order, and the CPU time that all took.
 */
import { preparePing } from '../../src/check/probes/ping.ts'
import { probe } from '../../src/check/probes/probe.ts'
import type { Answer } from '../../src/check/health.ts'
import { becomeUser } from '../../src/linux/process.ts'
import { type Address } from '../../src/net/address.ts'
import { millis } from '../../src/time.ts'

export interface PingOrder {
  /** Each of them so many times in each round; rounds begin so far apart. */
  readonly addresses: readonly string[]
  readonly times: number
  readonly rounds: number
  readonly everyMs: number
  readonly timeoutMs: number
}

export interface PingReport {
  readonly answers: readonly Answer[]
  /** Of this process, in ms. */
  readonly cpu: number
}

const NOBODY = 65_534
const [as] = process.argv.slice(2)
if (as !== 'unprepared') preparePing()
if (as !== undefined) becomeUser(NOBODY, NOBODY, false)

async function run({ addresses, times, rounds, everyMs, timeoutMs }: PingOrder): Promise<PingReport> {
  const begun = process.cpuUsage()
  const asked: Promise<Answer>[] = []
  for (let round = 0; round < rounds; round++) {
    for (const address of addresses) {
      for (let i = 0; i < times; i++) {
        asked.push(
          probe({
            type: 'PING_CHECK',
            target: { address: address as Address, port: 0 },
            timeout: millis(timeoutMs),
            delayLoop: millis(0),
            retry: 0,
            delayBeforeRetry: millis(0),
            warmup: millis(0),
          }),
        )
      }
    }
    if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  const answers = await Promise.all(asked)
  const { user, system } = process.cpuUsage(begun)
  return { answers, cpu: (user + system) / 1000 }
}

process.on('message', (order: PingOrder) => {
  void run(order).then((report) => process.send?.(report))
})
process.send?.('ready')
