import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { prober } from '../../src/check/probes/probe.ts'
import type { Check } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { mutated } from '../support/mutated.ts'
import { ip } from '../vrrp/instances.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

async function listen(server: Server): Promise<number> {
  closers.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
/** `serve` is given each connection, and how many there were before. */
async function agent(serve: (socket: Socket, count: number) => void): Promise<number> {
  let count = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    closers.push(() => socket.destroy())
    serve(socket, count++)
  })
  return await listen(server)
}
/** Says one line after the other, the last one again and again. */
const lines = async (...texts: string[]) =>
  await agent((socket, count) => socket.end(texts[Math.min(count, texts.length - 1)] ?? ''))
const check = (port: number, change: { readonly timeout?: number; readonly send?: string } = {}): Check => ({
  type: 'AGENT_CHECK',
  target: { address: ip('127.0.0.1'), port },
  delayLoop: millis(20),
  timeout: millis(change.timeout ?? 20_000),
  retry: 0,
  delayBeforeRetry: millis(10),
  warmup: millis(0),
  send: change.send ?? '',
})

test('a weight, a drain and a failure, with what is said of it', async () => {
  const ask = prober(check(await lines('up 75%\n', 'drain\r\n', 'ready fail #no replication\n', 'up foo\n')))
  expect(await ask()).toMatchObject({ up: true, weight: { type: 'percent', value: 75 }, reason: 'up, 75%' })
  expect(await ask()).toMatchObject({ up: true, weight: { type: 'drain' }, reason: 'drain, up, 75%' })
  expect(await ask()).toMatchObject({ up: false, reason: 'fail (no replication), 75%' })
  expect(await ask()).toMatchObject({ up: true, reason: 'up, 75%; not understood: foo' })
})

test('it is told what the configuration says, and may answer in pieces', async () => {
  const port = await agent((socket) => {
    let heard = ''
    socket.on('data', (bytes) => {
      heard += bytes.toString()
      if (!heard.endsWith('\n')) return
      socket.write(heard === 'web/1\n' ? '4' : '9')
      setTimeout(() => socket.write('0%\nmore'), 50)
    })
  })
  expect(await prober(check(port, { send: 'web/1\n' }))()).toMatchObject({ up: true, weight: { value: 40 } })
})

test.each<[string, (socket: Socket) => void, string, number]>([
  ['never answers', () => {}, 'the agent does not answer: no answer within 0.4 s', 400],
  ['drips', (socket) => drip(socket, 'u'), 'the agent does not answer: no answer within 0.4 s', 400],
  ['ends a line before its end', (socket) => socket.end('down'), 'the agent ended without a whole line', 0],
  ['says nothing', (socket) => socket.end(), 'the agent ended without a whole line', 0],
  ['says a line without end', pour, "the agent's line is longer than 1024 bytes", 0],
  ['resets at once', (socket) => socket.resetAndDestroy(), 'the agent does not answer: ECONNRESET', 0],
  [
    'resets in its line',
    (socket) => socket.write('dow', () => setTimeout(() => socket.resetAndDestroy(), 50)),
    'the agent does not answer: ECONNRESET',
    0,
  ],
])(
  'one that %s changes nothing: what it has said holds, and the reason says why',
  async (_name, hostile, why, least) => {
    const port = await agent((socket, count) => (count === 0 ? socket.end('up 30%\n') : hostile(socket)))
    const ask = prober(check(port, { timeout: 400 }))
    expect(await ask()).toMatchObject({ up: true, weight: { type: 'percent', value: 30 } })
    const begun = performance.now()
    expect(await ask()).toMatchObject({
      up: true,
      unheard: true,
      weight: { type: 'percent', value: 30 },
      reason: `${why}; it has said: up, 30%`,
    })
    const took = performance.now() - begun
    expect(took).toBeGreaterThanOrEqual(least - 2)
    expect(took).toBeLessThan(least + 1000)
  },
)

test('one that has never been heard says nothing of its server', async () => {
  const server = createServer()
  const port = await listen(server)
  server.close()
  expect(await prober(check(port))()).toMatchObject({
    up: undefined,
    reason: 'the agent does not answer: ECONNREFUSED',
  })
})

test('one that has said that its server is down, and is gone, leaves it down', async () => {
  const port = await agent((socket, count) => (count === 0 ? socket.end('stopped\n') : socket.resetAndDestroy()))
  const ask = prober(check(port))
  expect(await ask()).toMatchObject({ up: false, reason: 'stopped' })
  expect(await ask()).toMatchObject({ up: false, unheard: true })
})

test('whatever an agent says, there is an answer in time, and a short reason for it', async () => {
  let said: Uint8Array = new Uint8Array()
  const port = await agent((socket) => socket.end(said))
  const random = fc.uint8Array({ maxLength: 2000 })
  const texts = mutated('up 75%\n', 'drain 50% #slow\r\n', 'fail #no replication\n', 'maint\n')
  await fc.assert(
    fc.asyncProperty(fc.oneof(random, texts), async (bytes) => {
      said = bytes
      const { reason, duration } = await prober(check(port))()
      expect(reason).toMatch(/^[ -~…]{1,400}$/)
      expect(duration).toBeLessThan(5000)
    }),
    { numRuns: 300 },
  )
})

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 50)
  socket.on('close', () => clearInterval(timer))
}
function pour(socket: Socket): void {
  const more = () => {
    while (socket.write('x'.repeat(1 << 16)));
  }
  socket.on('drain', more)
  more()
}
