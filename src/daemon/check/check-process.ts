import { setTimeout as sleep } from 'node:timers/promises'
import { prepareHttp } from '../../check/probes/http.ts'
import { type Found, foundOf } from '../../check/found.ts'
import { askHost, HostWatch } from '../../check/hosts.ts'
import { isNews } from '../../check/news.ts'
import { preparePing } from '../../check/probes/ping.ts'
import { probe, prober } from '../../check/probes/probe.ts'
import { CheckRunner } from '../../check/runner.ts'
import { type Note, watched } from '../../check/steps.ts'
import { useTlsClient } from '../../check/tls-client.ts'
import type { Outcome } from '../../check/schedule.ts'
import type { Check } from '../../model/check.ts'
import type { CheckerTask } from '../../model/checker.ts'
import { type HostAsked, hostKey } from '../../model/host-name.ts'
import type { Address } from '../../net/address.ts'
import { becomeUser } from '../../linux/process.ts'
import { ignoreSignals } from '../../linux/signals.ts'
import { isDebugging, logLevel } from '../../host/log-level.ts'
import { createLog, flushLog } from '../log.ts'
import type { FromCheck, ToCheck, Verdict } from '../messages.ts'
import { keepInMemory } from '../process-tuner.ts'
import { PULSES, startPulse } from '../pulse.ts'
import { MAY_MARK } from './may-mark.ts'
import { Tellers } from './tellers.ts'

/**
 * The check process: runs every checker and reports verdicts. It reads bytes from the network, so it gives up its
 * privileges before the first of them. Its code is loaded by then: it may lie where only root can read it.
 */
interface Running {
  readonly task: CheckerTask<Check>
  readonly runner: CheckRunner
}

/** Debian's and Red Hat's `nobody`. */
const NOBODY = 65_534
await prepareHttp()
preparePing()
/** What checks find is logged by the director; only who debugs sees each answer here. */
const log = await createLog('check', process.argv[2] ?? '')
const isTellingAll = isDebugging(logLevel())
const tellers = new Tellers((numbers) => send({ type: 'told', numbers }), log)
becomeUser(NOBODY, NOBODY, process.argv[3] === MAY_MARK)

/** How long mails and webhooks that wait may take at a stop; the director waits for 5 s. */
const LAST_WORDS_MS = 3000

const running = new Map<string, Running>()

function configure(tasks: readonly CheckerTask<Check>[], before: Found): void {
  const found = foundOf(before)
  const wanted = new Map(tasks.map((task) => [task.id, task]))
  for (const [id, { task, runner }] of running) {
    // An unchanged checker goes on where it is: a reload neither repeats nor delays it.
    if (JSON.stringify(wanted.get(id)) === JSON.stringify(task)) continue
    runner.stop()
    running.delete(id)
  }
  for (const task of tasks) {
    if (!running.has(task.id)) running.set(task.id, { task, runner: start(task, found.get(task.id)) })
  }
}

/** By the names that are asked for. */
const watches = new Map<string, HostWatch>()

function watch(hosts: readonly HostAsked[]): void {
  const wanted = new Map(hosts.map((each) => [hostKey(each), each]))
  for (const [key, each] of watches) {
    if (wanted.has(key)) continue
    each.stop()
    watches.delete(key)
  }
  for (const [key, asked] of wanted)
    if (!watches.has(key)) watches.set(key, new HostWatch(asked, (news) => send({ type: 'host', news })))
}

function start({ id, check }: CheckerTask<Check>, was: 'up' | 'down' | undefined): CheckRunner {
  let last: Outcome | undefined
  return new CheckRunner(
    check,
    prober(check),
    (outcome) => {
      if (isNews(last, outcome)) report({ id, ...outcome, at: Date.now() })
      last = outcome
    },
    was,
    ({ up, reason, duration }) => {
      if (up === false && check.logAllFailures === true)
        log.warn({ check: id, up, ms: duration }, `${id} failed after ${duration.toFixed(1)} ms: ${reason}`)
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
      useTlsClient(message.tlsClient ?? {})
      configure(message.tasks, message.found)
      watch(message.hosts ?? [])
      keepInMemory(message.noSwap, log)
      break
    case 'ask':
      void watched(async (note) => {
        if (message.host !== undefined) await noteHost(message.host, message.check.target.address, note)
        return await probe(message.check, note)
      }).then((asked) => send({ type: 'asked', number: message.number, asked }))
      break
    case 'stop':
      void stop()
      break
  }
})

/** What the name of a server stands for now. Its addresses are known already: a failure ends nothing. */
async function noteHost(host: HostAsked, checked: Address, note: NonNullable<Note>): Promise<void> {
  note(`asks for the ${host.family === 'inet' ? 'IPv4' : 'IPv6'} addresses of ${host.host}`)
  const { news } = await askHost(host)
  if (news.type === 'failed') note(`no address is found (${news.failure}); ${checked} is the last known one`)
  else note(`${host.host} is ${news.addresses.join(', ')}`)
}

async function stop(): Promise<void> {
  for (const { runner } of running.values()) runner.stop()
  await Promise.race([tellers.finish(), sleep(LAST_WORDS_MS)])
  await flushLog(log)
  process.exit()
}

// Signals are for the director, which tells its children.
ignoreSignals()
process.on('disconnect', () => process.exit())
