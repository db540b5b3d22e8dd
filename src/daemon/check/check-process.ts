import { setTimeout as sleep } from 'node:timers/promises'
import { prepareHttp } from '../../check/probes/http.ts'
import { CheckRunner } from '../../check/runner.ts'
import type { Outcome } from '../../check/schedule.ts'
import { becomeUser } from '../../linux/process.ts'
import { ignoreSignals } from '../../linux/signals.ts'
import { isDebugging, logLevel } from '../../host/log-level.ts'
import { createLog, flushLog } from '../log.ts'
import type { CheckTask, FromCheck, ToCheck, Verdict } from '../messages.ts'
import { PULSES, startPulse } from '../pulse.ts'
import { Tellers } from './tellers.ts'

/**
 * The check process: runs every checker and reports verdicts. It reads bytes from the network, so it gives up its
 * privileges before the first of them. Its code is loaded by then: it may lie where only root can read it.
 */
interface Running {
  readonly task: CheckTask
  readonly runner: CheckRunner
}

/** Debian's and Red Hat's `nobody`. */
const NOBODY = 65_534
await prepareHttp()
/** What checks find is logged by the director; only who debugs sees each answer here. */
const log = await createLog('check', process.argv[2] ?? '')
const isTellingAll = isDebugging(logLevel())
const tellers = new Tellers((numbers) => send({ type: 'told', numbers }), log)
becomeUser(NOBODY, NOBODY)

/** How long mails and webhooks that wait may take at a stop; the director waits for 5 s. */
const LAST_WORDS_MS = 3000

const running = new Map<string, Running>()

function configure(tasks: readonly CheckTask[], up: readonly string[]): void {
  const wereUp = new Set(up)
  const wanted = new Map(tasks.map((task) => [task.id, task]))
  for (const [id, { task, runner }] of running) {
    // An unchanged checker goes on where it is: a reload neither repeats nor delays it.
    if (JSON.stringify(wanted.get(id)) === JSON.stringify(task)) continue
    runner.stop()
    running.delete(id)
  }
  for (const task of tasks) {
    if (!running.has(task.id)) running.set(task.id, { task, runner: start(task, wereUp.has(task.id)) })
  }
}

function start({ id, check }: CheckTask, wasUp: boolean): CheckRunner {
  let last: Outcome | undefined
  return new CheckRunner(
    check,
    (outcome) => {
      // What a good answer says in detail may be another thing every time, and would be news that nobody waits for.
      const said = !outcome.up || outcome.notAsked === true
      const isNews =
        last?.up !== outcome.up || last.notAsked !== outcome.notAsked || (said && last.reason !== outcome.reason)
      if (isNews) report({ id, ...outcome, at: Date.now() })
      last = outcome
    },
    wasUp,
    ({ up, reason, duration }) => {
      const what = up === true ? 'success' : up === false ? 'failed' : 'not asked'
      if (isTellingAll)
        log.debug({ check: id, up, ms: duration }, `${id} ${what} after ${duration.toFixed(1)} ms: ${reason}`)
    },
  )
}

/** Verdicts of this turn, BOUNDED by the number of checkers: each reports at most once a round. */
let verdicts: Verdict[] = []

function report(verdict: Verdict): void {
  if (verdicts.length === 0) {
    setImmediate(() => {
      send({ type: 'verdicts', verdicts })
      verdicts = []
    })
  }
  verdicts.push(verdict)
}

function send(message: FromCheck): void {
  if (process.connected) process.send?.(message)
}

startPulse(PULSES.check)
process.on('message', (message: ToCheck) => {
  switch (message.type) {
    case 'telling':
      tellers.configure(message)
      break
    case 'tell':
      for (const { told, number, id } of message.news) tellers.tell(told, number, id)
      break
    case 'configure':
      configure(message.tasks, message.up)
      break
    case 'stop':
      void stop()
      break
  }
})

async function stop(): Promise<void> {
  for (const { runner } of running.values()) runner.stop()
  await Promise.race([tellers.finish(), sleep(LAST_WORDS_MS)])
  await flushLog(log)
  process.exit()
}

// Signals are for the director, which tells its children.
ignoreSignals()
process.on('disconnect', () => process.exit())
