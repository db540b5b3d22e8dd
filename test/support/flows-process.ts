/**
 * Established connections that go on: `flows-process.ts ADDRESS COUNT`. Each sends a request every second and must be
 * answered by the same server. Any message asks for a report since the last one.
 */
import { connect, type Socket } from 'node:net'
import type { FlowsReport } from './reporter.ts'

const [host = '', count = ''] = process.argv.slice(2)
const PERIOD_MS = 1000

const report = { answered: 0, broken: 0, moved: 0 }
let open = 0

function start(socket: Socket): void {
  let server: string | undefined
  let buffer = ''
  socket.on('data', (data) => {
    buffer += data.toString()
    // nginx answers with a header and one line; the line ends the answer.
    const body = /\r\n\r\n(\S+)\n$/.exec(buffer)?.[1]
    if (body === undefined) return
    buffer = ''
    if (server !== undefined && server !== body) report.moved++
    if (server === undefined && ++open === Number(count)) process.send?.('ready')
    server = body
    report.answered++
  })
  socket.on('error', () => report.broken++)
  socket.on('end', () => report.broken++)
  const ask = () => socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  ask()
  setTimeout(() => setInterval(ask, PERIOD_MS), Math.random() * PERIOD_MS)
}

for (let i = 0; i < Number(count); i++) {
  // Not all in one instant: the servers' accept queues are finite.
  setTimeout(() => {
    const socket = connect({ host, port: 80, noDelay: true }, () => start(socket))
    socket.on('error', () => {})
  }, i)
}

process.on('message', () => {
  const result: FlowsReport = { ...report }
  Object.assign(report, { answered: 0, broken: 0, moved: 0 })
  process.send?.(result)
})
