import { expect, test } from 'vitest'
import { type Told, WEBHOOK_EVENTS, type WebhookConfig } from '../../src/model/telling.ts'
import { originOf, webhookBody, webhookDelivery } from '../../src/notify/webhook.ts'
import { seconds } from '../../src/time.ts'

const hook: WebhookConfig = {
  url: 'https://a.example/x',
  secret: undefined,
  timeout: seconds(1),
  events: WEBHOOK_EVENTS,
}
const body = (told: Told, events: WebhookConfig['events'] = WEBHOOK_EVENTS) =>
  webhookBody(told, { ...hook, events }, { director: 'lb1', id: '1', timeText: (at) => `T${at}` })
const frame = { version: 1, id: '1', director: 'lb1', time: 'T7' }
const state = { type: 'state', name: 'a', state: 'MASTER', priority: 100, reason: 'r', at: 7 } as const

test('a webhook is told of an instance from which state to which it went, and why', () => {
  const told: Told = { ...state, subject: 'INSTANCE', from: 'BACKUP' }
  expect(body(told)).toEqual({
    ...frame,
    event: 'instance',
    name: 'a',
    from: 'BACKUP',
    to: 'MASTER',
    priority: 100,
    reason: 'r',
  })
  expect(body({ ...told, from: undefined })).toMatchObject({ from: null })
  expect(body({ ...told, subject: 'GROUP' })).toEqual({
    ...frame,
    event: 'group',
    name: 'a',
    from: 'BACKUP',
    to: 'MASTER',
    reason: 'r',
  })
})

test('a webhook is told of servers, quorum and priorities', () => {
  const of = { service: 'S', reason: 'r', at: 7 }
  expect(body({ ...of, type: 'server', server: 's', up: false, initial: false })).toEqual({
    ...frame,
    event: 'server',
    service: 'S',
    server: 's',
    from: 'UP',
    to: 'DOWN',
    reason: 'r',
  })
  expect(body({ ...of, type: 'quorum', up: true, initial: true })).toEqual({
    ...frame,
    event: 'quorum',
    service: 'S',
    from: null,
    to: 'UP',
    reason: 'r',
  })
  expect(body({ type: 'priority', name: 'a', state: 'MASTER', priority: 9, at: 7 })).toMatchObject({
    event: 'priority',
    from: 'MASTER',
    to: 'MASTER',
    priority: 9,
  })
  expect(body({ type: 'lower-priority', name: 'a', priority: 9, at: 7 })).toMatchObject({ event: 'lower-priority' })
})

test('a webhook is not told what it has not asked for, and what changes no server', () => {
  const told: Told = { ...state, subject: 'INSTANCE', from: 'BACKUP' }
  expect(body(told, ['server'])).toBeUndefined()
  const checker = {
    type: 'checker',
    service: 'S',
    server: 's',
    check: 'c',
    serverUp: false,
    reason: '',
    at: 7,
  } as const
  expect(body({ ...checker, up: false })).toBeUndefined()
})

test('who refuses is not asked again, who is busy or broken is', () => {
  expect([200, 204, 301, 400, 404, 408, 425, 429, 500, 503].map(webhookDelivery)).toEqual([
    'done',
    'done',
    'never',
    'never',
    'never',
    'later',
    'later',
    'later',
    'later',
    'later',
  ])
})

test('of a URL only its origin is shown', () => {
  expect(originOf('https://user:word@hooks.example:8443/T0/secret?key=x')).toBe('https://hooks.example:8443')
})
