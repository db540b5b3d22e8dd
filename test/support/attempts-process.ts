/**
 * A client that tries the same again and again, on a fixed schedule that waits for nobody: `attempts-process.ts PERIOD_MS URL`, a new
 * connection each time, or `attempts-process.ts PERIOD_MS PROGRAM ARGUMENT…`. Any message asks for a report of what was begun since the
 * last one, when all of it has come to its end.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { AttemptsReport } from './reporter.ts'

/** After so long an attempt has failed. */
const PATIENCE_MS = 1000

const [period = '', what = '', ...args] = process.argv.slice(2)

let begun: Promise<number | undefined>[] = []

/** An answer that is not 200 is a failure; whose the certificate is does not matter here. */
async function fetchOnce(url: string): Promise<boolean> {
  const options = { agent: false, signal: AbortSignal.timeout(PATIENCE_MS) } as const
  const asked = url.startsWith('https:') ? secure(url, { ...options, rejectUnauthorized: false }) : plain(url, options)
  asked.end()
  const [response] = (await once(asked, 'response')) as [Parameters<NonNullable<Parameters<typeof plain>[2]>>[0]]
  response.resume()
  await once(response, 'end')
  return response.statusCode === 200
}

async function runOnce(): Promise<boolean> {
  const child = spawn(what, args, { stdio: 'ignore', timeout: PATIENCE_MS, killSignal: 'SIGKILL' })
  const [code] = (await once(child, 'close')) as [number | null]
  return code === 0
}

/** When it was begun, in ms since the epoch, if it has failed. */
async function attempt(): Promise<number | undefined> {
  const at = Date.now()
  const good = await (what.includes('://') ? fetchOnce(what) : runOnce()).catch(() => false)
  return good ? undefined : at
}

async function report(): Promise<AttemptsReport> {
  const ending = begun
  begun = []
  const ended = await Promise.all(ending)
  return { attempted: ended.length, failed: ended.filter((at) => at !== undefined) }
}

setInterval(() => begun.push(attempt()), Number(period))
process.send?.('ready')
process.on('message', () => void report().then((seen) => process.send?.(seen)))
