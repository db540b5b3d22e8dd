import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { bindUdp, connectTcp, connectTcpUntil } from '../../src/check/source.ts'
import type { CheckSource } from '../../src/model/check.ts'
import { millis, seconds } from '../../src/time.ts'
import { until } from '../support/lab.ts'
import { ip } from '../vrrp/instances.ts'
import { portOf } from './web-checks.ts'

const LOOPBACK = ip('127.0.0.1')
const descriptors = () => readdirSync('/proc/self/fd').length

test('a connection comes from where it should, again and again from one port, and leaves nothing open', async () => {
  const seen: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    seen.push(`${socket.remoteAddress}:${socket.remotePort}`)
  })
  const target = { address: LOOPBACK, port: await portOf(server) }
  const own = createServer()
  const port = await portOf(own)
  own.close()
  const connect = async (source: CheckSource | undefined, at = target): Promise<Socket> =>
    connectTcp({ target: at, ...(source === undefined ? {} : { source }) }, seconds(5))
  ;(await connect(undefined)).destroy()
  const before = descriptors()
  for (let i = 0; i < 50; i++) {
    const socket = await connect({ address: ip('127.0.0.9'), port, interface: 'lo' })
    socket.destroy()
    await once(socket, 'close')
  }
  await until('all of them to be seen', () => seen.length === 51)
  expect(new Set(seen.slice(1))).toEqual(new Set([`127.0.0.9:${port}`]))
  const refused = { address: LOOPBACK, port }
  for (let i = 0; i < 20; i++) {
    await expect(connect({ address: ip('127.0.0.9') }, refused)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(connect({ interface: 'none0' })).rejects.toMatchObject({ name: 'SystemError', code: 'ENODEV' })
    await expect(connect({ address: ip('192.0.2.1') })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  }
  await until('every descriptor to be closed', () => descriptors() <= before)
  server.close()
})

test('a connection ends at its deadline, or when its signal says so, also when it has been made', async () => {
  const server = createServer((socket) => void socket.on('error', () => {}))
  const target = { address: LOOPBACK, port: await portOf(server) }
  const begun = performance.now()
  const socket = await connectTcp({ target }, millis(200))
  const [error] = (await once(socket, 'close').catch((why: unknown) => [why])) as [unknown]
  expect(error).toMatchObject({ name: 'TimeoutError' })
  expect(performance.now() - begun).toBeGreaterThan(195)
  const asked = new AbortController()
  const other = await connectTcpUntil({ target }, asked.signal)
  asked.abort()
  await until('it to be closed', () => other.destroyed)
  server.close()
})

test('a datagram comes from where it should', async () => {
  const server = createSocket('udp4')
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  const client = createSocket('udp4')
  bindUdp(client, { target: { address: LOOPBACK, port: 1 }, source: { address: ip('127.0.0.8'), interface: 'lo' } })
  const message = once(server, 'message')
  client.send('x', server.address().port, '127.0.0.1')
  expect((await message)[1]).toMatchObject({ address: '127.0.0.8' })
  client.close()
  server.close()
})
