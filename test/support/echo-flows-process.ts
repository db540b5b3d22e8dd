/**
 * Connections to an echo server that last: `echo-flows-process.ts ADDRESS PORT COUNT`. On each a line that nobody else sends goes out
 * every second, and must come back as it is before the next. Any message asks for a report since the last one.
 */
import { connect } from 'node:net'
import type { EchoFlowsReport } from './reporter.ts'

const [host = '', port = '', count = ''] = process.argv.slice(2)
const PERIOD_MS = 1000

/** A line that has not come back after so long. */
const SILENT_MS = 2000

const nothing = { answered: 0, broken: 0, wrong: 0, slowestMs: 0 }
const report = { ...nothing }
/** Of those on which a line is on its way. */
const sentAt = new Map<number, number>()
let open = 0

function flow(number: number): void {
  const socket = connect({ host, port: Number(port), noDelay: true })
  let [round, buffer, expected] = [0, '', '']
  const say = () => {
    if (expected !== '') return // still on its way: that is what `silent` says
    expected = `connection ${number}, line ${++round}, ${Math.random()}\n`
    sentAt.set(number, performance.now())
    socket.write(expected)
  }
  socket.on('connect', () => {
    say()
    setTimeout(() => setInterval(say, PERIOD_MS), Math.random() * PERIOD_MS)
  })
  socket.on('data', (data) => {
    buffer += data.toString()
    if (!buffer.endsWith('\n')) return
    if (buffer !== expected) report.wrong++
    report.answered++
    report.slowestMs = Math.max(report.slowestMs, performance.now() - (sentAt.get(number) ?? 0))
    sentAt.delete(number)
    buffer = expected = ''
    if (round === 1 && ++open === Number(count)) process.send?.('ready')
  })
  const broken = () => {
    report.broken++
    sentAt.delete(number)
    socket.destroy()
  }
  socket.on('error', broken)
  socket.on('end', broken)
}

// Not all in one instant: the servers' accept queues are finite.
for (let i = 0; i < Number(count); i++) setTimeout(() => flow(i), i)

process.on('message', () => {
  const silent = [...sentAt.values()].filter((at) => at < performance.now() - SILENT_MS).length
  const result: EchoFlowsReport = { ...report, silent }
  Object.assign(report, nothing)
  process.send?.(result)
})
