import { createSocket } from 'node:dgram'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { probe } from '../../src/check/probes/probe.ts'
import { CheckRunner } from '../../src/check/runner.ts'
import type { Outcome } from '../../src/check/schedule.ts'
import type { Check, CheckSchedule, HttpUrl, UdpReply } from '../../src/model/check.ts'
import { millis } from '../../src/time.ts'
import { until } from '../support/lab.ts'
import { ip } from '../vrrp/instances.ts'

/** Of probes that are not answered. */
const SHORT = { timeout: millis(400) }

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

const schedule = (port: number, change: Partial<CheckSchedule> = {}): CheckSchedule => ({
  target: { address: ip('127.0.0.1'), port },
  delayLoop: millis(20),
  timeout: millis(20_000),
  retry: 0,
  delayBeforeRetry: millis(10),
  warmup: millis(0),
  ...change,
})

async function listen(server: Server): Promise<number> {
  closers.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function http(listener: RequestListener): Promise<number> {
  const server = createHttpServer(listener)
  closers.push(() => server.closeAllConnections())
  return listen(server)
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What an answer says: a text exactly, or what it matches. */
const up = (reason: string | RegExp) => ({
  up: true,
  reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
})
/** The reason has this text in it. */
const down = (reason: string | RegExp) => ({
  up: false,
  reason: typeof reason === 'string' ? expect.stringContaining(reason) : expect.stringMatching(reason),
})

const get = (port: number, url: Partial<HttpUrl> = {}): Check => ({
  ...schedule(port),
  type: 'HTTP_GET',
  protocol: '1.0',
  urls: [{ path: '/', statusCodes: [[200, 299]], virtualhost: undefined, ...url }],
})

describe('TCP_CHECK', () => {
  test('an open port is up, a closed one down', async () => {
    const open = await listen(createServer())
    await expect(probe({ ...schedule(open), type: 'TCP_CHECK' })).resolves.toMatchObject(up('connected'))
    await expect(probe({ ...schedule(await freePort()), type: 'TCP_CHECK' })).resolves.toMatchObject(
      down('ECONNREFUSED'),
    )
  })
})

describe('UDP_CHECK', () => {
  const any = { pattern: undefined, minLength: 0, maxLength: 65_535 }
  const udp = (port: number, reply: UdpReply | undefined): Check => ({
    ...schedule(port),
    type: 'UDP_CHECK',
    payload: 'abcd',
    reply,
  })

  test('a reply is good, silence only if no reply is required, a refusal never', async () => {
    const socket = createSocket('udp4')
    closers.push(() => socket.close())
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const { port } = socket.address()
    await expect(probe({ ...udp(port, undefined), ...SHORT })).resolves.toMatchObject(up('not refused'))
    await expect(probe({ ...udp(port, any), ...SHORT })).resolves.toMatchObject(down('no answer within 0.4 s'))
    socket.on('message', (message, from) => socket.send(message, from.port, from.address))
    await expect(probe(udp(port, any))).resolves.toMatchObject(up('2 bytes in reply'))
    await expect(probe(udp(await freePort(), undefined))).resolves.toMatchObject(down('ECONNREFUSED'))
  })

  // What comes back is the payload, AB CD.
  test.each<[string, Partial<UdpReply>, string | undefined]>([
    ['the same bytes', { pattern: 'ABCD' }, undefined],
    ['other bytes', { pattern: 'ABCE' }, 'the reply is ABCD, not ABCE'],
    ['any half of a byte', { pattern: 'XBXD' }, undefined],
    ['halves that differ', { pattern: 'XCXD' }, 'the reply is ABCD, not XCXD'],
    ['their beginning', { pattern: 'AB' }, undefined],
    ['as much as has come', { pattern: 'ABCDEF' }, undefined],
    ['all that is wanted', { pattern: 'ABCDEF', minLength: 3 }, 'a reply of 2 bytes: fewer than 3'],
    ['too much', { maxLength: 1 }, 'a reply of 2 bytes: more than 1'],
  ])('a reply is compared with what is required: %s', async (_name, wanted, fault) => {
    const socket = createSocket('udp4')
    closers.push(() => socket.close())
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    socket.on('message', (message, from) => socket.send(message, from.port, from.address))
    const result = probe(udp(socket.address().port, { ...any, ...wanted }))
    if (fault === undefined) await expect(result).resolves.toMatchObject(up('2 bytes in reply'))
    else await expect(result).resolves.toMatchObject(down(fault))
  })
})

describe('HTTP_GET', () => {
  test('status, virtual host and digest decide', async () => {
    const port = await http((request, response) => {
      response.statusCode = request.headers.host === 'www.example' ? 404 : 200
      response.end('hello')
    })
    const digest = createHash('md5').update('hello').digest('hex')
    await expect(probe(get(port))).resolves.toMatchObject(up('status 200'))
    await expect(probe(get(port, { body: { digest } }))).resolves.toMatchObject(up(new RegExp(digest)))
    await expect(probe(get(port, { body: { digest: '0'.repeat(32) } }))).resolves.toMatchObject(
      down(`digest of / is ${digest}`),
    )
    await expect(probe(get(port, { virtualhost: 'www.example' }))).resolves.toMatchObject(down('status 404'))
    await expect(probe(get(port, { virtualhost: 'www.example', statusCodes: [[404, 404]] }))).resolves.toMatchObject(
      up('status 404'),
    )
  })

  test('a redirect is an answer, not followed', async () => {
    const port = await http((_request, response) => response.writeHead(302, { location: '/' }).end())
    await expect(probe(get(port))).resolves.toMatchObject(down('status 302'))
  })

  test.each([
    ['a server that never answers', () => {}],
    [
      'a body that drips for ever',
      (_request, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write('x'), 50)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ] satisfies [string, RequestListener][])('%s fails at the total deadline', async (_name, listener) => {
    const port = await http(listener)
    const check = { ...get(port, { body: { digest: '0'.repeat(32) } }), ...SHORT }
    await expect(probe(check)).resolves.toMatchObject(down('no answer within 0.4 s'))
  })

  test('an endless body does not fill memory', async () => {
    const port = await http((_request, response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(1 << 20)
      const pour = () => {
        while (response.write(chunk));
      }
      response.on('drain', pour)
      pour()
    })
    await expect(probe(get(port, { body: { digest: '0'.repeat(32) } }))).resolves.toMatchObject(down('longer than'))
  })

  test('endless headers are cut off', async () => {
    const port = await listen(
      createServer((socket) => {
        socket.on('error', () => {})
        socket.write(`HTTP/1.1 200 OK\r\n${'X-Header: y\r\n'.repeat(10_000)}`)
      }),
    )
    await expect(probe(get(port))).resolves.toMatchObject(down(/HEADERS_OVERFLOW|UND_ERR/))
  })
})

describe('rounds', () => {
  test('the first failure counts at once; later ones only after the retries; one success brings it back', async () => {
    let asked = 0
    let broken = true
    const port = await http((_request, response) => {
      asked++
      response.statusCode = broken ? 500 : 200
      response.end()
    })
    const outcomes: Outcome[] = []
    const check = { ...get(port), retry: 2 }
    const runner = new CheckRunner(
      check,
      async () => await probe(check),
      (outcome) => outcomes.push(outcome),
    )
    closers.push(() => runner.stop())
    await until('the first outcome', () => outcomes.length === 1)
    expect([asked, outcomes[0]?.up]).toEqual([1, false])
    broken = false
    await until('success', () => outcomes.at(-1)?.up === true)
    broken = true
    const before = outcomes.length
    await until('failure', () => outcomes.slice(before).find(({ up }) => !up))
    const during = asked
    await until('another round', () => outcomes.slice(before).filter(({ up }) => !up).length >= 2)
    expect(asked - during).toBeGreaterThanOrEqual(3)
  })

  test.each([
    ['known to be up', true],
    ['not known', false],
  ])('the first failure of a server that is %s', async (_name, wasUp) => {
    let broken = true
    const port = await http((_request, response) => {
      response.statusCode = broken ? 500 : 200
      response.end()
      broken = false
    })
    const outcomes: Outcome[] = []
    const check = { ...get(port), retry: 2 }
    const ask = async () => await probe(check)
    const runner = new CheckRunner(check, ask, (outcome) => outcomes.push(outcome), wasUp ? 'up' : undefined)
    closers.push(() => runner.stop())
    await until('the first outcome', () => outcomes.length > 0)
    expect(outcomes[0]?.up).toBe(wasUp)
  })
})
