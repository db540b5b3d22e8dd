import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectPlace } from '../../src/lab/connect.ts'
import { monotonicNow } from '../../src/lab/monotonic.ts'
import type { Place, Working } from '../../src/lab/place.ts'
import type { Order, Sent } from '../../src/lab/programs/adverts.ts'
import type { Captured } from '../../src/lab/programs/capture.ts'
import type { Address } from '../../src/net/address.ts'
import { millis } from '../../src/time.ts'
import { Capture } from '../support/capture.ts'
import { Lab, until } from '../support/lab.ts'

let lab: Lab
let [stranger, director]: Place[] = []
let wire: Capture
let adverts: Working
let capture: Working

const LIKE = {
  version: 3,
  vrid: 51,
  priority: 200,
  intervalMs: millis(1000),
  addresses: ['10.1.0.100' as Address],
  ttl: 255,
  source: '10.1.0.66' as Address,
} as const

beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('net')
  lab.addHost('stranger', [{ switch: 'net', address: '10.1.0.9/24' }], '10.1.0.1')
  lab.addHost('director', [{ switch: 'net', address: '10.1.0.1/24' }])
  lab.ip('director', ['addr add fd01::1/64 dev eth0 nodad'])
  lab.ip('stranger', ['addr add fd01::9/64 dev eth0 nodad'])
  const enter = (host: string) => lab.enter(host, ['env']).slice(0, -1)
  stranger = await connectPlace('stranger', enter('stranger'))
  director = await connectPlace('director', enter('director'))
  wire = await Capture.start(lab, 'net')
  adverts = await stranger.work('adverts', ['eth0'])
  capture = await director.work('capture', ['eth0'])
})
afterAll(async () => {
  await stranger?.close()
  await director?.close()
  lab.destroy()
})

const order = async (what: Order) => (await adverts.ask(what)) as Sent
const captured = async () => (await capture.ask('all')) as Captured

test('adverts of both families and versions go out as they were ordered, and are seen with their times', async () => {
  const before = monotonicNow()
  expect(await order({ what: 'adverts', ...LIKE, times: 3, everyMs: 50 })).toEqual({ sent: 3, refused: 0 })
  await order({ what: 'adverts', ...LIKE, version: 2, ttl: 7, times: 1, everyMs: 0 })
  const six = { addresses: ['fe80::100' as Address], source: 'fe80::66' as Address }
  await order({ what: 'adverts', ...LIKE, ...six, times: 1, everyMs: 0 })
  const seen = await until('five adverts', async () => {
    const { adverts } = await captured()
    return adverts.length === 5 && adverts
  })
  expect(seen.map(({ source, version, vrid, priority }) => [source, version, vrid, priority])).toEqual([
    ...Array.from({ length: 3 }, () => ['10.1.0.66', 3, 51, 200]),
    ['10.1.0.66', 2, 51, 200],
    ['fe80::66', 3, 51, 200],
  ])
  const [first, , third] = seen.map(({ at }) => at)
  expect(first).toBeGreaterThan(before - 50)
  expect((third ?? 0) - (first ?? 0)).toBeGreaterThan(50)
  // An independent reader finds them right.
  await until('five on the wire', () => wire.adverts().length === 5)
  expect(wire.adverts().map(({ ttl }) => ttl)).toEqual([255, 255, 255, 7, 255])
  expect(wire.text).not.toMatch(/bad vrrp cksum|truncated/)
})

test('what was captured is sent again as it was', async () => {
  const { frames, adverts } = await captured()
  await order({ what: 'replay', frames: frames.map(({ frame }) => frame), times: 2, everyMs: 1 })
  const later = await until('all of it twice', async () => {
    const later = await captured()
    return later.adverts.length === 3 * adverts.length && later
  })
  const all = later.frames.map(({ frame }) => frame)
  expect(all.slice(frames.length)).toEqual([...all.slice(0, frames.length), ...all.slice(0, frames.length)])
})

test('a flood of adverts has no advert of this virtual router but of the lowest priority, and ends when it is told', async () => {
  const before = (await captured()).adverts.length
  const flood = order({ what: 'flood', with: 'adverts', rate: 5000, forMs: 60_000, seed: 7, like: LIKE })
  await until('a thousand', async () => (await captured()).adverts.length > before + 1000)
  await order({ what: 'stop' })
  const { sent } = await flood
  expect(sent).toBeGreaterThan(1000)
  const { adverts, frames } = await captured()
  expect(frames.length).toBeLessThanOrEqual(1000)
  const own = adverts.slice(before).filter(({ vrid, version }) => vrid === 51 && (version === 2 || version === 3))
  expect(own.length).toBeGreaterThan(100)
  expect(new Set(own.map(({ priority }) => priority))).toEqual(new Set([1]))
})

test('a flood of SYNs of both families comes from many addresses, with right checksums', async () => {
  for (const address of ['10.1.0.1', 'fd01::1'] as Address[]) {
    const isSix = address.includes(':')
    const syns = await Capture.start(lab, 'net', `${isSix ? 'ip6' : 'tcp'} and dst host ${address} and dst port 8080`)
    const { sent } = await order({ what: 'flood', with: 'syn', rate: 1000, forMs: 500, address, port: 8080 })
    expect(sent).toBeGreaterThan(100)
    const lines = await until('a hundred', () => {
      const found = [...syns.text.matchAll(/(\S+)\.\d+ > \S+\.8080: Flags \[S\], cksum 0x\w+ \((\w+)\)/g)]
      return found.length >= 100 && found
    })
    syns.stop()
    expect(new Set(lines.map(([, , verdict]) => verdict))).toEqual(new Set(['correct']))
    const sources = lines.map(([, source = '']) => source)
    expect(new Set(sources).size).toBeGreaterThan(90)
    for (const source of sources) expect(source).toMatch(isSix ? /^2001:2:0:/ : /^198\.1[89]\./)
  }
})
