import { describe, expect, test } from 'vitest'
import type { VrrpInstance } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { Sequences } from '../../src/vrrp/auth/sequences.ts'
import type { Advertisement } from '../../src/vrrp/packet/advertisement.ts'
import { HeardVrids } from '../../src/vrrp/heard-vrids.ts'
import { LineLimit } from '../../src/vrrp/line-limit.ts'
import { peerNews, peerNotes } from '../../src/vrrp/peer-news.ts'
import { Peers } from '../../src/vrrp/peers.ts'
import { receive } from '../../src/vrrp/receive.ts'
import { routersOf } from '../../src/vrrp/routers.ts'
import { anAdvert, anArrival, type Way } from './adverts.ts'
import { anInstance, ip } from './instances.ts'

/** What an instance hears, one packet after another, and what people are told of each. */
class Listener {
  readonly peers = new Peers()
  /** What the kernel knows of the link. */
  mac: string | undefined
  /** How often it was asked. */
  asked = 0
  priority = 100
  readonly #instance: VrrpInstance
  readonly #sequences = new Sequences()
  readonly #here = {
    priorityOf: () => this.priority,
    macOf: () => {
      this.asked++
      return this.mac
    },
  }

  constructor(instance: Partial<VrrpInstance> = {}) {
    this.#instance = anInstance(instance)
  }

  hear(advert: Partial<Advertisement> = {}, way: Way = {}): readonly string[] {
    const received = receive(anArrival(anAdvert(advert), way), routersOf([this.#instance]), this.#sequences, 0)
    const { before, now } = this.peers.take(received, 0, this.#here)
    return peerNews(this.#instance, before, now, () => 52).map(({ text }) => text)
  }

  notes(): readonly string[] {
    return this.peers.list().flatMap((peer) => peerNotes(this.#instance, peer, 52))
  }
}

describe('what people are told of a peer', () => {
  test('nothing while its adverts are what they should be', () => {
    const listener = new Listener()
    expect([...listener.hear(), ...listener.hear()]).toEqual([])
    expect(listener.notes()).toEqual([])
  })

  test('why its adverts are refused, with both values, and that they count again', () => {
    const listener = new Listener({ version: 2 })
    const why = 'version 2, and its interval is not advert_int (2 s, here 1 s)'
    expect(listener.hear({ version: 2, interval: millis(2000) })).toEqual([
      `(a) advert from 10.0.0.2 is refused: interval: ${why}`,
    ])
    expect(listener.notes()).toEqual([`${why}; 1 refused`])
    expect(listener.hear({ version: 2 })).toEqual(['(a) adverts from 10.0.0.2 count again'])
    expect(listener.notes()).toEqual([])
  })

  test('which addresses differ, once, and that they do no more', () => {
    const listener = new Listener()
    const addresses = ['10.0.0.100', '10.0.0.101'].map(ip)
    expect(listener.hear({ addresses })).toEqual(['(a) 10.0.0.2 lists other addresses: only there 10.0.0.101'])
    expect(listener.hear({ addresses })).toEqual([])
    expect(listener.notes()).toEqual(['other addresses: only there 10.0.0.101'])
    expect(listener.hear()).toEqual(['(a) 10.0.0.2 lists the same addresses now'])
  })

  test('that it is rather another cluster, with a number that is free', () => {
    const listener = new Listener()
    expect(listener.hear({ addresses: [ip('10.9.9.9')] }, { source: '10.0.0.9' })).toEqual([
      '(a) 10.0.0.9 lists other addresses: only here 10.0.0.100; only there 10.9.9.9: another cluster with virtual_router_id 51? 52 is free on this link',
    ])
    expect(listener.notes()).toContain('another cluster with virtual_router_id 51? 52 is free on this link')
  })

  test('and its MAC, as soon as the kernel has it; one that does not answer is not asked for for ever', () => {
    const listener = new Listener()
    const hear = () => listener.hear({ addresses: [ip('10.9.9.9')] }, { source: '10.0.0.9' })
    expect(hear()).toHaveLength(1)
    expect(hear()).toEqual([])
    listener.mac = '02:00:00:00:00:09'
    expect(hear()).toEqual([
      '(a) 10.0.0.9 (MAC 02:00:00:00:00:09) lists other addresses: only here 10.0.0.100; only there 10.9.9.9: another cluster with virtual_router_id 51? 52 is free on this link',
    ])
    expect(hear()).toEqual([])
    expect(listener.notes()).toContain('MAC 02:00:00:00:00:09')
    expect(listener.asked).toBe(3)
    const silent = new Listener()
    for (let i = 0; i < 20; i++) silent.hear({ addresses: [ip('10.9.9.9')] })
    expect(silent.asked).toBe(5)
  })

  test('that it has our priority, once', () => {
    const listener = new Listener()
    const line =
      '(a) 10.0.0.2 has the same priority, 100: who is master is decided by the address. Give one of them another priority'
    expect([...listener.hear({ priority: 100 }), ...listener.hear({ priority: 100 })]).toEqual([line])
    expect(listener.notes()).toEqual(['the same priority: the greater address is master'])
    expect([listener.hear({ priority: 101 }), listener.notes()]).toEqual([[], []])
    listener.priority = 101
    expect(listener.hear({ priority: 101 })).toEqual([line.replace('100', '101')])
    listener.priority = 0
    expect(listener.hear({ priority: 0 })).toEqual([])
  })

  test('also of a stranger whose adverts are refused', () => {
    const listener = new Listener()
    const [refusal, addresses] = listener.hear({ version: 2, addresses: [ip('10.9.9.9')] }, { source: '10.0.0.9' })
    expect(refusal).toContain('is refused: version')
    expect(addresses).toContain('another cluster with virtual_router_id 51?')
  })

  test('that its checksums have another form, once', () => {
    const listener = new Listener()
    const way = { checksum: 'plain' } as const
    expect(listener.hear({}, way)).toEqual([
      '(a) 10.0.0.2 sends checksums without a pseudo-header (RFC 9568); they are understood, and sent from here with a pseudo-header',
    ])
    expect(listener.hear({}, way)).toEqual([])
    expect(listener.notes()).toEqual(['checksums without a pseudo-header (RFC 9568)'])
  })

  test('that a missing signature is tolerated', () => {
    const key = { id: 1, hex: '00'.repeat(32) }
    const authentication = {
      type: 'hmac',
      keys: [key],
      activeKey: 1,
      window: millis(5000),
      mode: 'permissive',
    } as const
    const listener = new Listener({ authentication })
    expect(listener.hear()).toEqual([
      '(a) advert from 10.0.0.2 counts, though mode enforce would drop it: it has no signature',
    ])
    expect(listener.hear()).toEqual([])
    expect(listener.notes()).toEqual(['mode enforce would drop its adverts: it has no signature'])
  })
})

test('a flood from everywhere pushes no peer out, and no more than 16 strangers are remembered', () => {
  const listener = new Listener()
  listener.hear()
  for (let i = 0; i < 1000; i++) listener.hear({ version: 2 }, { source: `10.1.${i >> 8}.${i & 255}` })
  const peers = listener.peers.list()
  expect(peers).toHaveLength(16)
  expect(peers[0]).toMatchObject({ address: '10.0.0.2', accepted: 1 })
})

describe('lines of the log', () => {
  test('100 000 bad packets of one sender: one line, then one a minute with how many there were', () => {
    const limit = new LineLimit()
    const lines = Array.from({ length: 100_000 }, (_, i) => limit.allow('10.0.0.2 version', millis(i))).filter(
      (more) => more !== undefined,
    )
    expect(lines).toEqual(['', ' (59999 more times since it was written last)'])
  })

  test('100 000 bad packets from everywhere: ten lines a minute', () => {
    const limit = new LineLimit()
    const lines = Array.from({ length: 100_000 }, (_, i) => limit.allow(`${i % 50_000} version`, millis(i))).filter(
      (more) => more !== undefined,
    )
    expect(lines).toHaveLength(20)
    expect(lines.filter((more) => more !== '')).toEqual([' (59980 lines about others were not written)'])
  })
})

test('numbers that others use on a link are not free there, and those of instances are not unknown', () => {
  const heard = new HeardVrids()
  for (const vrid of [1, 2, 2, 4]) heard.hear(anArrival(anAdvert()), vrid)
  expect(heard.unknown()).toContainEqual({ interface: 'eth0', vrid: 2, count: 2, source: '10.0.0.2' })
  expect(heard.freeOn('eth0', new Set([3]))).toBe(5)
  expect(heard.freeOn('eth1', new Set([1]))).toBe(2)
  heard.keep(new Map([['eth0', new Set([2])]]))
  expect(heard.unknown().map(({ vrid }) => vrid)).toEqual([1, 4])
  heard.keep(new Map())
  expect(heard.unknown()).toEqual([])
})
