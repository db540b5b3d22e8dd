import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_CONNECTIONS } from '../../src/control/server.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const lab = new Lab()
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  director = new DirectorHost(lab, 'director', '')
  await director.start()
})
afterAll(() => lab.destroy())

async function ask(method: string, path: string, body?: string): Promise<{ status: number; errors: string[] }> {
  const request = httpRequest({ socketPath: director.socket, method, path })
  request.end(body)
  const [response] = await once(request, 'response')
  const { errors = [] } = JSON.parse(await text(response)) as { errors?: string[] }
  return { status: (response as { statusCode: number }).statusCode, errors }
}

async function open(bytes: string): Promise<Socket> {
  const socket = connect(director.socket)
  socket.on('error', () => {}) // the daemon may hang up
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

const slowBody = 'POST /v1/ipvs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'

describe('a request', () => {
  test('that cannot be meant is refused with the field, and changes nothing', async () => {
    const before = director.ipvsadm('ipvsadm -L --timeout').stdout
    const bad = JSON.stringify({ timeouts: { tcp: -1, tcpFin: 1e300, udp: 'x' } })
    expect(await ask('POST', '/v1/ipvs/timeouts', bad)).toEqual({
      status: 400,
      errors: ['timeouts.tcp must be a whole number from 0 to 2678400; it is -1'],
    })
    expect(director.ipvsadm('ipvsadm -L --timeout').stdout).toBe(before)
    expect(await ask('POST', '/v1/ipvs', '{ "commands"')).toMatchObject({
      status: 400,
      errors: [expect.stringContaining('the request is no JSON')],
    })
    expect(await ask('POST', '/v1/ipvs')).toMatchObject({ status: 400 })
  })

  test('for nothing that is there is answered by 404, and one that is too long by 413', async () => {
    expect(await ask('GET', '/v2/status')).toEqual({ status: 404, errors: ['no GET /v2/status here'] })
    expect(await ask('DELETE', '/v1/status')).toMatchObject({ status: 404 })
    const long = JSON.stringify({ filter: { state: 'x'.repeat(1024 * 1024) } })
    expect(await ask('POST', '/v1/connections', long)).toEqual({
      status: 413,
      errors: ['a request has at most 1048576 bytes'],
    })
  })
})

test('what cannot be meant tanist says before it asks the daemon, and ends with 1', () => {
  const { status, stderr } = director.tanist('trace', '10.0.0.1', '10.0.0.2:80', '--mark', '-1')
  expect(status).toBe(1)
  expect(stderr).toContain("'-1' is invalid. a whole number from 0 to 4294967295")
})

describe('those who are slow', () => {
  test('do not keep others from being answered, and are not more than there may be', async () => {
    const slow = await Promise.all(Array.from({ length: 500 }, () => open(slowBody)))
    for (let i = 0; i < 10; i++) expect((await director.status()).name).toContain('director')
    expect(director.tanist('status').status).toBe(0)
    await until('most of them to be cut off', () => slow.filter((socket) => !socket.closed).length <= MAX_CONNECTIONS)
    for (const socket of slow) socket.destroy()
  })

  test('are answered by 408 when their time is over', async () => {
    const begun = performance.now()
    const body = await open(slowBody)
    const headers = await open('GET /v1/status HTTP/1.1\r\nHost:')
    expect(await text(headers)).toContain('408 Request Timeout')
    expect(performance.now() - begun).toBeGreaterThan(4900)
    expect(await text(body)).toContain('408 Request Timeout')
    expect(performance.now() - begun).toBeGreaterThan(9900)
  })
})

test('who did something by hand stands in the log', async () => {
  const commands: [readonly string[], string][] = [
    [['connections', '--delete', '--server', '192.168.1.11'], '0 connections deleted, by root'],
    [['trace', '10.0.0.1', '10.0.0.2:80'], 'a packet was traced, by root'],
    [['reload'], `reloaded ${director.file}, asked by root`],
  ]
  for (const [args, message] of commands) {
    expect(director.tanist(...args).status).toBe(0)
    await until(message, () => director.logText().includes(`${message} (pid `))
    expect(director.logText()).toMatch(new RegExp(`tanist\\.js --socket \\S+ ${args.join(' ')}\\)`))
  }
  for (const [line, message] of [
    ['ipvsadm -A -t 10.0.0.100:80 -s rr', 'ipvsadm: add-service, by root (pid '],
    ['ipvsadm -D -t 10.0.0.101:80', 'ipvsadm: delete-service refused: no-such-service, by root (pid '],
    ['ipvsadm --set 900 120 300', 'time-outs set, by root (pid '],
    ['ipvsadm -Z', 'counters of all services set to zero, by root (pid '],
  ] as const) {
    director.ipvsadm(line)
    await until(message, () => director.logText().includes(message))
  }
})
