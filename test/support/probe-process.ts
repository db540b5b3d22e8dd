/**
 * The outage probe: one numbered datagram a millisecond to an echo server, on a fixed schedule that waits for nobody
 * (open loop). `probe-process.ts ADDRESS PORT`. Any message asks for a report since the last one.
 */
import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProbeReport } from './reporter.ts'

const PERIOD_MS = 1
/** A gap is a run of lost probes at least this long. */
const GAP_MS = 10
/** A probe that was kept from its turn sends so many at once, and goes on later: more would be lost in the sockets' own buffers. */
const BURST = 50
/** After so long an answer does not come any more. */
const PATIENCE_MS = 1000

const [address = '', port = ''] = process.argv.slice(2)
// Room for answers while this process waits for its turn.
const socket = createSocket({ type: 'udp4', recvBufferSize: 2 ** 20 })
const sentAt: number[] = []
const answered = new Set<number>()
let first = 0
let latestLateness = 0

function tick(start: number): void {
  const now = performance.now()
  const due = Math.floor((now - start) / PERIOD_MS)
  const late = due - sentAt.length
  latestLateness = Math.max(latestLateness, late * PERIOD_MS)
  const skipped = Math.max(0, late - BURST)
  while (sentAt.length <= due - skipped) {
    const number = Buffer.alloc(8)
    number.writeUInt32LE(sentAt.length)
    sentAt.push(performance.timeOrigin + performance.now())
    socket.send(number, Number(port), address, () => {}) // unreachable for a moment: a lost probe
  }
  setTimeout(tick, PERIOD_MS, start + skipped * PERIOD_MS)
}

/** Of what was sent until 200 ms ago, when every answer is there or has had a second more: a busy machine takes its time. */
async function report(): Promise<ProbeReport> {
  const end = sentAt.findLastIndex((at) => at < performance.timeOrigin + performance.now() - 200) + 1
  const givenUpAt = performance.now() + PATIENCE_MS
  const isMissing = () => sentAt.some((_, i) => i >= first && i < end && !answered.has(i))
  while (performance.now() < givenUpAt && isMissing()) await sleep(10) // oxlint-disable-line no-await-in-loop -- waits
  const gaps: ProbeReport['gaps'] = []
  let lost = 0
  let before = first - 1
  for (let i = first; i <= end; i++) {
    if (i < end && !answered.has(i)) {
      lost++
      continue
    }
    // From the last answered probe before to the first answered one after, less the period.
    const from = sentAt[Math.max(before, first)] ?? 0
    const to = sentAt[Math.min(i, end - 1)] ?? 0
    if (i - before > 1 && to - from - PERIOD_MS >= GAP_MS) gaps.push({ at: from, ms: to - from - PERIOD_MS })
    before = i
  }
  const result = { sent: end - first, lost, gaps, lateness: latestLateness }
  first = end
  latestLateness = 0
  return result
}

socket.on('message', (message) => answered.add(message.readUInt32LE()))
socket.on('error', () => {})
socket.bind(0, () => {
  tick(performance.now())
  process.send?.('ready')
})
process.on('message', () => void report().then((seen) => process.send?.(seen)))
