import type { NotifiedState } from '../model/notify.ts'
import { type CheckerNews, type MailConfig, serverKey, type Told, type ToldState } from '../model/telling.ts'
import { serverTrio, serviceTrio } from './names.ts'
import { REMOVED, STOPPING } from './states.ts'

/** One thing that a mail is about. */
export interface MailEvent {
  /** `VRRP Instance VI_1 - Entering MASTER state`, as keepalived has it behind the name of the director. */
  readonly subject: string
  /** keepalived's sentence about it. */
  readonly sentence: string
  readonly reason: string
  /** In ms since the epoch. */
  readonly at: number
}

/** The state that a mail was sent about last, by `INSTANCE name` and `GROUP name`. BOUNDED by the configuration. */
export type Mailed = ReadonlyMap<string, NotifiedState>

/**
 * What mail there is about something, as with keepalived 2.2.7: none about priorities; none about a state that was the last one
 * that mail was sent about; the first state of a virtual server is one, that of a real server is none.
 */
export function mailAbout(
  told: Told,
  mail: MailConfig,
  mailed: Mailed,
): { readonly event: MailEvent | undefined; readonly mailed: Mailed } {
  const nothing = { event: undefined, mailed }
  const { at } = told
  switch (told.type) {
    case 'state': {
      const key = `${told.subject} ${told.name}`
      const names = told.subject === 'GROUP' ? mail.groups : mail.instances
      const isUnwanted = !names.includes(told.name) || (told.state === 'FAULT' && !mail.faults)
      if (isUnwanted || told.state === mailed.get(key)) return nothing
      return {
        event: { ...stateText(told), reason: told.reason, at },
        mailed: new Map([...mailed, [key, told.state]]),
      }
    }
    case 'server':
    case 'checker': {
      const isWanted = mail.servers.includes(serverKey(told.service, told.server))
      if (!isWanted || (told.type === 'server' && told.initial) || (told.type === 'checker' && !mail.checkers))
        return nothing
      const name = `${serverTrio(told.server, told.service)} of virtual server ${serviceTrio(told.service)}`
      const isUp = told.type === 'server' ? told.up : told.serverUp
      const subject = `Realserver ${name} - ${isUp ? 'UP' : 'DOWN'}`
      return { event: { subject, sentence: checkText(told), reason: told.reason, at }, mailed }
    }
    case 'quorum': {
      if (!mail.services.includes(told.service)) return nothing
      const subject = `Virtualserver ${serviceTrio(told.service)} - ${told.up ? 'UP' : 'DOWN'}`
      return { event: { subject, sentence: quorumText(told), reason: told.reason, at }, mailed }
    }
    case 'priority':
    case 'lower-priority':
      return nothing
  }
}

function stateText({ subject, name, state }: ToldState): Pick<MailEvent, 'subject' | 'sentence'> {
  const isGroup = subject === 'GROUP'
  const what = `VRRP ${isGroup ? 'Group' : 'Instance'} ${name}`
  const sentence = (ofInstance: string, ofGroup = ofInstance) => `=> ${isGroup ? ofGroup : ofInstance} <=`
  const all = 'All VRRP group instances are now'
  const without = 'VRRP Instance is no longer owning VRRP VIPs'
  switch (state) {
    case 'MASTER':
      return {
        subject: `${what} - Entering MASTER state`,
        sentence: sentence('VRRP Instance is now owning VRRP VIPs', `${all} in MASTER state`),
      }
    case 'BACKUP':
      return { subject: `${what} - Entering BACKUP state`, sentence: sentence(without, `${all} in BACKUP state`) }
    case 'FAULT':
      return { subject: `${what} - Entering FAULT state`, sentence: sentence(without, `${all} in FAULT state`) }
    case 'STOP':
      return { subject: `${what} - Stopping`, sentence: sentence('VRRP Instance stopping', `${all} stopping`) }
    case 'DELETED':
      return { subject: `${what} - Deleted`, sentence: sentence('VRRP Deleted at reload') }
  }
}

function checkText(told: Extract<Told, { type: 'server' | 'checker' }>): string {
  if (told.reason === REMOVED) return '=> Removing <='
  if (told.reason === STOPPING) return '=> Shutting down <='
  const check = told.type === 'checker' ? `${checkName(told)} ` : 'CHECK '
  return told.up ? `=> ${check}succeed on service <=` : `=> ${check}failed on service : ${told.reason} <=`
}

/** keepalived says which one it was of some checkers. */
function checkName({ check }: CheckerNews): string {
  const name = { TCP_CHECK: 'TCP CHECK', UDP_CHECK: 'UDP CHECK', PING_CHECK: 'ICMP CHECK' }
  return Object.hasOwn(name, check) ? name[check as keyof typeof name] : 'CHECK'
}

function quorumText({ up, initial, reason }: Extract<Told, { type: 'quorum' }>): string {
  if (reason === STOPPING) return '=> Shutting down <='
  if (reason === REMOVED) return '=> Removing <='
  const what = initial ? `Starting with quorum ${up ? 'up' : 'down'}` : `${up ? 'Gained' : 'Lost'} quorum`
  return `=> ${what} ${reason} <=`
}

/** Events that one mail lists; of more it says how many there were. */
const LISTED = 100

export interface MailText {
  readonly subject: string
  readonly body: string
}

/** A mail about several things is about the first one, and more. `dropped`: mails that were given up before it. */
export function mailText(
  director: string,
  events: readonly MailEvent[],
  dropped: number,
  timeText: (at: number) => string,
): MailText {
  const [first] = events
  const more = events.length - 1
  const listed = events.slice(0, LISTED)
  const left = events.length - listed.length
  const lines = [
    ...(more > 0 ? [`${events.length} events:`] : []),
    ...listed.flatMap(({ subject, sentence, reason, at }) => [
      ...(more > 0 ? ['', subject] : []),
      sentence,
      `${timeText(at)} ${reason}`,
    ]),
    ...(left > 0 ? ['', `and ${left} more`] : []),
    ...(dropped > 0 ? ['', `${dropped} ${dropped === 1 ? 'mail' : 'mails'} before this one could not be sent.`] : []),
  ]
  return {
    subject: `[${director}] ${first?.subject ?? ''}${more > 0 ? ` (and ${more} more)` : ''}`,
    body: `${lines.join('\n')}\n`,
  }
}
