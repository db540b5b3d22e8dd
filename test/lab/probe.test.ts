import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProbeRecord } from '../../src/drill/recording.ts'
import { connectPlace } from '../../src/lab/connect.ts'
import { monotonicNow } from '../../src/lab/monotonic.ts'
import type { Place } from '../../src/lab/place.ts'
import { Lab, until } from '../support/lab.ts'

let lab: Lab
let client: Place
let server: Place

beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('net')
  lab.addHost('client', [{ switch: 'net', address: '10.1.0.1/24' }])
  lab.addHost('server', [{ switch: 'net', address: '10.1.0.2/24' }])
  lab.ip('client', ['addr add fd01::1/64 dev eth0 nodad'])
  lab.ip('server', ['addr add fd01::2/64 dev eth0 nodad'])
  const enter = (host: string) => lab.enter(host, ['env']).slice(0, -1)
  client = await connectPlace('client', enter('client'))
  server = await connectPlace('server', enter('server'))
  const script = `
    const { createSocket } = require('node:dgram')
    for (const type of ['udp4', 'udp6']) {
      const socket = createSocket({ type, ipv6Only: type === 'udp6', recvBufferSize: 1 << 20 })
      socket.on('message', (message, { address, port }) => socket.send(message, port, address))
      socket.bind(7)
    }
    require('node:net').createServer((socket) => socket.on('error', () => {})).listen(80, '::', 1000, () => console.log('ready'))`
  let isReady = false
  await server.start([process.execPath, '-e', script], { onLine: () => (isReady = true) })
  await until('the server', () => isReady)
})
afterAll(async () => {
  await client.close()
  await server.close()
  lab.destroy()
})

const WAYS = [
  ['10.1.0.2', '7', 'udp'],
  ['fd01::2', '7', 'beside'],
  ['10.1.0.2', '80', 'tcp'],
  ['fd01::2', '80', 'tcp'],
  ['10.1.0.2', '0', 'icmp'],
  ['fd01::2', '0', 'icmp'],
] as const

test.for(WAYS)('a gap of half a second is seen on %s port %s by %s', async ([address, port, by]) => {
  const probe = await client.work('probe', [address, port, by])
  const record = async () => (await probe.ask('record')) as ProbeRecord
  await until('answers', async () => {
    const { sent, gaps } = await record()
    return sent > 300 && (gaps.at(-1)?.at ?? 0) < monotonicNow() - 300
  })
  // At the switch: the server's own link keeps its addresses and routes.
  lab.cable('server', 0, 'down')
  const down = monotonicNow()
  await until('half a second', () => monotonicNow() - down >= 500)
  lab.cable('server', 0, 'up')
  const up = monotonicNow()
  await until('answers again', async () => client.here((await record()).to) > up + 300)
  const { sent, from, to, gaps, late, periodMs, isCut } = await record()
  await probe.end()
  expect({ periodMs, isCut }).toEqual({ periodMs: 1, isCut: false })
  const noise = late.reduce((sum, { ms }) => sum + ms, 0)
  expect(sent).toBeGreaterThan((to - from) * 0.9 - noise)
  const inside = gaps.filter(({ at, ms }) => client.here(at) < up && client.here((at + ms) as typeof at) > down)
  const lengths = inside.map(({ ms }) => ms)
  // A link that comes up again may take until its state is known.
  const longest = Math.max(...lengths)
  expect(longest).toBeGreaterThan(450)
  expect(longest).toBeLessThan(1500)
})

test('a port that refuses is not answered', async () => {
  const probe = await client.work('probe', ['10.1.0.2', '81', 'tcp'])
  const record = await until('some', async () => {
    const record = (await probe.ask('record')) as ProbeRecord
    return record.sent > 100 && record
  })
  await probe.end()
  expect(record.gaps).toMatchObject([{ lost: record.sent }])
})

test('a probe that cannot work says why', async () => {
  await expect(client.work('probe', ['nowhere', '7', 'udp'])).rejects.toThrow(/nowhere is no address/)
  await expect(client.work('../agent-process', [])).rejects.toThrow(/there is no program/)
})
