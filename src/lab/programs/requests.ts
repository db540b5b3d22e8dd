/**
 * A new connection with a request every so often, on a schedule that waits for nobody.
 *
 *     requests.ts ADDRESS PORT http|https PERIOD_MS
 *
 * Certificates are not verified. Any question is answered with a RequestsRecord of all that was begun until then; its times are those of
 * this machine's monotonic clock.
 */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { RequestsRecord } from '../../drill/recording.ts'
import { type Millis, millis } from '../../time.ts'
import { monotonicNow } from '../monotonic.ts'
import { work } from '../program.ts'

type Outcome = RequestsRecord['outcomes'][number]

/** An answer that has not come by then does not come. */
const PATIENCE_MS = 5000
/** BOUNDED: those under way, and all. */
const MOST_UNDER_WAY = 1000
const MOST = 200_000

const [host = '', port = '', talk = '', periodText = ''] = process.argv.slice(2)
const period = Number(periodText)
if (!(period >= 1)) throw new Error(`${periodText} is no period in ms`)
const target = `${talk}://${host.includes(':') ? `[${host}]` : host}:${port}`
const request = talk === 'https' ? requestHttps : requestHttp
/** By when they were begun; those under way are undefined. */
const outcomes: (Outcome | undefined)[] = []
const underWay = new Map<number, Promise<void>>()

function begin(): void {
  if (outcomes.length >= MOST) return
  const at = monotonicNow()
  const place = outcomes.length
  if (underWay.size >= MOST_UNDER_WAY) {
    outcomes.push({ at, ms: 0, by: undefined, failure: 'too many requests are under way' })
    return
  }
  outcomes.push(undefined)
  underWay.set(place, finish(place, at))
}

async function finish(place: number, at: Millis): Promise<void> {
  const found = await ask()
  outcomes[place] = { at, ms: monotonicNow() - at, ...found }
  underWay.delete(place)
}

function ask(): Promise<Pick<Outcome, 'by' | 'failure'>> {
  return new Promise((resolve) => {
    const fail = (failure: string) => resolve({ by: undefined, failure })
    const asked = request({ host, port, agent: false, rejectUnauthorized: false }, (answer) => {
      const by = answer.headers['x-server']
      const isGood = (answer.statusCode ?? 0) < 400
      answer.resume()
      answer.once('error', (error) => fail(failureOf(error)))
      answer.once('end', () => {
        clearTimeout(late)
        if (isGood) resolve({ by: String(by ?? ''), failure: undefined })
        else fail(`status ${answer.statusCode}`)
      })
    })
    const late = setTimeout(() => {
      fail(`no answer within ${PATIENCE_MS} ms`)
      asked.destroy()
    }, PATIENCE_MS)
    asked.once('close', () => clearTimeout(late))
    asked.on('error', (error) => fail(failureOf(error)))
    asked.end()
  })
}

const failureOf = (error: Error): string => ('code' in error ? String(error.code) : error.message)

let due: Millis = monotonicNow()
function tick(): void {
  const now = monotonicNow()
  // One that was kept from its turn goes on from there.
  if (now - due > 20 * period) due = now
  for (; due <= now; due = millis(due + period)) begin()
  setTimeout(tick, due - monotonicNow())
}

work(async (): Promise<RequestsRecord> => {
  const upTo = outcomes.length
  await Promise.all(underWay.values())
  return { type: 'requests', target, outcomes: outcomes.slice(0, upTo).filter((each) => each !== undefined) }
})
tick()
