import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode, type StringAnswer } from 'dns-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HostNews, holdOf, HostWatch } from '../../src/check/hosts.ts'
import { Loopback } from '../support/checks.ts'
import { until } from '../support/lab.ts'

const servers = new Loopback()
const watches: HostWatch[] = []
let folder: string
let hostsFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-hosts-'))
  hostsFile = join(folder, 'hosts')
  writeFileSync(hostsFile, '127.0.0.1 localhost\n')
})
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop()
  servers.close()
  rmSync(folder, { recursive: true })
})

const NXDOMAIN = 3

/** A name server that says this of everything; undefined: nothing. */
async function nameServer(
  answer: () => { readonly addresses?: readonly string[]; readonly code?: number } | undefined,
) {
  const asked: string[] = []
  const port = await servers.udp((request, reply) => {
    const { id = 0, questions = [] } = decode(request)
    const [question] = questions
    const { name, type } = question ?? { name: '', type: 'A' }
    asked.push(`${type} ${name}`)
    const said = answer()
    if (said === undefined) return
    const answers = (said.addresses ?? []).map((data): StringAnswer => {
      return { type: type === 'AAAA' ? 'AAAA' : 'A', name, ttl: 1, data }
    })
    reply(encode({ type: 'response', id, flags: 0x8180 | (said.code ?? 0), questions, answers }))
  })
  return { asked, port }
}

function watch(host: string, family: 'inet' | 'inet6', port: number): HostNews[] {
  const news: HostNews[] = []
  const sources = { hostsFile, nameServers: [`127.0.0.1:${port}`] }
  watches.push(new HostWatch({ host, family }, (each) => news.push(each), sources))
  return news
}

const first = (news: readonly HostNews[], count = 1) =>
  until(`${count} news`, () => news.length >= count && news[count - 1])

describe('what a name stands for', () => {
  test('is asked of a name server, in the order of the text, each once, and again when its time is over', async () => {
    let addresses = ['10.0.0.2', '10.0.0.1', '10.0.0.2']
    const { asked, port } = await nameServer(() => ({ addresses }))
    const news = watch('www.example.com', 'inet', port)
    const www = { type: 'found', host: 'www.example.com', family: 'inet' }
    expect(await first(news)).toEqual({ ...www, addresses: ['10.0.0.1', '10.0.0.2'] })
    addresses = ['10.0.0.1', '10.0.0.2']
    await until('two more questions', () => asked.length >= 3)
    expect(news).toHaveLength(1)
    addresses = ['10.0.0.3']
    expect(await first(news, 2)).toEqual({ ...www, addresses: ['10.0.0.3'] })
    expect(new Set(asked)).toEqual(new Set(['A www.example.com']))
  })

  test('is of the family that is wanted', async () => {
    const { asked, port } = await nameServer(() => ({ addresses: ['2001:db8::1'] }))
    const news = watch('www.example.com', 'inet6', port)
    expect(await first(news)).toMatchObject({ type: 'found', addresses: ['2001:db8::1'] })
    expect(asked).toEqual(['AAAA www.example.com'])
  })

  test('is what the file of hosts says, and nobody else is asked then', async () => {
    writeFileSync(hostsFile, '10.0.0.7 db\n')
    const { asked, port } = await nameServer(() => ({ addresses: ['10.0.0.1'] }))
    expect(await first(watch('db', 'inet', port))).toMatchObject({ type: 'found', addresses: ['10.0.0.7'] })
    expect(asked).toEqual([])
  })

  test('is at most 16 addresses, and none that is no host', async () => {
    const addresses = Array.from({ length: 20 }, (_, i) => `10.0.0.${i + 10}`)
    const { port } = await nameServer(() => ({ addresses: ['224.0.0.1', '0.0.0.0', ...addresses] }))
    const found = await first(watch('many.example', 'inet', port))
    expect(found).toMatchObject({ type: 'found', addresses: addresses.slice(0, 16), isCut: true })
  })
})

describe('a failure', () => {
  test.each<[string, () => { readonly addresses?: string[]; readonly code?: number } | undefined, string]>([
    ['a name that does not exist', () => ({ code: NXDOMAIN }), 'ENOTFOUND'],
    ['a name server that fails', () => ({ code: 2 }), 'ESERVFAIL'],
    ['a name without addresses', () => ({}), 'ENODATA'],
    ['addresses that are none of a host', () => ({ addresses: ['0.0.0.0'] }), 'no address of a host'],
    ['silence', () => undefined, 'ETIMEOUT'],
  ])('%s', async (_name, answer, failure) => {
    const { port } = await nameServer(answer)
    const news = watch('www.example.com', 'inet', port)
    expect(await first(news)).toEqual({ type: 'failed', host: 'www.example.com', family: 'inet', failure })
  })

  test('is told once, and so is that it is over', async () => {
    let code = NXDOMAIN
    const { asked, port } = await nameServer(() => (code === 0 ? { addresses: ['10.0.0.1'] } : { code }))
    const news = watch('www.example.com', 'inet', port)
    await until('two questions', () => asked.length >= 2)
    code = 0
    await first(news, 2)
    expect(news.map(({ type }) => type)).toEqual(['failed', 'found'])
  })
})

test('an answer holds as long as it says, but a second at least and an hour at most', () => {
  expect([0, 1, 30, 86_400].map((ttl) => holdOf([ttl, 100_000]))).toEqual([1000, 1000, 30_000, 3_600_000])
  expect(holdOf([300, 20])).toBe(20_000)
})

test('nothing is told after the stop', async () => {
  const { asked, port } = await nameServer(() => undefined)
  const news = watch('www.example.com', 'inet', port)
  await until('a question', () => asked.length > 0)
  watches.splice(0).forEach((each) => each.stop())
  await until('another question', () => asked.length > 1)
  expect(news).toEqual([])
})
