/**
 * The demo: a pair of directors in a lab on this machine, first with NAT and then with direct routing. It shows a
 * failover's story as a timeline, with traffic all the while, measures every outage, and fails if a claim does not hold.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { buildPair, distribution, type Pair } from '../support/pair.ts'
import { until } from '../support/lab.ts'
import { type Reporter, type RequestsReport, startRequests } from '../support/reporter.ts'
import { isWithin, lossOf, lostNothing, type Probes, see, startProbes } from './outage.ts'

/** 3 adverts of 1 s and the skew of priority 100, with 5 % and 20 ms on top. */
const TAKEOVER_LIMIT_MS = (3000 + (156 / 256) * 1000) * 1.05 + 20
/** What a hand-over in order may cost. */
const HANDOVER_LIMIT_MS = 100

const startedAt = performance.now()
let failures = 0

function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${seconds.padStart(5)} s  ${text}\n`)
}

function title(text: string): void {
  process.stdout.write(`\n${styleText('bold', text)}\n`)
}

function claim(text: string, holds: boolean): void {
  if (!holds) failures++
  say(`${holds ? styleText('green', '✓') : styleText('red', '✗ NOT TRUE:')} ${text}`)
}

const show = (counts: Record<string, number>) =>
  Object.entries(counts)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

/** Whether the answers are shared by weight. The other traffic takes its turns, too, so a few may be off. */
function isShared(answers: Record<string, number>, weights: readonly [number, number, number]): boolean {
  const total = Object.values(answers).reduce((sum, count) => sum + count, 0)
  const sum = weights[0] + weights[1] + weights[2]
  return weights.every((weight, i) => Math.abs((answers[`rs${11 + i}`] ?? 0) - (total * weight) / sum) <= 4)
}

/** 60 requests by weights 1, 2 and 3. */
function showDistribution(pair: Pair): void {
  const answers = distribution(pair, 60)
  claim(`60 requests by weight 1:2:3: ${show(answers)}`, isShared(answers, [1, 2, 3]))
}

async function showElection(pair: Pair): Promise<void> {
  const [first, second] = pair.directors
  await Promise.all([first.start(), second.start()])
  say('both directors run; nobody has the virtual IP yet')
  await first.untilState('master')
  await second.untilState('backup')
  claim(
    `director1 (priority 150) is master and has ${pair.vip}; director2 (100) is backup`,
    first.addresses().includes(pair.vip) && !second.addresses().includes(pair.vip),
  )
}

async function showFailedServer(pair: Pair, probes: Probes): Promise<void> {
  const [director] = pair.directors
  const web = pair.servers[1]
  if (web === undefined) throw new Error('the lab has three servers')
  const stateOf = async () => (await director.status()).services[0]?.servers[1]
  await web.stop()
  say('nginx on rs12 is stopped')
  await until('rs12 to leave the pool', async () => (await stateOf())?.state === 'down')
  say(`director1: rs12 is down: ${(await stateOf())?.reason}`)
  const without = distribution(pair, 40)
  claim(`40 requests without rs12: ${show(without)}`, isShared(without, [1, 0, 3]))
  await web.start()
  await until('rs12 to come back', async () => (await stateOf())?.state === 'up')
  say('nginx on rs12 is back, and so is rs12')
  showDistribution(pair)
  const seen = await see(probes)
  claim(`the other servers’ clients noticed nothing: ${lossOf(seen)}`, isWithin(HANDOVER_LIMIT_MS, seen))
}

async function showReload(pair: Pair, probes: Probes): Promise<void> {
  await see(probes)
  for (const director of pair.directors) {
    director.configure(readFileSync(director.file, 'utf8').replace('weight 3', 'weight 7'))
    const errors = await director.reload()
    if (errors.length > 0) throw new Error(errors.join('\n'))
  }
  say('reload on both: the weight of rs13 is 7 instead of 3')
  const answers = distribution(pair, 60)
  await sleep(300)
  const seen = await see(probes)
  claim(`60 requests by weight 1:2:7: ${show(answers)}`, isShared(answers, [1, 2, 7]))
  claim(`the reload cost nothing: ${lossOf(seen)}`, lostNothing(seen))
}

async function showKill(pair: Pair, probes: Probes, requests: Reporter<RequestsReport>): Promise<void> {
  const [first, second] = pair.directors
  await see(probes)
  await requests.report()
  await first.killAll()
  say('kill -9 of all three processes of director1; its programs stay in its kernel')
  await second.untilState('master')
  say('director2 is master')
  await sleep(1000)
  const seen = await see(probes)
  const { answered, failed } = await requests.report()
  first.release()
  await until('the kernel to take the address away', () => !first.addresses().includes(pair.vip))
  claim(
    'what systemd runs next on director1 (tanistd --release) leaves the virtual IP to director2 alone',
    !first.addresses().includes(pair.vip) && second.addresses().includes(pair.vip),
  )
  claim(`outage of the takeover after kill -9: ${lossOf(seen)}`, isWithin(TAKEOVER_LIMIT_MS, seen))
  say(`new connections meanwhile: answered ${show(answered)}; failed ${show(failed) || 'none'}`)
  const answers = distribution(pair, 60)
  claim(`director2 serves by the same weights: ${show(answers)}`, isShared(answers, [1, 2, 7]))
}

async function showReturn(pair: Pair, probes: Probes): Promise<void> {
  const [first, second] = pair.directors
  await first.start()
  say('director1 is started again; it finds its programs and takes over what they hold')
  await first.untilState('master')
  await second.untilState('backup')
  await sleep(500)
  const seen = await see(probes)
  claim(`director1 has preempted: ${lossOf(seen)}`, isWithin(HANDOVER_LIMIT_MS, seen))
}

async function showCable(pair: Pair, probes: Probes): Promise<void> {
  const [, second] = pair.directors
  await see(probes)
  pair.lab.cable('director1', 0, 'down')
  pair.lab.cable('director1', 1, 'down')
  say('both cables of director1 are pulled')
  await second.untilState('master')
  say('director2 is master')
  await sleep(1000)
  const seen = await see(probes)
  claim(
    `outage of the takeover after a cable is pulled, at most ${TAKEOVER_LIMIT_MS.toFixed(0)} ms: ${lossOf(seen)}`,
    isWithin(TAKEOVER_LIMIT_MS, seen) && seen.gap > 2000,
  )
}

async function demonstrate(method: 'nat' | 'dr'): Promise<void> {
  title(
    method === 'nat'
      ? 'NAT: virtual IP 172.18.100.6, real servers 192.168.10.11-13 behind the directors, gateway 192.168.10.254'
      : 'DR: virtual IP 172.18.100.7, directors and real servers 172.18.100.11-13 on one network',
  )
  const pair = await buildPair(method)
  try {
    say('a client, two directors and three nginx are connected')
    await showElection(pair)
    const probes = await startProbes(pair)
    const requests = await startRequests(pair.lab, 'client', pair.vip, 20)
    showDistribution(pair)
    await showFailedServer(pair, probes)
    await showReload(pair, probes)
    await showKill(pair, probes, requests)
    if (method === 'nat') {
      await showReturn(pair, probes)
      await showCable(pair, probes)
    }
    for (const director of pair.directors) await director.stop().catch(() => {})
  } finally {
    pair.lab.destroy()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130)) // labs go with the process
process.stdout.write(
  'A pair of directors on this machine. Traffic runs all the while: a probe each millisecond through the\n',
)
process.stdout.write(
  'virtual IP to a real server, and a new HTTP connection every 20 ms. A second probe goes past the\ndirectors: what it loses is this machine’s own noise, and outages are judged against it.\n',
)
await demonstrate('nat')
await demonstrate('dr')
title(failures === 0 ? 'Every claim held.' : `${failures} claim(s) did not hold.`)
process.exitCode = failures === 0 ? 0 : 1
