import { createServer } from 'node:http'
import { encode } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import { LONGEST_STEP, MOST_STEPS, watched } from '../../src/check/steps.ts'
import type { Asked } from '../../src/model/asked.ts'
import type { Check } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { dialogue, Loopback, schedule, SHORT } from '../support/checks.ts'
import { httpGet, portOf } from './web-checks.ts'

const servers = new Loopback()
const closers: (() => void)[] = []
afterEach(() => {
  servers.close()
  for (const close of closers.splice(0)) close()
})

const watch = async (check: Check): Promise<Asked> => await watched(async (note) => await probe(check, note))

/** What is shown, with ports of this run out of it; and that time does not run backwards. */
async function shownOf(check: Check): Promise<readonly string[]> {
  const { steps, up, reason, duration } = await watch(check)
  const times = [...steps.map(({ after }) => after), duration]
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  const what = [...steps.map((step) => step.what), `${up}: ${reason}`]
  return what.map((text) => text.replaceAll(/(?<=from 127\.0\.0\.1 port )\d+|(?<=127\.0\.0\.1\]:)\d+/g, 'N'))
}
const CONNECTED = ['connects to [127.0.0.1]:N', 'connected, from 127.0.0.1 port N']

async function web(listener: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(listener)
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return await portOf(server)
}

describe('each step of a probe', () => {
  test('TCP_CHECK', async () => {
    const open = await servers.tcp(() => {})
    expect(await shownOf({ ...schedule(open), type: 'TCP_CHECK' })).toEqual([...CONNECTED, 'true: connected'])
    const closed = await servers.freePort()
    expect(await shownOf({ ...schedule(closed), type: 'TCP_CHECK' })).toEqual([CONNECTED[0], 'false: ECONNREFUSED'])
  })

  test('TCP_CHECK that talks: text as it is, bytes by their number, nothing that a terminal would obey', async () => {
    const port = await servers.tcp(dialogue('', '-ERR \u001b[2J\r\n'))
    expect(await shownOf({ ...schedule(port), type: 'TCP_CHECK', talk: { protocol: 'redis' } })).toEqual([
      ...CONNECTED,
      'sends `PING`',
      'the answer to PING: 11 bytes',
      'false: the answer to PING is -ERR ?[2J',
    ])
    const bytes = await servers.tcp(dialogue('', 'yes'))
    const talk = { protocol: 'bytes', send: '736563726574', expect: '796573' } as const
    expect(await shownOf({ ...schedule(bytes), type: 'TCP_CHECK', talk })).toEqual([
      ...CONNECTED,
      'sends 6 bytes',
      'the bytes that are expected: `yes`',
      'true: the bytes that are expected',
    ])
  })

  test('SMTP_CHECK', async () => {
    const port = await servers.tcp(dialogue('220 mail.lab ESMTP\r\n', '250 hello\r\n', '221 bye\r\n'))
    const check: Check = { ...schedule(port), type: 'SMTP_CHECK', heloName: 'lb.example', startTls: false }
    expect(await shownOf(check)).toEqual([
      ...CONNECTED,
      'the greeting: `220 mail.lab ESMTP`',
      'sends `HELO lb.example`',
      'the answer to HELO: `250 hello`',
      'sends `QUIT`',
      'the answer to QUIT: `221 bye`',
      'true: 220 mail.lab ESMTP',
    ])
  })

  test('UDP_CHECK', async () => {
    const port = await servers.udp((_request, reply) => reply(Buffer.alloc(20, 7)))
    const reply = { pattern: 'AB', minLength: 1, maxLength: 99 }
    expect(await shownOf({ ...schedule(port), type: 'UDP_CHECK', payload: '4142', reply })).toEqual([
      'sends 2 bytes to [127.0.0.1]:N',
      'sent, from 127.0.0.1 port N',
      `20 bytes came: ${'07'.repeat(16)}…`,
      'compares with 1 to 99 bytes that begin with AB',
      `false: the reply is ${'07'.repeat(16)}…, not AB`,
    ])
  })

  test('DNS_CHECK, with a datagram that is no answer before the one that is', async () => {
    const port = await servers.udp((request, reply) => {
      reply(Buffer.from('00'))
      reply(
        encode({
          type: 'response',
          id: request.readUInt16BE(0),
          answers: [{ type: 'A', name: 'a.example', data: '10.0.0.7' }],
        }),
      )
    })
    const query = { name: 'a.example', type: 'A', answer: '10.0.0.7' } as const
    expect(await shownOf({ ...schedule(port), type: 'DNS_CHECK', query })).toEqual([
      'asks for A of a.example; good is 10.0.0.7',
      'sends 27 bytes to [127.0.0.1]:N',
      'sent, from 127.0.0.1 port N',
      '2 bytes came: 3030',
      'these are no answer; waits for others',
      expect.stringMatching(/^\d+ bytes came: [\dA-F]+…$/),
      'true: answer 10.0.0.7',
    ])
  })

  test('AGENT_CHECK', async () => {
    const port = await servers.tcp(dialogue('', '75% up\n'))
    expect(await shownOf({ ...schedule(port), type: 'AGENT_CHECK', send: 'hello\n' })).toEqual([
      ...CONNECTED,
      'sends hello?',
      'the agent says: 75% up',
      expect.stringMatching(/^true: /),
    ])
    expect((await watch({ ...schedule(port), type: 'AGENT_CHECK', send: 'hello\n' })).weight).toEqual({
      type: 'percent',
      value: 75,
    })
  })

  test('HTTP_GET, with a redirect, and what its body is compared with', async () => {
    const port = await web((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/health' }).end()
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"bad"}')
    })
    const json = [{ path: ['status'], value: 'ok' }]
    const url = { redirects: 1, virtualhost: 'www.example', body: { contains: ['status'], json } }
    expect(
      await shownOf(
        httpGet(port, {
          ...url,
          statusCodes: [
            [200, 299],
            [404, 404],
          ],
        }),
      ),
    ).toEqual([
      'GET /, host www.example',
      ...CONNECTED,
      'status 302, location /health',
      'GET /health, host www.example',
      ...CONNECTED,
      'status 200, content-type application/json',
      'compares the status with 200-299, 404',
      '16 bytes of body; compares them with text "status", JSON status = ok',
      'false: JSON of /health: status is bad',
    ])
  })

  test('a server that accepts and never answers shows where it is stuck', async () => {
    const port = await servers.tcp(() => {})
    const check = { ...httpGet(port), timeout: millis(SHORT) }
    expect(await shownOf(check)).toEqual(['GET /', ...CONNECTED, `false: no answer within ${SHORT / 1000} s`])
    expect((await watch(check)).duration).toBeGreaterThanOrEqual(SHORT - 5)
  })
})

test('what a hostile server makes happen is bounded', async () => {
  let heard = 0
  const port = await web((_request, response) => {
    heard++
    response.writeHead(302, { location: '/', 'content-type': 'x'.repeat(9000) }).end()
  })
  const { steps, reason } = await watch(httpGet(port, { redirects: 200 }))
  expect(reason).toBe('status 302 for /')
  expect(heard).toBe(201)
  expect(steps).toHaveLength(MOST_STEPS)
  expect(Math.max(...steps.map(({ what }) => what.length))).toBeLessThanOrEqual(LONGEST_STEP)
})

test('what comes behind the answer is not taken down any more', async () => {
  let late = (_what: string) => {}
  const asked = await watched(async (note) => {
    late = note
    note('x'.repeat(LONGEST_STEP + 1))
    return { up: true, reason: 'soon', duration: millis(0) }
  })
  late('later')
  expect(asked.steps.map(({ what }) => what)).toEqual(['x'.repeat(LONGEST_STEP)])
})
