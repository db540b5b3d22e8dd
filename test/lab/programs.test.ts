import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConnectionsRecord, RequestsRecord } from '../../src/drill/recording.ts'
import { connectPlace } from '../../src/lab/connect.ts'
import { monotonicNow } from '../../src/lab/monotonic.ts'
import type { Place } from '../../src/lab/place.ts'
import type { AddressNews } from '../../src/lab/programs/addresses.ts'
import { linkOf } from '../support/frames.ts'
import { Lab, until } from '../support/lab.ts'

const HOSTS = ['client', 'one', 'two'] as const
type Host = (typeof HOSTS)[number]

let lab: Lab
let places: Record<Host, Place>

beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('net')
  const entries = HOSTS.map(async (host, i) => {
    lab.addHost(host, [{ switch: 'net', address: `10.1.0.${i + 1}/24` }])
    lab.ip(host, [`addr add fd01::${i + 1}/64 dev eth0 nodad`])
    return [host, await connectPlace(host, lab.enter(host, ['env']).slice(0, -1))]
  })
  places = Object.fromEntries(await Promise.all(entries)) as typeof places
})
afterAll(async () => {
  for (const place of Object.values(places)) await place.close()
  lab.destroy()
})

/** An HTTP or HTTPS server that gives back what is behind `/echo/`, broken as a file of its name says. */
async function serve(host: Host, port: number, name: string, tls = false): Promise<number> {
  const script = `
    const { createServer } = require('node:${tls ? 'https' : 'http'}')
    const { existsSync, readFileSync } = require('node:fs')
    let sockets = new Set()
    const mode = () => (existsSync('${join(lab.directory, name)}') ? readFileSync('${join(lab.directory, name)}', 'utf8') : '')
    const options = ${tls ? `{ cert: readFileSync('${lab.directory}/cert'), key: readFileSync('${lab.directory}/key') }` : '{}'}
    const server = createServer({ ...options, keepAliveTimeout: 60000 }, async (asked, answer) => {
      while (mode() === 'silent') await new Promise((resolve) => setTimeout(resolve, 20))
      if (mode() === 'error') answer.statusCode = 503
      answer.setHeader('x-server', mode() === 'moved' ? 'another' : '${name}')
      answer.end(mode() === 'wrong' ? 'wrong' : asked.url.slice('/echo/'.length))
    })
    server.listen(${port}, '::', () => console.log('ready'))`
  let isReady = false
  const pid = await places[host].start([process.execPath, '-e', script], { onLine: () => (isReady = true) })
  await until('the server', () => isReady)
  return pid
}
const mode = (name: string, text: string) => writeFileSync(join(lab.directory, name), text)

test('requests are told with the server that answered, or why none did', async () => {
  const pid = await serve('one', 8001, 'plain')
  const { client } = places
  const requests = await client.work('requests', ['10.1.0.2', '8001', 'http', '10'])
  const record = async () => (await requests.ask('record')) as RequestsRecord
  await until('answers', async () => (await record()).outcomes.filter(({ by }) => by === 'plain').length > 20)
  mode('plain', 'error')
  await until('errors', async () => (await record()).outcomes.at(-1)?.failure === 'status 503')
  process.kill(pid, 'SIGKILL')
  await until('refusals', async () => (await record()).outcomes.at(-1)?.failure === 'ECONNREFUSED')
  const { outcomes, target } = await record()
  await requests.end()
  expect(target).toBe('http://10.1.0.2:8001')
  expect(outcomes.map(({ at }) => at)).toEqual(outcomes.map(({ at }) => at).toSorted((a, b) => a - b))
  const what = outcomes.map(({ by, failure }) => by ?? failure)
  expect(what.filter((each, i) => each !== what[i - 1] && each !== 'ECONNRESET')).toEqual([
    'plain',
    'status 503',
    'ECONNREFUSED',
  ])
})

test('requests by HTTPS need no certificate that anybody has signed', async () => {
  const files = ['-keyout', join(lab.directory, 'key'), '-out', join(lab.directory, 'cert')]
  const made = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=nobody', ...files]
  expect(await places.one.run(made)).toMatchObject({ status: 0 })
  await serve('one', 8002, 'secret', true)
  for (const address of ['10.1.0.2', 'fd01::2']) {
    const requests = await places.client.work('requests', [address, '8002', 'https', '50'])
    const record = async () => (await requests.ask('record')) as RequestsRecord
    await until('an answer', async () => (await record()).outcomes.some(({ by }) => by === 'secret'))
    await requests.end()
  }
  const connections = await places.client.work('connections', ['10.1.0.2', '8002', 'https', '2', '50'])
  await until('answers', async () => ((await connections.ask('record')) as ConnectionsRecord).answered > 10)
  await connections.end()
})

test('a connection that stays open is told when it is wrong, moved, silent or broken, and else not', async () => {
  const pid = await serve('one', 8003, 'kept')
  const connections = await places.client.work('connections', ['10.1.0.2', '8003', 'http', '3', '40'])
  const record = async () => (await connections.ask('record')) as ConnectionsRecord
  const kinds = async () => [...new Set((await record()).events.map(({ what }) => what))].toSorted()
  await until('answers', async () => (await record()).answered > 20)
  expect(await record()).toMatchObject({ type: 'connections', target: 'http://10.1.0.2:8003', count: 3, events: [] })
  mode('kept', 'wrong')
  await until('a wrong answer', async () => (await kinds()).join() === 'wrong')
  mode('kept', 'moved')
  await until('another server', async () => (await kinds()).join() === 'moved,wrong')
  mode('kept', 'silent')
  await until('silence', async () => (await kinds()).includes('silent'))
  mode('kept', 'moved')
  await until('the end of the silence', async () => {
    const { answered } = await record()
    return until('more answers', async () => (await record()).answered > answered)
  })
  expect(await kinds()).toEqual(['moved', 'silent', 'wrong'])
  process.kill(pid, 'SIGKILL')
  await until('three breaks', async () => (await record()).events.filter(({ what }) => what === 'broken').length === 3)
  await serve('one', 8003, 'again')
  const { answered } = await record()
  await until('answers again', async () => (await record()).answered > answered + 10)
  expect((await record()).events.filter(({ what }) => what === 'broken')).toHaveLength(3)
  await connections.end()
})

test('each address that the kernel gets or loses is told, first those that are there', async () => {
  const news: (AddressNews & { readonly at: number })[] = []
  const addresses = await places.two.work('addresses', [], (event, at) => news.push({ ...(event as AddressNews), at }))
  expect(news).toContainEqual(expect.objectContaining({ address: '10.1.0.3', interface: 'eth0', holds: true }))
  expect(news).toContainEqual(expect.objectContaining({ address: 'fd01::3', interface: 'eth0', holds: true }))
  news.length = 0
  const before = monotonicNow()
  lab.ip('two', ['addr add 10.9.9.9/32 dev eth0', 'addr add fd09::9/128 dev eth0 nodad'])
  await until('two more', () => news.length >= 2)
  const after = monotonicNow()
  lab.ip('two', ['addr del 10.9.9.9/32 dev eth0', 'addr del fd09::9/128 dev eth0'])
  await until('two less', () => news.length >= 4)
  expect(news.map(({ address, holds, prefix }) => [address, holds, prefix])).toEqual([
    ['10.9.9.9', true, 32],
    ['fd09::9', true, 128],
    ['10.9.9.9', false, 32],
    ['fd09::9', false, 128],
  ])
  for (const { at } of news.slice(0, 2)) expect(at).toBeGreaterThan(before - 50)
  for (const { at } of news.slice(0, 2)) expect(at).toBeLessThan(after + 50)
  lab.ip('two', ['link add end1 type veth peer name end2', 'addr add 10.9.9.1/24 dev end1', 'link del end1'])
  await until('what goes with its interface', () => news.length >= 6)
  expect(news.slice(4)).toMatchObject([
    { address: '10.9.9.1', interface: 'end1', holds: true },
    { address: '10.9.9.1', interface: 'end1', holds: false },
  ])
  await addresses.end()
})

test('each new line of a file is told, once, though it is made late, removed, moved away or emptied', async () => {
  const folder = join(lab.directory, 'logs')
  const file = join(folder, 'log')
  const lines: unknown[] = []
  const follow = await places.client.work('follow', [file], (line) => lines.push(line))
  const come = async (...wanted: readonly string[]) => {
    await until(`the lines ${wanted.join()}`, () => lines.length >= wanted.length)
    expect(lines.splice(0)).toEqual(wanted)
  }
  mkdirSync(folder)
  writeFileSync(file, 'one\ntw')
  await come('one')
  appendFileSync(file, 'o\n')
  await come('two')
  appendFileSync(file, 'last\n')
  renameSync(file, `${file}.1`)
  writeFileSync(file, 'three\n')
  await come('last', 'three')
  rmSync(file)
  await until('it to be seen', async () => (await follow.ask('all')) === 4)
  writeFileSync(file, 'four\n')
  await come('four')
  truncateSync(file)
  await follow.ask('all')
  appendFileSync(file, 'five\n')
  await come('five')
  await follow.end()
  const second = await places.client.work('follow', [file], (line) => lines.push(line))
  appendFileSync(file, 'six\n')
  await come('six')
  await second.end()
})

test('who has an address answers, and two do when two have it', async () => {
  const arp = await places.client.work('arp', ['eth0'])
  const [one, two] = [linkOf(lab, 'one', 'eth0').address, linkOf(lab, 'two', 'eth0').address]
  for (const [address, prefix] of [
    ['10.1.0.77', 24],
    ['fd01::77', 64],
  ] as const) {
    expect(await arp.ask(address)).toEqual([])
    lab.ip('one', [`addr add ${address}/${prefix} dev eth0${address.includes(':') ? ' nodad' : ''}`])
    expect(await arp.ask(address)).toEqual([one])
    lab.ip('two', [`addr add ${address}/${prefix} dev eth0${address.includes(':') ? ' nodad' : ''}`])
    expect(await arp.ask(address)).toEqual([one, two].toSorted())
  }
  await expect(arp.ask('nobody')).rejects.toThrow(/nobody is no address/)
  await arp.end()
})

test('who asks unheard finds the same, and leaves the client believing what it believed', async () => {
  const arp = await places.client.work('arp', ['eth0', 'unheard'])
  const [one, two] = [linkOf(lab, 'one', 'eth0').address, linkOf(lab, 'two', 'eth0').address]
  for (const [address, prefix] of [
    ['10.1.0.78', 24],
    ['fd01::78', 64],
  ] as const) {
    lab.ip('one', [`addr add ${address}/${prefix} dev eth0${address.includes(':') ? ' nodad' : ''}`])
    lab.ip('client', [`neigh replace ${address} lladdr ${two} dev eth0 nud reachable`])
    expect(await arp.ask(address)).toEqual([one])
    const { stdout } = await places.client.run(['ip', 'neigh', 'show', address])
    expect(stdout).toContain(two)
  }
  await arp.end()
})
