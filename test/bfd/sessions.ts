import type { BfdPacket } from '../../src/bfd/packet.ts'
import { beginSession, type BfdEvent, newIdentity, type Session, stepBfd } from '../../src/bfd/session.ts'
import type { BfdSession, BfdTimers } from '../../src/model/bfd.ts'
import type { Address } from '../../src/net/address.ts'
import { millis, seconds } from '../../src/time.ts'

export const TIMERS: BfdTimers = {
  minTx: millis(50),
  minRx: millis(50),
  idleTx: seconds(1),
  multiplier: 3,
  passive: false,
}

export const aSession = (values: Partial<BfdSession> = {}): BfdSession => ({
  ...TIMERS,
  name: 's',
  neighbour: '10.0.0.2' as Address,
  source: undefined,
  multihop: false,
  ttl: 255,
  leastTtl: 255,
  forVrrp: true,
  enabled: true,
  ...values,
})

/** Of a neighbour with discriminator 7 to ours, 5. */
export const aPacket = (values: Partial<BfdPacket> = {}): BfdPacket => ({
  diagnostic: 0,
  state: 'down',
  poll: false,
  final: false,
  demand: false,
  detectMultiplier: 3,
  myDiscriminator: 7,
  yourDiscriminator: 5,
  desiredMinTx: millis(50),
  requiredMinRx: millis(50),
  ...values,
})

/** A session with discriminator 5 and a clock of its own, in ms from 0, as its driver has it. */
export class Run {
  session: Session
  now = 0
  /** What was sent since the last look. */
  #sent: BfdPacket[] = []
  random = 1

  constructor(timers: Partial<BfdTimers> = {}) {
    this.session = beginSession({ ...TIMERS, ...timers }, newIdentity(5), millis(0))
  }

  /** Steps at a time, by default that of the step before. */
  step(event: BfdEvent, at = this.now): void {
    this.now = at
    const { session, effects } = stepBfd(this.session, event, millis(at), this.random)
    this.session = session
    for (const effect of effects) if (effect.type === 'send') this.#sent.push(effect.packet)
  }

  hear(values: Partial<BfdPacket> = {}, at = this.now): void {
    this.step({ type: 'packet', packet: aPacket(values) }, at)
  }

  /** Through all that is due until then. */
  wait(until: number, due: () => number | undefined): void {
    for (let at = due(); at !== undefined && at <= until; at = due()) this.step({ type: 'deadline' }, at)
    this.now = until
  }

  sent(): readonly BfdPacket[] {
    const sent = this.#sent
    this.#sent = []
    return sent
  }
}
