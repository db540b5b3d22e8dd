/**
 * The restart drill: a thousand connections that last and a thousand datagrams a second through each forwarding method, while
 * `systemctl restart tanist` restarts a director alone, and while `tanist upgrade` replaces one beside a peer. That director is run by
 * this machine's own systemd, booted for the drill. `restart.ts [--connections N] [ROUNDS] [METHOD …]`. Ends with exit
 * status 0 only if nothing broke, nothing was lost, and nobody changed the role. A round in which the machine itself loses datagrams
 * that pass no director, or sends too late, says nothing about loss and is made again, at most as often as there are rounds.
 */
import { setPriority } from 'node:os'
import { parseArgs, styleText } from 'node:util'
import { until } from '../support/lab.ts'
import { buildMethodPair, ECHO_PORT, METHOD_NAMES, type MethodPair } from '../support/method-pair.ts'
import { untilState } from '../support/director.ts'
import { longestGap, type EchoFlowsReport, type Reporter, startEchoFlows, startProbe } from '../support/reporter.ts'
import type { UnitDirector } from '../support/unit-director.ts'

/** A probe that is so late sends the rest at once, which no receiver has room for. */
const LATE_MS = 100
/** Before ordinary processes: what this machine does besides shall not look like a loss. */
const NICE = -15
const { values, positionals } = parseArgs({
  options: { connections: { type: 'string', default: '1000' } },
  allowPositionals: true,
})
const FLOWS = Number(values.connections)
const [rounds = '10', ...chosen] = positionals
const isKnown = (name: string) => METHOD_NAMES.some((known) => known === name)
if (!(FLOWS >= 1 && Number(rounds) >= 1 && chosen.every(isKnown))) {
  process.stderr.write(`usage: restart.ts [--connections N] [ROUNDS] [${METHOD_NAMES.join('|')} …]\n`)
  process.exit(2) // holding nothing is no success
}

let failures = 0

/** What the traffic felt in all rounds of one kind. */
interface Sum {
  answered: number
  broken: number
  silent: number
  wrong: number
  slowestMs: number
  sent: number
  lost: number
  /** Rounds that say nothing about loss, since the machine was too busy; each was made again. */
  repeated: number
  gapMs: number
  changes: number
  /** Without a daemon that answers. */
  awayMs: number
}

const nothing = (): Sum => ({
  answered: 0,
  broken: 0,
  silent: 0,
  wrong: 0,
  slowestMs: 0,
  sent: 0,
  lost: 0,
  repeated: 0,
  gapMs: 0,
  changes: 0,
  awayMs: 0,
})

function addFlows(sum: Sum, { answered, broken, wrong, slowestMs }: EchoFlowsReport): void {
  sum.answered += answered
  sum.broken += broken
  sum.wrong += wrong
  sum.slowestMs = Math.max(sum.slowestMs, slowestMs)
}

/** Waits until the connections were answered twice on average from now on: by then it is seen what came of the change. */
async function settle(flows: Reporter<EchoFlowsReport>, sum: Sum): Promise<void> {
  addFlows(sum, await flows.report())
  let answered = 0
  await until(
    'answers on the connections',
    async () => {
      const report = await flows.report()
      addFlows(sum, report)
      answered += report.answered
      return report.silent + sum.broken > FLOWS / 2 || answered > 2 * FLOWS
    },
    30_000,
  )
  sum.silent += (await flows.report()).silent
}

const rolesOf = async (directors: MethodPair['directors']) =>
  (await Promise.all(directors.map((director) => director.status()))).flatMap(({ name, instances }) =>
    instances.map((each) => `${name} ${each.name} ${each.state} ${each.since}`),
  )

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** What may explain a loss: servers that the checks took out, and what the core has dropped. */
async function showCauses(director: UnitDirector): Promise<void> {
  const removed = director.logText().split('Removing service').length - 1
  const dropped = Object.entries((await director.status()).drops).filter(([, count]) => count > 0)
  say(
    `  so far servers were taken out ${removed} times; dropped by the core: ${JSON.stringify(Object.fromEntries(dropped))}`,
  )
}

const holds = ({ broken, silent, wrong, lost, changes }: Sum) => broken + silent + wrong + lost + changes === 0

function verdict(what: string, sum: Sum): void {
  if (!holds(sum)) failures++
  say(
    `${holds(sum) ? styleText('green', '✓') : styleText('red', '✗ NOT TRUE:')} ${what}: ` +
      `${sum.broken} of ${FLOWS} connections broken, ${sum.silent} silent, ${sum.wrong} of ${sum.answered} answers wrong (slowest ${sum.slowestMs.toFixed(0)} ms), ` +
      `${sum.lost} of ${sum.sent} datagrams lost (longest gap ${sum.gapMs.toFixed(0)} ms; ${sum.repeated} rounds made again), ` +
      `${sum.changes} changes of master; each took ${(sum.awayMs / (Number(rounds) + sum.repeated)).toFixed(0)} ms`,
  )
}

async function drill({ lab, vip, beside, directors }: MethodPair, method: string): Promise<void> {
  const [director, peer] = directors
  director.start()
  await untilState(director, 'master')
  const flows = await startEchoFlows(lab, 'client', vip, ECHO_PORT, FLOWS)
  const probe = await startProbe(lab, 'client', vip, ECHO_PORT)
  const other = await startProbe(lab, 'client', beside, ECHO_PORT)
  const repeat = async (what: string, change: (sum: Sum) => Promise<void>) => {
    const sum = nothing()
    await Promise.all([flows.report(), probe.report(), other.report()])
    let round = 0
    while (round < Number(rounds)) {
      const begun = performance.now()
      // oxlint-disable no-await-in-loop -- one after the other
      await change(sum)
      sum.awayMs += performance.now() - begun
      await settle(flows, sum)
      const [report, noise] = await Promise.all([probe.report(), other.report()])
      // oxlint-enable no-await-in-loop
      const isBusy = noise.lost > 0 || report.lateness > LATE_MS
      if (report.lost > 0 && isBusy && sum.repeated < Number(rounds)) {
        sum.repeated++
        continue
      }
      round++
      sum.sent += report.sent
      sum.lost += report.lost
      sum.gapMs = Math.max(sum.gapMs, longestGap(report))
    }
    verdict(`${method}: ${rounds} ${what}`, sum)
    if (!holds(sum)) await showCauses(director)
  }
  await repeat('restarts of a director alone', async () => {
    director.restart()
    await untilState(director, 'master')
  })
  await peer.start()
  await peer.untilState('backup')
  const before = await rolesOf(directors)
  await repeat('upgrades in place beside a peer', async (sum) => {
    director.upgrade()
    await until('the new vrrp process', async () => (await director.status()).instances.length === 2)
    const now = await rolesOf(directors)
    sum.changes += now.filter((role) => !before.includes(role)).length
  })
}

setPriority(NICE)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130)) // labs go with the process
say(`${FLOWS} connections with a line a second on each and 1000 datagrams a second, through each method in turn.`)
for (const method of METHOD_NAMES.filter((name) => chosen.length === 0 || chosen.includes(name))) {
  // oxlint-disable no-await-in-loop -- one after the other
  const pair = await buildMethodPair(method)
  try {
    await drill(pair, method)
  } finally {
    await pair.destroy()
  }
  // oxlint-enable no-await-in-loop
}
say(failures === 0 ? 'Every claim held.' : `${failures} claim(s) did not hold.`)
process.exitCode = failures === 0 ? 0 : 1
