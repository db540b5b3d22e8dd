import { describe, expect, test } from 'vitest'
import type { MailConfig, Told, ToldState } from '../../src/model/telling.ts'
import { mailAbout, type MailEvent, mailText } from '../../src/notify/mail.ts'
import { type Burst, BURST, closed, collect, noBurst } from '../../src/notify/burst.ts'
import { REMOVED, STOPPING } from '../../src/notify/states.ts'
import { millis, seconds } from '../../src/time.ts'

const SERVICE = '[10.0.0.1]:tcp:80'
const SERVER = '[10.1.0.1]:80'

const config: MailConfig = {
  to: ['ops@example.net'],
  from: undefined,
  host: 'mail',
  port: 25,
  helo: undefined,
  timeout: seconds(30),
  tls: 'off',
  verify: true,
  caFile: undefined,
  login: undefined,
  faults: true,
  checkers: true,
  instances: ['a'],
  groups: ['G'],
  services: [SERVICE],
  servers: [`${SERVICE} ${SERVER}`],
}

const state = (
  state: ToldState['state'],
  from?: ToldState['from'],
  subject: ToldState['subject'] = 'INSTANCE',
): ToldState => ({
  type: 'state',
  subject,
  name: subject === 'GROUP' ? 'G' : 'a',
  state,
  from,
  priority: 1,
  reason: 'r',
  at: 0,
})
const server = (up: boolean, reason = 'ECONNREFUSED', initial = false): Told => ({
  type: 'server',
  service: SERVICE,
  server: SERVER,
  up,
  reason,
  at: 0,
  initial,
})
const quorum = (up: boolean, initial: boolean, reason: string): Told => ({
  type: 'quorum',
  service: SERVICE,
  up,
  reason,
  at: 0,
  initial,
})
const checker = (check: string, up: boolean): Told => ({
  type: 'checker',
  service: SERVICE,
  server: SERVER,
  check,
  up,
  serverUp: false,
  reason: 'r',
  at: 0,
})

/** Subjects and sentences of what mail there is about news that come one after the other. */
function mails(news: readonly Told[], more: Partial<MailConfig> = {}): string[] {
  let mailed: ReturnType<typeof mailAbout>['mailed'] = new Map()
  return news.flatMap((told) => {
    const about = mailAbout(told, { ...config, ...more }, mailed)
    mailed = about.mailed
    return about.event === undefined ? [] : [`${about.event.subject} ${about.event.sentence}`]
  })
}

/** The words are those of keepalived 2.2.7. */
describe('mail about', () => {
  test('an instance names its state', () => {
    expect(mails([state('BACKUP'), state('MASTER'), state('FAULT'), state('STOP')])).toEqual([
      'VRRP Instance a - Entering BACKUP state => VRRP Instance is no longer owning VRRP VIPs <=',
      'VRRP Instance a - Entering MASTER state => VRRP Instance is now owning VRRP VIPs <=',
      'VRRP Instance a - Entering FAULT state => VRRP Instance is no longer owning VRRP VIPs <=',
      'VRRP Instance a - Stopping => VRRP Instance stopping <=',
    ])
    expect(mails([state('DELETED', 'MASTER')])).toEqual(['VRRP Instance a - Deleted => VRRP Deleted at reload <='])
  })

  test('a sync group speaks of all of its instances', () => {
    const states = (['MASTER', 'BACKUP', 'FAULT', 'STOP'] as const).map((each) => state(each, undefined, 'GROUP'))
    expect(mails(states)).toEqual([
      'VRRP Group G - Entering MASTER state => All VRRP group instances are now in MASTER state <=',
      'VRRP Group G - Entering BACKUP state => All VRRP group instances are now in BACKUP state <=',
      'VRRP Group G - Entering FAULT state => All VRRP group instances are now in FAULT state <=',
      'VRRP Group G - Stopping => All VRRP group instances are now stopping <=',
    ])
  })

  test('a server names its virtual server, with their protocol', () => {
    const [rs, vs] = ['[10.1.0.1]:tcp:80', SERVICE]
    expect(mails([server(false), server(true), server(false, REMOVED), server(false, STOPPING)])).toEqual([
      `Realserver ${rs} of virtual server ${vs} - DOWN => CHECK failed on service : ECONNREFUSED <=`,
      `Realserver ${rs} of virtual server ${vs} - UP => CHECK succeed on service <=`,
      `Realserver ${rs} of virtual server ${vs} - DOWN => Removing <=`,
      `Realserver ${rs} of virtual server ${vs} - DOWN => Shutting down <=`,
    ])
  })

  test('quorum has its sum', () => {
    expect(
      mails([quorum(true, true, '1+0=1 <= 2'), quorum(false, false, '1-0=1 > 0'), quorum(true, false, '1+0=1 <= 1')]),
    ).toEqual([
      `Virtualserver ${SERVICE} - UP => Starting with quorum up 1+0=1 <= 2 <=`,
      `Virtualserver ${SERVICE} - DOWN => Lost quorum 1-0=1 > 0 <=`,
      `Virtualserver ${SERVICE} - UP => Gained quorum 1+0=1 <= 1 <=`,
    ])
  })
})

describe('no mail is sent about', () => {
  test('what nobody has asked for', () => {
    const nobody = { instances: [], groups: [], services: [], servers: [] }
    expect(
      mails([state('MASTER'), state('MASTER', undefined, 'GROUP'), server(false), quorum(true, true, '')], nobody),
    ).toEqual([])
  })

  test('a state that mail was sent about last', () => {
    const news = [state('BACKUP'), state('FAULT', 'BACKUP'), state('BACKUP', 'FAULT')]
    expect(mails(news, { faults: false })).toHaveLength(1)
    expect(mails(news)).toHaveLength(3)
  })

  test('the first state of a server', () => expect(mails([server(false, 'r', true)])).toEqual([]))

  test('a checker that changes nothing, unless that is asked for', () => {
    const news = [checker('TCP_CHECK', false), checker('HTTP_GET', true)]
    expect(mails(news, { checkers: false })).toEqual([])
    expect(mails(news)).toEqual([
      `Realserver [10.1.0.1]:tcp:80 of virtual server ${SERVICE} - DOWN => TCP CHECK failed on service : r <=`,
      `Realserver [10.1.0.1]:tcp:80 of virtual server ${SERVICE} - DOWN => CHECK succeed on service <=`,
    ])
  })

  test('priorities', () => {
    expect(
      mails([
        { type: 'priority', name: 'a', state: 'MASTER', priority: 1, at: 0 },
        { type: 'lower-priority', name: 'a', priority: 1, at: 0 },
      ]),
    ).toEqual([])
  })
})

const event = (subject: string): MailEvent => ({ subject, sentence: `=> ${subject} <=`, reason: 'why', at: 7 })
const text = (events: readonly MailEvent[], dropped = 0) => mailText('lb1', events, dropped, (at) => `T${at}`)

describe('a mail', () => {
  test('about one thing is as keepalived writes it, with time and reason', () => {
    expect(text([event('A')])).toEqual({ subject: '[lb1] A', body: '=> A <=\nT7 why\n' })
  })

  test('about several things lists them, and says what was lost', () => {
    expect(text([event('A'), event('B')], 3)).toEqual({
      subject: '[lb1] A (and 1 more)',
      body: '2 events:\n\nA\n=> A <=\nT7 why\n\nB\n=> B <=\nT7 why\n\n3 mails before this one could not be sent.\n',
    })
  })

  test('lists a hundred', () => {
    const { subject, body } = text(Array.from({ length: 250 }, (_, i) => event(`E${i}.`)))
    expect(subject).toBe('[lb1] E0. (and 249 more)')
    expect(body).toContain('E99.')
    expect(body).not.toContain('E100.')
    expect(body).toMatch(/\nand 150 more\n$/)
  })
})

describe('a burst', () => {
  const add = (burst: Burst, told: Told, now: number) => collect(burst, told, config, millis(now)).burst

  test('ends two seconds after its first event, whatever comes then', () => {
    const burst = add(add(noBurst, state('BACKUP'), 100), state('MASTER'), 1900)
    expect(burst.until).toBe(100 + BURST)
    expect(burst.events.map(({ subject }) => subject)).toEqual([
      'VRRP Instance a - Entering BACKUP state',
      'VRRP Instance a - Entering MASTER state',
    ])
  })

  test('does not begin with what no mail is about', () => {
    expect(collect(noBurst, server(false, 'r', true), config, millis(0))).toEqual({ burst: noBurst, taken: false })
  })

  test('that is over leaves what mail was sent about', () => {
    const next = closed(add(noBurst, state('MASTER'), 0))
    expect(next).toMatchObject({ events: [], until: undefined })
    expect(collect(next, state('MASTER', 'BACKUP'), config, millis(5000)).taken).toBe(false)
  })
})
