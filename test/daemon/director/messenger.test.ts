import { expect, test } from 'vitest'
import pino from 'pino'
import { Messenger } from '../../../src/daemon/director/messenger.ts'
import type { ToCheck } from '../../../src/daemon/messages.ts'
import type { Telling, Told } from '../../../src/model/telling.ts'
import { seconds } from '../../../src/time.ts'

const nobody: Telling = { routerId: 'lb1', mail: undefined, webhooks: [] }
const webhook = { url: 'https://a.example/', secret: undefined, timeout: seconds(1), events: ['instance'] } as const
const somebody: Telling = { ...nobody, webhooks: [webhook] }
const news = (name: string): Told => ({ type: 'lower-priority', name, priority: 1, at: 0 })

/** A messenger, and what it has sent: `telling`, or the names of what is to be told. */
function begin() {
  const sent: string[] = []
  const send = (message: ToCheck) => {
    if (message.type !== 'tell') sent.push(message.type)
    else sent.push(message.news.map(({ told }) => ('name' in told ? told.name : '')).join(' '))
  }
  return { messenger: new Messenger(send, pino({ enabled: false })), sent }
}

test('news of before the check process knows whom to tell wait for that', () => {
  const { messenger, sent } = begin()
  messenger.tell([news('a')])
  messenger.configure(somebody)
  messenger.tell([news('b'), news('c')])
  messenger.configure(somebody)
  messenger.tell([])
  expect(sent).toEqual(['telling', 'a', 'b c', 'telling'])
})

test('what a check process had not told when it died is told by the next, with what came meanwhile', () => {
  const { messenger, sent } = begin()
  messenger.configure(somebody)
  messenger.tell([news('a'), news('b')])
  messenger.told([1])
  messenger.checkDied()
  messenger.tell([news('c')])
  messenger.configure(somebody)
  expect(sent).toEqual(['telling', 'a b', 'telling', 'b c'])
})

test('nothing is sent where nobody is to be told', () => {
  const { messenger, sent } = begin()
  messenger.configure(nobody)
  messenger.tell([news('a')])
  messenger.checkDied()
  messenger.configure(nobody)
  expect(sent).toEqual(['telling', 'telling'])
})

test('without a file of certificates that can be read the others count', () => {
  const messages: ToCheck[] = []
  const mail = {
    to: ['a@b'],
    from: undefined,
    host: 'm',
    port: 25,
    helo: undefined,
    timeout: seconds(1),
    tls: 'starttls',
    verify: true,
    caFile: '/missing.pem',
    login: undefined,
    faults: true,
    checkers: true,
    instances: [],
    groups: [],
    services: [],
    servers: [],
  } as const
  let log = ''
  const logger = pino({}, { write: (line: string) => (log += line) })
  new Messenger((message) => messages.push(message), logger).configure({ ...nobody, mail })
  expect(messages).toMatchObject([{ type: 'telling', caPem: undefined }])
  expect(log).toContain('smtp_ca_file /missing.pem cannot be used: no such file or directory')
})
