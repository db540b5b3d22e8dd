/**
 * A client that opens one connection after the other, from several addresses in turn: `connects-process.ts ADDRESS PORT FROM …`. Each
 * is reset by the client when it stands, so that its port is free again. Any message asks for a report since the last one.
 */
import { connect } from 'node:net'
import type { ConnectsReport } from './reporter.ts'

/** Connections at a time. */
const AT_ONCE = 2
/** A SYN that is lost is sent again after one, three and seven seconds. */
const PATIENCE_MS = 10_000

const [host = '', port = '', ...sources] = process.argv.slice(2)
let report: ConnectsReport = { opened: 0, refused: 0, failed: 0 }
let next = 0

function open(): void {
  const localAddress = sources[next++ % sources.length] ?? '0.0.0.0'
  const socket = connect({ host, port: Number(port), localAddress })
  let isOver = false
  const end = (what: keyof ConnectsReport) => {
    if (isOver) return
    isOver = true
    clearTimeout(late)
    report = { ...report, [what]: report[what] + 1 }
    socket.resetAndDestroy()
    setImmediate(open)
  }
  const late = setTimeout(end, PATIENCE_MS, 'failed')
  socket.once('connect', () => end('opened'))
  socket.on('error', (error) => end('code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'failed'))
}

for (let i = 0; i < AT_ONCE; i++) open()
process.send?.('ready')
process.on('message', () => {
  process.send?.(report)
  report = { opened: 0, refused: 0, failed: 0 }
})
