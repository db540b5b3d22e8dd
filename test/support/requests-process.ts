/**
 * New HTTP connections on a fixed schedule: `requests-process.ts ADDRESS PERIOD_MS`. Any message asks for a report since
 * the last one.
 */
import { request } from 'node:http'
import type { RequestsReport } from './reporter.ts'

const [host = '', period = ''] = process.argv.slice(2)
const TIMEOUT_MS = 5000

let report: RequestsReport = { answered: {}, failed: {} }

const count = (kind: keyof RequestsReport, what: string) => (report[kind][what] = (report[kind][what] ?? 0) + 1)

function ask(): void {
  const asked = request({ host, agent: false, timeout: TIMEOUT_MS }, (response) => {
    let body = ''
    response.on('data', (chunk: Buffer) => (body += chunk.toString()))
    response.on('end', () => count('answered', body.trim()))
    response.on('error', (error) => count('failed', error.message))
  })
  asked.on('timeout', () => asked.destroy(new Error('timeout')))
  asked.on('error', (error) => count('failed', 'code' in error ? String(error.code) : error.message))
  asked.end()
}

setInterval(ask, Number(period))
process.send?.('ready')
process.on('message', () => {
  process.send?.(report)
  report = { answered: {}, failed: {} }
})
