import type { BfdTimers } from '../model/bfd.ts'
import { after, type Millis, millis } from '../time.ts'
import {
  ADMINISTRATIVELY_DOWN,
  type BfdPacket,
  type BfdState,
  NEIGHBOUR_SIGNALED_DOWN,
  NO_DIAGNOSTIC,
  TIME_EXPIRED,
} from './packet.ts'

/** One BFD session in asynchronous mode (RFC 5880 §6), without echo and authentication. Section numbers are of that RFC. */
export interface Session extends SessionIdentity {
  readonly timers: BfdTimers
  /** While a Poll Sequence goes on (§6.5): the intervals of before, which hold as far as §6.8.3 says. */
  readonly poll: Pick<BfdTimers, 'minTx' | 'minRx'> | undefined
  /** When the last packet of the neighbour came; undefined: none within the detection time. */
  readonly heardAt: Millis | undefined
  /** The last one that was sent, without poll and final. */
  readonly said: BfdPacket | undefined
  readonly sentAt: Millis | undefined
  /** Undefined: there is nothing to send periodically. */
  readonly sendAt: Millis | undefined
}

/** What a session is known by to the neighbour: a process that has it goes on in the place of another one. */
export interface SessionIdentity {
  /** Not 0, and another one for each session of this host. */
  readonly discriminator: number
  readonly state: BfdState
  readonly diagnostic: number
  readonly remote: Remote
}

/** What the neighbour has said last. */
export interface Remote {
  /** 0: not known (bfd.RemoteDiscr). */
  readonly discriminator: number
  readonly state: BfdState
  readonly diagnostic: number
  readonly demand: boolean
  readonly multiplier: number
  readonly minTx: Millis
  readonly minRx: Millis
}

export type BfdEvent =
  /** `decodeBfd` has let it pass, and it is of this session. */
  | { readonly type: 'packet'; readonly packet: BfdPacket }
  | { readonly type: 'deadline' }
  /** Other timers: the neighbour is asked to follow. */
  | { readonly type: 'configure'; readonly timers: BfdTimers }
  /** From now on it is administratively down. */
  | { readonly type: 'stop' }

export type BfdEffect =
  | { readonly type: 'send'; readonly packet: BfdPacket }
  | { readonly type: 'moved'; readonly from: BfdState; readonly to: BfdState; readonly expired: boolean }

export interface BfdStep {
  readonly session: Session
  readonly effects: readonly BfdEffect[]
}

/** §6.8.1: what is taken for the neighbour's until it is heard; 1 µs of RequiredMinRx. */
const UNHEARD: Remote = {
  discriminator: 0,
  state: 'down',
  diagnostic: NO_DIAGNOSTIC,
  demand: false,
  multiplier: 0,
  minTx: millis(0),
  minRx: millis(0.001),
}

export const newIdentity = (discriminator: number): SessionIdentity => ({
  discriminator,
  state: 'down',
  diagnostic: NO_DIAGNOSTIC,
  remote: UNHEARD,
})

/** A session begins, or goes on that another process had: its neighbour has the whole detection time to be heard here. */
export const beginSession = (timers: BfdTimers, identity: SessionIdentity, now: Millis): Session => ({
  ...identity,
  timers,
  poll: undefined,
  heardAt: identity.remote.discriminator === 0 ? undefined : now,
  said: undefined,
  sentAt: undefined,
  sendAt: timers.passive && identity.remote.discriminator === 0 ? undefined : now,
})

/** `random`: from 0 to 1, for the jitter of what is sent. */
export function stepBfd(before: Session, event: BfdEvent, now: Millis, random: number): BfdStep {
  const session = withPoll(before, react(before, event, now))
  const moved: BfdEffect[] =
    session.state === before.state
      ? []
      : [{ type: 'moved', from: before.state, to: session.state, expired: event.type === 'deadline' }]
  const isAsked = event.type === 'packet' && event.packet.poll && session.state !== 'admin-down'
  const spoken = speak(before, session, isAsked, now, random)
  return { session: spoken.session, effects: [...moved, ...spoken.effects] }
}

/** When `deadline` is due; undefined: not before something else happens. */
export function nextBfdDeadline(session: Session): Millis | undefined {
  const next = Math.min(session.sendAt ?? Number.POSITIVE_INFINITY, expiresAt(session) ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(next) ? millis(next) : undefined
}

/** How long the neighbour may be silent (§6.8.4). An own interval that is to be shorter holds when the neighbour knows it. */
export function detectionTime({ remote, timers, poll }: Session): Millis {
  return millis(remote.multiplier * Math.max(timers.minRx, poll?.minRx ?? 0, remote.minTx))
}

/** The interval of what is sent, without jitter (§6.8.7). An own one that is to be longer holds when the neighbour knows it. */
export function transmitInterval(session: Session): Millis {
  const { state, timers, poll, remote } = session
  const desired = state === 'up' ? Math.min(timers.minTx, poll?.minTx ?? timers.minTx) : timers.idleTx
  return millis(Math.max(desired, remote.minRx))
}

const expiresAt = (session: Session): Millis | undefined =>
  session.heardAt === undefined ? undefined : after(session.heardAt, detectionTime(session))

function react(session: Session, event: BfdEvent, now: Millis): Session {
  switch (event.type) {
    case 'packet':
      return session.state === 'admin-down' ? session : hear(session, event.packet, now)
    case 'deadline': {
      const due = expiresAt(session)
      if (due === undefined || due > now) return session
      // §6.8.1: what it is known by at a neighbour that is silent is forgotten; §6.8.4.
      const silent: Session = { ...session, heardAt: undefined, remote: { ...session.remote, discriminator: 0 } }
      const isLost = session.state === 'init' || session.state === 'up'
      return isLost ? { ...silent, state: 'down', diagnostic: TIME_EXPIRED } : silent
    }
    case 'configure':
      return { ...session, timers: event.timers }
    case 'stop':
      return { ...session, state: 'admin-down', diagnostic: ADMINISTRATIVELY_DOWN, heardAt: undefined, poll: undefined }
  }
}

/** §6.8.6, from where a session is found on. */
function hear(session: Session, packet: BfdPacket, now: Millis): Session {
  const remote: Remote = {
    discriminator: packet.myDiscriminator,
    state: packet.state,
    diagnostic: packet.diagnostic,
    demand: packet.demand,
    multiplier: packet.detectMultiplier,
    minTx: packet.desiredMinTx,
    minRx: packet.requiredMinRx,
  }
  const poll = packet.final ? undefined : session.poll
  return { ...session, ...nextState(session, packet.state), remote, poll, heardAt: now }
}

/** The state machine of §6.2 as §6.8.6 has it. */
function nextState({ state, diagnostic }: Session, remote: BfdState): Pick<Session, 'state' | 'diagnostic'> {
  const same = { state, diagnostic }
  const rise = (to: 'init' | 'up') => ({ state: to, diagnostic: NO_DIAGNOSTIC })
  const fall = { state: 'down', diagnostic: NEIGHBOUR_SIGNALED_DOWN } as const
  if (remote === 'admin-down') return state === 'down' ? same : fall
  switch (state) {
    case 'down':
      if (remote === 'down') return rise('init')
      return remote === 'init' ? rise('up') : same
    case 'init':
      return remote === 'down' ? same : rise('up')
    case 'up':
      return remote === 'down' ? fall : same
    case 'admin-down':
      return same
  }
}

/** §6.8.3: another interval, also that of another state, is told in a Poll Sequence. One that holds already waits for its end. */
function withPoll(before: Session, session: Session): Session {
  const isSame = desiredMinTx(before) === desiredMinTx(session) && before.timers.minRx === session.timers.minRx
  if (isSame || session.state === 'admin-down') return session
  const { minTx, minRx } = before.timers
  const held = session.poll
  return { ...session, poll: { minTx: shorter(minTx, held?.minTx), minRx: longer(minRx, held?.minRx) } }
}

const shorter = (a: Millis, b: Millis | undefined) => millis(Math.min(a, b ?? a))
const longer = (a: Millis, b: Millis | undefined) => millis(Math.max(a, b ?? a))

/**
 * What is to be sent now: an answer to a poll, at once (§6.8.7), what is other than what was said last, and what is due. `isAsked`: by
 * a poll.
 */
function speak(before: Session, session: Session, isAsked: boolean, now: Millis, random: number): BfdStep {
  if (isAsked) {
    // The periodic packets keep their time.
    const packet = packetOf(session)
    const sendAt = nextSend(before, session, now, random)
    return {
      session: { ...session, said: packet, sendAt },
      effects: [{ type: 'send', packet: { ...packet, final: true } }],
    }
  }
  const mayBegin = !session.timers.passive || session.remote.discriminator !== 0
  const packet = packetOf(session)
  const isNews = session.said !== undefined && JSON.stringify(packet) !== JSON.stringify(session.said)
  const isFirst = session.said === undefined
  const isDue = session.sendAt !== undefined && session.sendAt <= now && isPeriodic(session)
  if (!mayBegin || !(isNews || isFirst || isDue)) {
    return { session: { ...session, sendAt: nextSend(before, session, now, random) }, effects: [] }
  }
  const sent = { ...session, said: packet, sentAt: now }
  const sendAt = isPeriodic(sent) ? after(now, jittered(sent, random)) : undefined
  return {
    session: { ...sent, sendAt },
    effects: [{ type: 'send', packet: { ...packet, poll: session.poll !== undefined } }],
  }
}

/** The time of the next periodic packet: as it was, unless the interval is another one by now. */
function nextSend(before: Session, session: Session, now: Millis, random: number): Millis | undefined {
  if (!isPeriodic(session)) return undefined
  const isSame = transmitInterval(before) === transmitInterval(session)
  if (session.sendAt !== undefined && isSame) return session.sendAt
  return millis(Math.max(now, after(session.sentAt ?? now, jittered(session, random))))
}

/** Whether packets go out periodically at all (§6.8.7). */
function isPeriodic({ timers, remote, state, poll }: Session): boolean {
  if (timers.passive && remote.discriminator === 0) return false
  if (remote.minRx === 0) return false
  return !(remote.demand && state === 'up' && remote.state === 'up') || poll !== undefined
}

/** §6.8.7: less a random part of up to 25 %, and of at least 10 % where one lost packet is enough. */
function jittered(session: Session, random: number): Millis {
  const most = session.timers.multiplier === 1 ? 0.9 : 1
  return millis(transmitInterval(session) * (0.75 + (most - 0.75) * random))
}

const desiredMinTx = ({ state, timers }: Session): Millis => (state === 'up' ? timers.minTx : timers.idleTx)

const packetOf = (session: Session): BfdPacket => ({
  diagnostic: session.diagnostic,
  state: session.state,
  poll: false,
  final: false,
  demand: false,
  detectMultiplier: session.timers.multiplier,
  myDiscriminator: session.discriminator,
  yourDiscriminator: session.remote.discriminator,
  desiredMinTx: desiredMinTx(session),
  requiredMinRx: session.timers.minRx,
})
