import { createHmac } from 'node:crypto'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Undelivered } from '../../src/daemon/director/undelivered.ts'
import type { FromCheck, ToCheck, Verdict } from '../../src/daemon/messages.ts'
import { readCaFile } from '../../src/host/ca-file.ts'
import type { MailConfig, Told, ToldState, WebhookConfig } from '../../src/model/telling.ts'
import { millis, seconds } from '../../src/time.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { MAIL_LOGIN, MAIL_PORTS, MailServer, REFUSED } from '../support/mail-server.ts'

/** The check process as it is built, beside a real mail server and a receiver of webhooks. */
const PROGRAM = join(import.meta.dirname, '../../dist/daemon/check/check-process.js')
const [DIRECTOR, MAIL] = ['10.7.0.1', '10.7.0.25']
const HOOK_PORT = 8080

let lab: Lab
let mailServer: MailServer
beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: `${DIRECTOR}/24` }])
  lab.addHost('mail', [{ switch: 'lan', address: `${MAIL}/24` }])
  mailServer = new MailServer(lab, 'mail', MAIL)
})
afterEach(() => lab.destroy())

/** A check process, and what it says. */
class CheckProcess {
  readonly child: ChildProcess
  log = ''
  readonly told: number[] = []
  readonly verdicts: Verdict[] = []

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.child = lab.start('director', [process.execPath, PROGRAM, 'tel'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
      })
    }
    this.child.on('message', (message: FromCheck | { type: 'alive' }) => {
      if (message.type === 'told') this.told.push(...message.numbers)
      if (message.type === 'verdicts') this.verdicts.push(...message.verdicts)
    })
  }

  send(message: ToCheck): void {
    this.child.send(message)
  }

  telling(mail: MailConfig | undefined, webhooks: readonly WebhookConfig[] = []): void {
    const ca = mail?.caFile === undefined ? undefined : readCaFile(mail.caFile)
    if (ca !== undefined && 'unusable' in ca) throw new Error(ca.unusable)
    this.send({ type: 'telling', telling: { routerId: 'lb1', mail, webhooks }, caPem: ca?.pem })
    this.send({ type: 'configure', tasks: [], found: { up: [], down: [] }, noSwap: false })
  }

  async lines(text: string): Promise<void> {
    await until(`the log to say ${text}, which says:\n${this.log}`, () => this.log.includes(text))
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.send({ type: 'stop' })
    await ended
  }
}

const mail = (more: Partial<MailConfig> = {}): MailConfig => ({
  to: ['ops@example.net'],
  from: undefined,
  host: MAIL,
  port: MAIL_PORTS.plain,
  helo: undefined,
  timeout: seconds(5),
  tls: 'off',
  verify: true,
  caFile: undefined,
  login: undefined,
  faults: true,
  checkers: true,
  instances: ['VI_1', 'VI_2'],
  groups: ['G'],
  services: [],
  servers: [],
  ...more,
})

const state = (name: string, to: ToldState['state'], from?: ToldState['from']): ToldState => ({
  type: 'state',
  subject: 'INSTANCE',
  name,
  state: to,
  from,
  priority: 100,
  reason: 'a test',
  at: Date.now(),
})

const numbered = new Undelivered('test')
const tell = (check: CheckProcess, ...news: Told[]) => check.send({ type: 'tell', news: numbered.add(news) })
const mails = async (count: number) =>
  until(`${count} mails, not ${mailServer.received().length}`, () => {
    const received = mailServer.received()
    return received.length >= count && received
  })

describe('mail', () => {
  test.each([
    ['in the clear', { tls: 'off' }, 'esmtp'],
    ['with TLS where it is offered', { tls: 'auto' }, 'esmtps'],
    ['with STARTTLS and a login', { tls: 'starttls', login: MAIL_LOGIN }, 'esmtpsa'],
    [
      'with TLS from the start and a login',
      { tls: 'implicit', port: MAIL_PORTS.implicit, login: MAIL_LOGIN },
      'esmtpsa',
    ],
  ] as const)('goes %s to a real mail server', async (_name, more, protocol) => {
    await mailServer.start()
    const check = new CheckProcess()
    check.telling(
      mail({
        ...more,
        caFile: 'login' in more ? mailServer.certificate : undefined,
        from: 'lb@example.net',
        helo: 'lb1.example.net',
      }),
    )
    tell(check, state('VI_1', 'MASTER'))
    const [received] = await mails(1)
    expect(received).toMatchObject({
      protocol,
      sender: '<lb@example.net>',
      headers: {
        subject: '[lb1] VRRP Instance VI_1 - Entering MASTER state',
        from: 'lb@example.net',
        to: 'ops@example.net',
        'auto-submitted': 'auto-generated',
      },
    })
    expect(received?.headers['received']).toContain('helo=lb1.example.net')
    expect(received?.body).toMatch(/^=> VRRP Instance is now owning VRRP VIPs <=\n\S+Z a test\n$/)
    await check.lines('mail sent to ops@example.net (1 event)')
    expect(check.log).not.toContain(MAIL_LOGIN.password)
    // It has given its privileges up, with the library loaded.
    expect(readFileSync(`/proc/${check.child.pid ?? 0}/status`, 'utf8')).toMatch(/Uid:\t65534\t65534\t65534\t65534/)
    await until('it to be settled', () => check.told.length === 1)
    await check.stop()
  })

  test('goes to no server that cannot prove its name, and to the right one as soon as that is configured', async () => {
    await mailServer.start()
    const check = new CheckProcess()
    check.telling(mail({ tls: 'starttls', login: MAIL_LOGIN }))
    tell(check, state('VI_1', 'MASTER'))
    await check.lines('mail waits (1 event), and is tried again')
    expect(mailServer.received()).toEqual([])
    check.telling(mail({ tls: 'starttls', login: MAIL_LOGIN, caFile: mailServer.certificate }))
    await mails(1)
    await check.stop()
  })

  test('waits for a server that is away, in its order; checks go on, a burst is one mail, and nothing is lost', async () => {
    const check = new CheckProcess()
    check.telling(mail())
    const target = { address: MAIL, port: MAIL_PORTS.plain } as never
    const schedule = {
      delayLoop: millis(200),
      timeout: seconds(1),
      retry: 0,
      delayBeforeRetry: seconds(1),
      warmup: millis(0),
    }
    check.send({
      type: 'configure',
      tasks: [{ id: 'c', check: { type: 'TCP_CHECK', target, ...schedule } }],
      found: { up: [], down: [] },
      noSwap: false,
    })
    tell(check, state('VI_1', 'BACKUP'), state('VI_2', 'BACKUP'), state('VI_1', 'MASTER', 'BACKUP'))
    await check.lines('mail waits (3 events), and is tried again: connect ECONNREFUSED')
    await until('the check to fail', () => check.verdicts.at(-1)?.up === false)
    tell(check, state('VI_2', 'MASTER', 'BACKUP'))
    await mailServer.start()
    await until('the check to succeed', () => check.verdicts.at(-1)?.up === true)
    const received = await mails(2)
    expect(received.map(({ headers }) => headers['subject'])).toEqual([
      '[lb1] VRRP Instance VI_1 - Entering BACKUP state (and 2 more)',
      '[lb1] VRRP Instance VI_2 - Entering MASTER state',
    ])
    const [burst] = received
    expect(burst?.body).toMatch(/VI_1 - Entering BACKUP[^]*VI_2 - Entering BACKUP[^]*VI_1 - Entering MASTER/)
    await until('all to be settled', () => check.told.length === 4)
    await check.stop()
  })

  test('that some recipients are refused goes to the others; one that all are refused is given up', async () => {
    await mailServer.start()
    const check = new CheckProcess()
    check.telling(mail({ to: [REFUSED, 'ops@example.net'] }))
    tell(check, state('VI_1', 'MASTER'))
    await mails(1)
    await check.lines(`the mail server refuses mail to ${REFUSED}`)
    check.telling(mail({ to: [REFUSED] }))
    tell(check, state('VI_1', 'BACKUP', 'MASTER'))
    await check.lines('the mail server refuses a mail (1 event), which is given up')
    check.telling(mail())
    tell(check, state('VI_1', 'FAULT', 'BACKUP'))
    const [, next] = await mails(2)
    expect(next?.body).toContain('1 mail before this one could not be sent.')
    await check.stop()
  })

  test('that waits is sent at a stop, and one that a killed process had is sent by the next', async () => {
    const first = new CheckProcess()
    const undelivered = new Undelivered('x')
    first.telling(mail())
    first.send({ type: 'tell', news: undelivered.add([state('VI_1', 'MASTER')]) })
    await first.lines('mail waits')
    first.child.kill('SIGKILL')
    undelivered.told(first.told)
    await mailServer.start()
    const second = new CheckProcess()
    second.telling(mail())
    second.send({ type: 'tell', news: undelivered.all })
    await second.stop()
    expect((await mails(1)).map(({ headers }) => headers['subject'])).toEqual([
      '[lb1] VRRP Instance VI_1 - Entering MASTER state',
    ])
  })

  test("begins as keepalived's own about the same events", async () => {
    await mailServer.start()
    const peer = new KeepalivedHost(
      lab,
      'director',
      `global_defs {
  router_id lb1
  notification_email { ops@example.net }
  notification_email_from lb@example.net
  smtp_server ${MAIL}
  smtp_alert
}
vrrp_sync_group G {
  group { VI_1 }
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  priority 100
  virtual_ipaddress { 10.7.0.100/24 }
}
`,
    )
    peer.start()
    const theirs = await mails(4)
    const check = new CheckProcess()
    check.telling(mail({ from: 'lb@example.net' }))
    const group = (to: ToldState['state'], from?: ToldState['from']): ToldState => ({
      ...state('G', to, from),
      subject: 'GROUP',
    })
    const events = [
      group('BACKUP'),
      state('VI_1', 'BACKUP'),
      state('VI_1', 'MASTER', 'BACKUP'),
      group('MASTER', 'BACKUP'),
    ]
    for (const [i, event] of events.entries()) {
      tell(check, event)
      await mails(theirs.length + i + 1)
    }
    const ours = mailServer.received().slice(theirs.length)
    const shown = ({ headers, body, sender }: (typeof ours)[number]) =>
      [sender, headers['from'], headers['to'], headers['subject'], body.split(/\r?\n/, 1)[0]].join(' | ')
    // keepalived opens a connection for each, which may overtake each other.
    expect(ours.map(shown).toSorted()).toEqual(theirs.map(shown).toSorted())
    peer.stop()
    await check.stop()
  })
})

/** Takes connections, and never says a word. */
const SILENT_PORT = 8025
const startSilent = () => lab.start('mail', ['socat', `TCP-LISTEN:${SILENT_PORT},fork,reuseaddr`, 'EXEC:sleep 600'])

test('who takes a connection and says nothing is given up after the time limit, and delays nobody else', async () => {
  startSilent()
  await mailServer.start()
  const check = new CheckProcess()
  const webhook = {
    url: `http://${MAIL}:${SILENT_PORT}/`,
    secret: undefined,
    timeout: millis(300),
    events: ['instance'],
  } as const
  check.telling(mail({ port: SILENT_PORT, timeout: millis(500) }), [webhook])
  tell(check, state('VI_1', 'MASTER'))
  await check.lines('mail waits (1 event), and is tried again: Greeting never received')
  await check.lines('cannot be told yet, and is tried again: TimeoutError')
  check.telling(mail(), [webhook])
  await mails(1)
  await check.stop()
})

interface Request {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly status: number
}

describe('a webhook', () => {
  const SECRET = 'Geheim2'
  const hook = (path: string, more: Partial<WebhookConfig> = {}): WebhookConfig => ({
    url: `http://${MAIL}:${HOOK_PORT}${path}`,
    secret: SECRET,
    timeout: seconds(2),
    events: ['instance'],
    ...more,
  })

  async function receiver(requests: Request[], ...tls: string[]): Promise<ChildProcess> {
    const child = lab.fork('mail', 'webhook-process.ts', [MAIL, String(HOOK_PORT), ...tls])
    const ready = new Promise((resolve) => child.once('message', resolve))
    await ready
    child.on('message', (request: Request) => requests.push(request))
    return child
  }
  const states = (requests: readonly Request[]) =>
    requests.filter(({ status }) => status === 200).map(({ body }) => (JSON.parse(body) as { to: string }).to)

  test('is sent what happens in order and signed, however often it fails, and away for a while', async () => {
    const requests: Request[] = []
    const check = new CheckProcess()
    check.telling(undefined, [hook('/503/200')])
    tell(check, state('VI_1', 'BACKUP'), state('VI_1', 'MASTER', 'BACKUP'))
    await check.lines(`webhook http://${MAIL}:${HOOK_PORT} cannot be told yet, and is tried again: ECONNREFUSED`)
    const first = await receiver(requests)
    tell(check, state('VI_1', 'FAULT', 'MASTER'))
    await until('all three', () => states(requests).length === 3)
    expect(requests.map(({ status }) => status)).toEqual([503, 200, 200, 200])
    expect(states(requests)).toEqual(['BACKUP', 'MASTER', 'FAULT'])
    for (const { method, headers, body } of requests) {
      expect([method, headers['content-type']]).toEqual(['POST', 'application/json'])
      expect(headers['x-tanist-signature']).toBe(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`)
    }
    const [failed, again, second] = requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    expect(again).toEqual(failed)
    expect(second).toMatchObject({
      version: 1,
      director: 'lb1',
      event: 'instance',
      name: 'VI_1',
      from: 'BACKUP',
      to: 'MASTER',
    })
    expect(new Set(requests.map(({ body }) => (JSON.parse(body) as { id: string }).id)).size).toBe(3)
    await until('all to be settled', () => check.told.length === 3)
    expect(check.log).not.toMatch(/Geheim|\/503/)
    first.kill('SIGKILL')
    await check.stop()
  })

  test('that refuses is not asked again, and does not keep the next one waiting', async () => {
    const requests: Request[] = []
    await receiver(requests)
    const check = new CheckProcess()
    check.telling(undefined, [hook('/301/404/200', { secret: undefined })])
    tell(check, state('VI_1', 'BACKUP'), state('VI_1', 'MASTER', 'BACKUP'), state('VI_1', 'FAULT', 'MASTER'))
    await until('the third', () => states(requests).length === 1)
    expect(
      requests.map(({ status, headers }) => [status, headers['x-tanist-dropped'], headers['x-tanist-signature']]),
    ).toEqual([
      [301, undefined, undefined],
      [404, '1', undefined],
      [200, '2', undefined],
    ])
    await check.stop()
  })

  test('by https is told only if an authority of this host says who it is', async () => {
    const requests: Request[] = []
    await receiver(requests, mailServer.certificate, mailServer.key)
    const https = hook('/200', { url: `https://${MAIL}:${HOOK_PORT}/200` })
    const doubtful = new CheckProcess()
    doubtful.telling(undefined, [https])
    tell(doubtful, state('VI_1', 'MASTER'))
    await doubtful.lines('cannot be told yet, and is tried again: DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(requests).toEqual([])
    const sure = new CheckProcess({ SSL_CERT_FILE: mailServer.certificate })
    sure.telling(undefined, [https])
    tell(sure, state('VI_1', 'MASTER'))
    await until('the request', () => requests.length === 1)
    await Promise.all([doubtful.stop(), sure.stop()])
  })
})
