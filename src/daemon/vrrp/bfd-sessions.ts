import { randomInt } from 'node:crypto'
import type { Logger } from 'pino'
import { encodeBfd } from '../../bfd/packet.ts'
import { receiveBfd } from '../../bfd/receive.ts'
import {
  beginSession,
  type BfdEvent,
  newIdentity,
  nextBfdDeadline,
  type Session,
  type SessionIdentity,
  stepBfd,
} from '../../bfd/session.ts'
import type { BfdSnapshot } from '../../control/snapshot.ts'
import { SystemError } from '../../linux/libc.ts'
import { Poller } from '../../linux/poller.ts'
import type { UdpSender } from '../../linux/udp-socket.ts'
import type { BfdSession } from '../../model/bfd.ts'
import type { TrackerResult } from '../../model/tracking.ts'
import { type Millis, millis } from '../../time.ts'
import { bfdDetail, movedLine, refusedLine } from './bfd-lines.ts'
import { BfdReceivers, openSender } from './bfd-ports.ts'
import { BfdRecord, bfdSnapshot, identityOf } from './bfd-records.ts'

/** After how long what could not be opened is tried again. */
const REOPEN_AFTER = millis(1000)

interface Running {
  config: BfdSession
  session: Session
  sender: { readonly port: number; readonly sender: UdpSender } | undefined
  readonly record: BfdRecord
  timer: NodeJS.Timeout | undefined
}

/** The BFD sessions: the one place that has their clock and sockets. It feeds the sessions and does what they say. */
export class BfdSessions {
  readonly #log: Logger
  readonly #moved: () => void
  readonly #changed: (results: readonly TrackerResult[]) => void
  readonly #receivers = new BfdReceivers()
  /** By `sessionKey`. */
  readonly #running = new Map<string, Running>()
  /** Of the configuration, those that do not run, too. */
  #configs: readonly BfdSession[] = []
  /** A thread waits in it, so there is none before it is needed. */
  #poller: Poller | undefined
  #reopen: NodeJS.Timeout | undefined
  /** What could not be opened the last time. */
  #failing: ReadonlySet<string> = new Set()
  #isHandedOver = false

  /** `moved`: a session has another state. `changed`: news for those who track it. */
  constructor(log: Logger, moved: () => void, changed: (results: readonly TrackerResult[]) => void) {
    this.#log = log
    this.#moved = moved
    this.#changed = changed
  }

  /** Sessions that stay go on, with other timers if so; `known` are of a process before this one. */
  configure(configs: readonly BfdSession[], known: readonly BfdSnapshot[]): void {
    this.#configs = configs
    const enabled = configs.filter((config) => config.enabled)
    const next = new Map(enabled.map((config) => [sessionKey(config), config]))
    for (const [key, running] of this.#running) {
      if (next.has(key)) continue
      this.#end(running, true)
      this.#running.delete(key)
    }
    for (const [key, config] of next) {
      const running = this.#running.get(key)
      if (running === undefined) this.#begin(key, config, known)
      else this.#change(running, config)
    }
    this.#open()
    for (const running of this.#running.values()) this.#wake(running)
  }

  /** What those for instances say now. One that has not been up yet is down, as in keepalived. */
  get results(): readonly TrackerResult[] {
    return this.#configs.flatMap((config) => {
      const running = this.#running.get(sessionKey(config))
      return config.forVrrp ? [resultOf(config, running)] : []
    })
  }

  get snapshot(): readonly BfdSnapshot[] {
    return [...this.#running.values()].map(({ config, session, sender, record }) =>
      bfdSnapshot(config, session, sender?.port, record),
    )
  }

  clearCounters(): void {
    for (const { record } of this.#running.values()) record.clear()
  }

  /** Another process is about to have the same sessions: it hears the neighbours, and this one only goes on speaking until then. */
  handOver(): void {
    this.#isHandedOver = true
    clearTimeout(this.#reopen)
    this.#receivers.close()
    this.#poller?.watch([])
    for (const running of this.#running.values()) {
      running.session = { ...running.session, heardAt: undefined }
      this.#wake(running)
    }
  }

  /** Unless another process goes on, neighbours are told. */
  close(): void {
    clearTimeout(this.#reopen)
    for (const running of this.#running.values()) this.#end(running, !this.#isHandedOver)
    this.#running.clear()
    this.#receivers.close()
    this.#poller?.close()
  }

  #begin(key: string, config: BfdSession, known: readonly BfdSnapshot[]): void {
    // One that has said goodbye begins anew.
    const before = known.find((each) => sessionKey(each) === key && each.state !== 'admin-down')
    const identity: SessionIdentity = before === undefined ? newIdentity(this.#discriminator()) : identityOf(before)
    const session = beginSession(config, identity, clock())
    const record = new BfdRecord(before)
    const running: Running = { config, session, sender: undefined, record, timer: undefined }
    this.#running.set(key, running)
    // What cannot be had is told when all of them are there.
    if (before?.port !== undefined) this.#openSender(running, before.port)
  }

  #change(running: Running, config: BfdSession): void {
    running.config = config
    running.sender?.sender.setTtl(config.ttl)
    this.#step(running, { type: 'configure', timers: config })
  }

  #end(running: Running, isGoodbye: boolean): void {
    clearTimeout(running.timer)
    if (isGoodbye) this.#step(running, { type: 'stop' })
    clearTimeout(running.timer)
    running.sender?.sender.close()
  }

  /** Random, so that neighbours do not take a new session for the one before; and another one for each session. */
  #discriminator(): number {
    const taken = new Set([...this.#running.values()].map(({ session }) => session.discriminator))
    for (;;) {
      const found = randomInt(1, 2 ** 32)
      if (!taken.has(found)) return found
    }
  }

  /** All sockets that sessions need; what cannot be had is told once and tried again. */
  #open(): void {
    clearTimeout(this.#reopen)
    const sessions = [...this.#running.values()]
    const errors = [...this.#receivers.follow(sessions.map(({ config }) => config))]
    for (const running of sessions) {
      if (running.sender !== undefined) continue
      const error = this.#openSender(running, undefined)
      if (error !== undefined) errors.push(error)
    }
    const messages = new Set(errors.map(({ message }) => `BFD: ${message}`))
    for (const message of messages) if (!this.#failing.has(message)) this.#log.error(message)
    this.#failing = messages
    if (this.#receivers.fds.length > 0) this.#poller ??= new Poller(() => this.#drain())
    this.#poller?.watch(this.#receivers.fds)
    if (errors.length > 0) this.#reopen = setTimeout(() => this.#open(), REOPEN_AFTER)
  }

  #openSender(running: Running, wanted: number | undefined): SystemError | undefined {
    const taken = new Set([...this.#running.values()].flatMap(({ sender }) => sender?.port ?? []))
    try {
      running.sender = openSender(running.config, wanted, taken)
      return undefined
    } catch (error) {
      if (error instanceof SystemError) return error
      throw error
    }
  }

  /** Reads everything that waits, so that a late timer cannot overrule a packet that has long been here. */
  #drain(): void {
    for (const datagram of this.#receivers.receive()) {
      const received = receiveBfd(datagram, this.#running.values())
      const { session: running } = received
      if (running === undefined) continue // of somebody who is no neighbour
      if ('drop' in received) {
        const isNews = running.record.refused(received.drop, clock())
        if (isNews) this.#log.warn(refusedLine(running.config, datagram, received.drop))
        continue
      }
      running.record.received()
      this.#step(running, { type: 'packet', packet: received.packet })
    }
  }

  #step(running: Running, event: BfdEvent): void {
    const now = clock()
    const before = running.session
    const { session, effects } = stepBfd(before, event, now, Math.random())
    running.session = session
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#send(running, encodeBfd(effect.packet))
          break
        case 'moved': {
          const { from, to, expired } = effect
          running.record.moved(from, to)
          const silentFor = expired && before.heardAt !== undefined ? millis(now - before.heardAt) : undefined
          const level = from === 'up' && to === 'down' ? 'warn' : 'info'
          this.#log[level]({ bfd: running.config.name, from, to }, movedLine(running.config, session, silentFor))
          break
        }
      }
    }
    this.#wake(running)
    if (before.state === session.state || session.state === 'admin-down') return
    this.#moved()
    if (running.config.forVrrp) this.#changed([resultOf(running.config, running)])
  }

  /** That it cannot be sent is told once, until it is. */
  #send({ config, sender, record }: Running, bytes: Uint8Array): void {
    if (sender === undefined) return
    const error = sender.sender.send(bytes)
    if (record.sent(error === undefined) && error !== undefined) {
      this.#log.error(`(${config.name}) BFD: ${error.message}`)
    }
  }

  #wake(running: Running): void {
    clearTimeout(running.timer)
    const next = nextBfdDeadline(running.session)
    if (next === undefined) return
    running.timer = setTimeout(
      () => {
        this.#drain()
        this.#step(running, { type: 'deadline' })
      },
      Math.max(0, next - clock()),
    )
  }
}

/** What a session is known by from one configuration, and one process, to the next; its name may change. */
const sessionKey = ({ neighbour, source, multihop }: Pick<BfdSession, 'neighbour' | 'source' | 'multihop'>): string =>
  `${neighbour} ${source ?? ''} ${multihop}`

function resultOf(config: BfdSession, running: Running | undefined): TrackerResult {
  const isUp = running?.session.state === 'up'
  return {
    kind: 'bfd',
    name: config.name,
    value: { type: isUp ? 'good' : 'bad' },
    detail: running === undefined ? 'not run: --no_bfd' : bfdDetail(running.session),
    at: Date.now(),
  }
}

const clock = (): Millis => millis(performance.now())
