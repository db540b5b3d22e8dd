import { createSocket, type RemoteInfo } from 'node:dgram'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { expect } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import type { Check, CheckSchedule } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { ip } from '../vrrp/instances.ts'

/** Of probes that are not answered, in ms. */
export const SHORT = 400
/** What a busy machine may take for a probe that ends at once, in ms: far less than its deadline. */
const AT_ONCE = 5000
/** How much longer than its deadline a probe may take on a busy machine, in ms. */
const SLACK = 1000

export const schedule = (port: number, change: Partial<CheckSchedule> = {}): CheckSchedule => ({
  target: { address: ip('127.0.0.1'), port },
  delayLoop: millis(20),
  timeout: millis(20_000),
  retry: 0,
  delayBeforeRetry: millis(10),
  warmup: millis(0),
  ...change,
})

/** What an answer is to be: a text exactly, or what it matches. */
export const reason = (wanted: string | RegExp): unknown =>
  typeof wanted === 'string' ? wanted : expect.stringMatching(wanted)

export async function expectUp(check: Check, wanted: string | RegExp): Promise<void> {
  expect(await probe(check)).toMatchObject({ up: true, reason: reason(wanted) })
}

/** The answer is bad, for this reason, and came when it was clear: at once, or at the deadline of `SHORT`. */
export async function expectDown(
  check: Check,
  wanted: string | RegExp,
  when: 'at once' | 'at the deadline',
): Promise<void> {
  const timeout = millis(when === 'at the deadline' ? SHORT : 20_000)
  const answer = await probe({ ...check, timeout })
  expect(answer).toMatchObject({ up: false, reason: reason(wanted) })
  expect(answer.duration).toBeGreaterThanOrEqual(when === 'at the deadline' ? SHORT - 5 : 0)
  expect(answer.duration).toBeLessThan(when === 'at the deadline' ? SHORT + SLACK : AT_ONCE)
}

/** Servers of a test file on loopback; `close` ends all of them. */
export class Loopback {
  readonly #closers: (() => void)[] = []

  /** A name server or the like, that does this with each datagram. */
  async udp(answer: (request: Buffer, reply: (bytes: Uint8Array) => void, from: RemoteInfo) => void): Promise<number> {
    const socket = createSocket('udp4')
    let isOpen = true
    this.#closers.push(() => {
      isOpen = false
      socket.close()
    })
    socket.on('message', (request, from) => {
      answer(request, (bytes) => isOpen && socket.send(bytes, from.port, from.address), from)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return socket.address().port
  }

  /** A server that does this with each connection. */
  async tcp(serve: (socket: Socket) => void): Promise<number> {
    const open = new Set<Socket>()
    const server = createServer((socket) => {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
      serve(socket)
    })
    this.#closers.push(() => {
      server.close()
      for (const socket of open) socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  /** A port that nobody listens on. */
  async freePort(): Promise<number> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    return port
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close()
  }
}

/** Something again and again until the connection ends. */
export function again(socket: Duplex, everyMs: number, what: () => void): void {
  const timer = setInterval(what, everyMs)
  socket.on('close', () => clearInterval(timer))
}

/** As much as the other end takes, for ever. */
export function pour(socket: Duplex, chunk: Uint8Array | string): void {
  const more = () => {
    while (socket.writable && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

/** Greets, and answers the nth line that comes with the nth text; undefined: closes instead. */
export const dialogue =
  (greeting: string, ...answers: readonly (string | undefined)[]) =>
  (socket: Socket): void => {
    const left = [...answers]
    socket.write(greeting)
    socket.on('data', () => {
      const answer = left.shift()
      if (answer === undefined) socket.destroy()
      else socket.write(answer)
    })
  }
