import { randomBytes } from 'node:crypto'
import type { EchoNews, EchoSocket } from '../../linux/echo-socket.ts'
import { Poller } from '../../linux/poller.ts'
import { wallClock } from '../../linux/wall-clock.ts'
import type { Address } from '../../net/address.ts'
import { type Millis, millis } from '../../time.ts'

/** BOUNDED: requests that are under way at once; each has a sequence number of its own. */
const MOST_PENDING = 0x1_0000
/** BOUNDED: news of each kind that are taken in one turn; then others of this process have theirs. */
const TAKEN_AT_ONCE = 1024
/** Bytes, at random for each request; as many as ping sends by default. */
const DATA_LENGTH = 56
/** What comes in a steady stream is looked at so often. */
const PAUSE = millis(5)

/** What has come of a request. */
export type EchoResult =
  /** `after`: from sending to what the kernel has put down as its arrival. */
  | { readonly type: 'reply'; readonly after: Millis }
  /** By ICMP from somebody, or at once from this host's kernel. */
  | { readonly type: 'error'; readonly code: string; readonly from: Address | 'this host' | undefined }
  /** `stray`: what came in its place, in words. */
  | { readonly type: 'silence'; readonly stray: string | undefined }
  /** There is no sequence number left. */
  | { readonly type: 'too many' }

interface Pending {
  readonly to: Address
  readonly data: Buffer
  readonly sentAt: number
  stray: string | undefined
  readonly settle: (result: EchoResult) => void
}

/** All echo requests of this process to one family, by one socket. A thread waits in the kernel while requests are under way. */
export class Echoes {
  readonly #socket: EchoSocket
  readonly #pending = new Map<number, Pending>()
  #poller: Poller | undefined
  #last = 0

  constructor(socket: EchoSocket) {
    this.#socket = socket
  }

  ask(to: Address, timeout: Millis): Promise<EchoResult> {
    if (this.#pending.size >= MOST_PENDING) return Promise.resolve({ type: 'too many' })
    return new Promise((resolve) => {
      const sequence = this.#free()
      const data = randomBytes(DATA_LENGTH)
      const timer = setTimeout(() => settle({ type: 'silence', stray: pending.stray }), timeout)
      const settle = (result: EchoResult) => {
        clearTimeout(timer)
        this.#pending.delete(sequence)
        if (this.#pending.size === 0) {
          this.#poller?.close()
          this.#poller = undefined
        }
        resolve(result)
      }
      const pending: Pending = { to, data, sentAt: wallClock(), stray: undefined, settle }
      this.#pending.set(sequence, pending)
      const failed = this.#send(to, sequence, data)
      if (failed !== undefined) {
        settle({ type: 'error', code: failed, from: 'this host' })
        return
      }
      if (this.#poller === undefined) {
        this.#poller = new Poller(() => this.#drain(), PAUSE)
        this.#poller.watch([this.#socket.fd])
      }
    })
  }

  #free(): number {
    do this.#last = (this.#last + 1) % MOST_PENDING
    while (this.#pending.has(this.#last))
    return this.#last
  }

  /** Name of the error that the kernel has at once. */
  #send(to: Address, sequence: number, data: Uint8Array): string | undefined {
    if (this.#socket.send(to, sequence, data) === undefined) return undefined
    // It may have been an ICMP error to an earlier request, which is told once.
    this.#drain()
    return this.#socket.send(to, sequence, data)?.code
  }

  #drain(): void {
    for (const news of this.#socket.receive(TAKEN_AT_ONCE)) this.#take(news)
  }

  #take(news: EchoNews): void {
    const pending = this.#pending.get(news.echo.sequence)
    if (pending === undefined) return
    const { data } = news.echo
    // An error quotes as much as it likes of a request behind its first 8 bytes.
    const wanted = news.type === 'error' ? pending.data.subarray(0, data.length) : pending.data
    const isOurs = wanted.equals(data)
    switch (news.type) {
      case 'reply':
        if (!isOurs) pending.stray = 'a reply with other data'
        else if (news.from !== pending.to) pending.stray = `a reply from ${news.from}`
        else
          pending.settle({
            type: 'reply',
            after: millis(Math.max(0, (news.stampedAt ?? wallClock()) - pending.sentAt)),
          })
        break
      case 'error':
        if (isOurs && news.to === pending.to) pending.settle({ type: 'error', code: news.code, from: news.from })
        break
    }
  }
}
