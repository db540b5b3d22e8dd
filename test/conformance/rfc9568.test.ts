import { describe, expect, test } from 'vitest'
import { Bench, backup, instance, load, master, takesOverAfter } from './bench.ts'
import { packet, type Said } from './bytes.ts'

/**
 * RFC 9568 with its errata, and where RFC 5798 says otherwise: one test for each statement, by its number in the list of statements
 * (statements.ts) and its section. `test.fails` names a gap: the test is as it must be.
 */

const V3 = 'version 3\npriority 100'
const DOWN = 3000 + (156 * 1000) / 256
const second = (lines = V3) => instance(lines, '10.0.0.101/24', 'mail', 52)

/** A master that takes it would become a backup. */
const isDiscarded = (said: Said, text = instance()) => {
  const bench = master(text).hear(said)
  return bench.state() === 'master' && bench.sent.length === 0
}

const OWNED = { address: '10.0.0.2' as never, prefix: 24, primary: true, tentative: false }

/** The owner of 10.0.0.2, which has another address besides. */
const owner = (lines = '') =>
  new Bench(instance(`version 3\npriority 255\n${lines}`, '10.0.0.2/24'), {
    own: [{ ...OWNED, address: '10.0.0.1' as never }, OWNED],
  })

describe('what is sent', () => {
  test('1 §5.1.1.2, §5.1.1.4: to 224.0.0.18, protocol 112', () => {
    const [advert] = master().pass(1500).sent
    expect(advert).toMatchObject({ destination: '224.0.0.18', protocol: 112 })
  })

  test('4 §7.2: from the primary address of the interface, never from a virtual one; without it no longer active', () => {
    const bench = master(instance(V3, '10.0.0.100/24\n10.0.0.101/24'))
    expect(new Set(bench.pass(5000).sent.map(({ source }) => source))).toEqual(new Set(['10.0.0.1']))
    bench.clear().lose('10.0.0.1')
    expect(bench.pass(5000).state()).toBe('fault')
    expect(bench.sent.filter(({ source }) => source !== '10.0.0.1')).toEqual([])
  })

  test('6 §5.2: version 3, type 1, VRID, priority, count, reserved bits 0, interval in centiseconds; they are ignored on receipt', () => {
    const [advert] = master(instance(`${V3}\nadvert_int 0.5`)).pass(1000).sent
    const fields = { version: 3, type: 1, vrid: 51, priority: 100, count: 1, reserved: 0, interval: 50, length: 12 }
    expect(advert).toMatchObject({ ...fields, addresses: ['10.0.0.100'] })
    expect(master().hear({ reserved: 15 }).state()).toBe('backup')
  })

  test('7 §5.2.8: a checksum over the message alone is understood, and one with the IPv4 pseudo-header (RFC 5798), too', () => {
    expect(master().hear({ checksum: 'message' }).state()).toBe('backup')
    expect(master().hear({ checksum: 'pseudo-header' }).state()).toBe('backup')
  })

  // Sent is else what keepalived sends and all of its versions understand (decision 047), which is RFC 5798's as it is mostly read.
  test('7 §5.2.8: the checksum that is sent covers the message alone, where it is to (v3_checksum_as_v2)', () => {
    expect(master(instance(`${V3}\nv3_checksum_as_v2`)).pass(1500).sent[0]?.checksum).toBe('message')
    expect(master().pass(1500).sent[0]?.checksum).toBe('pseudo-header')
  })

  // An instance without an address in its adverts is accepted with a warning, and sends a count of 0: an election of its own kind.
  test.fails('11 §5.2.5: at least one address in each advert', () => {
    const only = `vrrp_instance web {\ninterface eth0\nvirtual_router_id 51\n${V3}\nvirtual_ipaddress_excluded {\n10.0.0.100/24\n}\n}\n`
    const { config, diagnostics } = load(only)
    const isRefused = config === undefined || diagnostics.some(({ severity }) => severity === 'error')
    if (isRefused || config.instances.length === 0) return
    expect(new Bench(only).until(10_000).sent.every(({ count }) => count > 0)).toBe(true)
  })

  test('12 §5.2.9: all addresses of an advert are of one family', () => {
    const mixed = load(instance(V3, '10.0.0.100/24\n2001:db8::100/64'))
    const families = mixed.config?.instances.map(
      ({ addresses }) => new Set(addresses.map(({ address }) => address.includes(':'))).size,
    )
    expect(families ?? []).not.toContain(2)
    expect(mixed.diagnostics.length).toBeGreaterThan(0)
  })

  test.each([1, 20, 255])(
    '14 §5.2.9: all %i virtual addresses are in the advert, and excluded ones are not',
    (count) => {
      const addresses = Array.from({ length: count }, (_, i) => `10.0.${1 + (i >> 7)}.${1 + (i & 127)}`)
      const excluded = 'virtual_ipaddress_excluded {\n10.9.9.9/32\n}'
      const [advert] = master(instance(`${V3}\n${excluded}`, addresses.map((each) => `${each}/32`).join('\n'))).pass(
        1500,
      ).sent
      expect(advert?.addresses).toEqual(addresses)
      expect(advert?.length).toBe(8 + 4 * count)
    },
  )

  test('16 §5.2.4: 100 by default; trackers leave it within 1 to 254', () => {
    expect(master(instance('version 3')).pass(1500).sent[0]?.priority).toBe(100)
    const tracked = (weight: number) =>
      `vrrp_script s {\nscript "/bin/true"\nuser root\n}\n${instance(`${V3}\ntrack_script {\ns weight ${weight}\n}`)}`
    expect(master(tracked(253)).pass(1500).sent[0]?.priority).toBe(254)
    expect(master(tracked(-253)).script('s', false).pass(1500).sent[0]?.priority).toBe(1)
    for (const priority of [0, 256])
      expect(isAccepted(instance(`version 3\npriority ${priority}`), { priority })).toBe(false)
  })

  test('17 §5.2.3: VRIDs from 1 to 255', () => {
    expect(load(instance(V3, '10.0.0.100/24', 'web', 255)).config?.instances[0]?.vrid).toBe(255)
    for (const vrid of [0, 256])
      expect(load(instance(V3, '10.0.0.100/24', 'web', vrid)).config?.instances ?? []).toEqual([])
  })

  test('18 §5.2.7: intervals from 1 to 4095 cs, 100 by default', () => {
    expect(master().pass(1500).sent[0]?.interval).toBe(100)
    expect(new Bench(instance(`${V3}\nadvert_int 0.01`)).until(1000).sent[0]?.interval).toBe(1)
    expect(new Bench(instance(`${V3}\nadvert_int 40.95`)).until(170_000).sent[0]?.interval).toBe(4095)
    for (const interval of ['40.96', '0.004', '0']) {
      const { config } = load(instance(`${V3}\nadvert_int ${interval}`))
      for (const { advertInt } of config?.instances ?? []) {
        expect(advertInt).toBeGreaterThanOrEqual(10)
        expect(advertInt).toBeLessThanOrEqual(40_950)
      }
    }
  })

  test('19 §7.2: every advert has its fields and a good checksum, also the answers and the goodbye', () => {
    const bench = master().pass(5500).hear({ priority: 50 }).hear({ priority: 0 }).stop()
    expect(bench.sent.length).toBeGreaterThanOrEqual(8)
    for (const advert of bench.sent) {
      expect(advert).toMatchObject({ version: 3, type: 1, vrid: 51, addresses: ['10.0.0.100'], interval: 100 })
      expect(advert.checksum).not.toBe('wrong')
    }
  })
})

/** Whether a value of the file is what runs. */
function isAccepted(text: string, { priority }: { readonly priority: number }): boolean {
  return load(text).config?.instances.some((each) => each.priority === priority) === true
}

describe('what is taken (§7.1)', () => {
  test('21 §5.1.1.3: only with TTL 255', () => {
    for (const ttl of [0, 1, 64, 254]) expect(isDiscarded({ ttl, priority: 254 })).toBe(true)
    expect(isDiscarded({ priority: 254 })).toBe(false)
  })

  test('22: only of the configured version', () => {
    for (const version of [0, 1, 2, 4, 15]) expect(isDiscarded({ version, priority: 254 })).toBe(true)
  })

  test('23 §5.2.2: only type 1', () => {
    for (const type of [0, ...Array.from({ length: 14 }, (_, i) => 2 + i)])
      expect(isDiscarded({ type, priority: 254 })).toBe(true)
  })

  test('24: nothing that is cut off, but what Ethernet has padded', () => {
    for (let cut = 0; cut < 12; cut++) expect(isDiscarded({ cut, priority: 254 })).toBe(true)
    expect(isDiscarded({ padding: 14, priority: 254 })).toBe(false)
    for (let length = 0; length < 32; length++)
      expect(
        master()
          .hearBytes(packet({ priority: 254 }).slice(0, length))
          .state(),
      ).toBe('master')
  })

  test('25: nothing with a wrong checksum', () => {
    expect(isDiscarded({ checksum: 'wrong', priority: 254 })).toBe(true)
    for (let place = 20; place < 32; place++) {
      const bytes = packet({ priority: 254 })
      bytes[place] = (bytes[place] ?? 0) ^ 0x10
      expect(master().hearBytes(bytes).state()).toBe('master')
    }
  })

  test('26 erratum 8298: only of a VRID that is configured on the interface', () => {
    expect(isDiscarded({ vrid: 99, priority: 254 })).toBe(true)
    const elsewhere = instance(V3, '10.9.0.1/24', 'other', 77).replace('eth0', 'eth1')
    const text = `${instance()}${elsewhere}`
    const bench = new Bench(text, { others: ['eth1'] }).until(20_000)
    expect(bench.hear({ priority: 254 }, 'eth1').state()).toBe('master')
    expect(bench.hear({ vrid: 77, priority: 254 }).state()).toBe('master')
  })

  test('27 erratum 8298: an owner hears another owner, and the greater address stays', () => {
    expect(
      owner()
        .hear({ priority: 255, source: '10.0.0.9', addresses: ['10.0.0.2'] })
        .state(),
    ).toBe('backup')
    expect(
      owner()
        .hear({ priority: 255, source: '10.0.0.1', addresses: ['10.0.0.2'] })
        .state(),
    ).toBe('master')
  })

  test('28 erratum 8301: no interval of 0', () => {
    expect(isDiscarded({ interval: 0, priority: 254 })).toBe(true)
    expect(takesOverAfter(backup().pass(1000).hear({ interval: 0 }))).toBeLessThan(DOWN)
  })

  test('29 §5.2.5, erratum 8299: no count of 0', () => {
    expect(isDiscarded({ count: 0, addresses: [], priority: 254 })).toBe(true)
  })

  test('31: another interval is accepted', () => {
    expect(isDiscarded({ interval: 300 })).toBe(false)
  })

  test('32: another list of addresses is accepted', () => {
    expect(isDiscarded({ addresses: ['10.0.0.100', '10.0.0.101'] })).toBe(false)
    expect(isDiscarded({ addresses: ['10.0.0.77'] })).toBe(false)
  })

  test('36 unicast: only of a configured peer, nothing by multicast, and the reverse', () => {
    const unicast = instance(`${V3}\nunicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}`)
    const direct = { destination: '10.0.0.1', priority: 254 }
    expect(isDiscarded(direct, unicast)).toBe(false)
    expect(isDiscarded({ ...direct, source: '10.0.0.3' }, unicast)).toBe(true)
    expect(isDiscarded({ priority: 254 }, unicast)).toBe(true)
    expect(isDiscarded(direct)).toBe(true)
  })
})

describe('Initialize (§6.4.1)', () => {
  test('37: the owner advertises, announces and is active at once', () => {
    const bench = owner()
    expect(bench.state()).toBe('master')
    expect(bench.done.filter((each) => each !== 'introduce')).toEqual(['master', 'advertise 255', 'add', 'announce'])
    expect(bench.sent[0]).toMatchObject({ at: 0, priority: 255 })
  })

  test('38: anybody else is a backup for Active_Down_Interval by its own interval', () => {
    const bench = new Bench(instance())
    expect(bench.state()).toBe('backup')
    expect(takesOverAfter(bench)).toBeCloseTo(DOWN, -1)
    expect(bench.sent[0]?.at).toBeCloseTo(DOWN, -1)
  })
})

describe('timers (§6.1)', () => {
  test.each([
    [1, 0.1],
    [1, 1],
    [100, 1],
    [100, 0.5],
    [100, 40.95],
    [254, 0.01],
    [254, 1],
  ])('39, 40: priority %i, interval %d s: 3 intervals and (256 - priority) / 256 of one', (priority, interval) => {
    const bench = new Bench(instance(`version 3\npriority ${priority}\nadvert_int ${interval}`))
    const down = interval * 1000 * (3 + (256 - priority) / 256)
    bench.until(down - 2)
    expect(bench.state()).toBe('backup')
    bench.until(down + 3)
    expect(bench.state()).toBe('master')
  })
})

describe('Backup (§6.4.2)', () => {
  test('41, 45: it has no virtual address, so its host answers no ARP for it and takes no packet to it', () => {
    const bench = master()
    expect(bench.holds()).toBe(true)
    expect(bench.hear().holds()).toBe(false)
    expect(backup().pass(2000).holds()).toBe(false)
    expect(bench.done).not.toContain('announce')
  })

  test('43: it sends nothing at all', () => {
    expect(backup().hearUntil(60_000, {}).sent).toEqual([])
  })

  test('46: it leaves without a goodbye', () => {
    const bench = backup().stop().pass(10_000)
    expect(bench.sent).toEqual([])
    expect(bench.state()).toBe('init')
  })

  test('47: when Active_Down_Timer fires it advertises, then announces its addresses; its own interval counts', () => {
    const bench = new Bench(instance()).until(DOWN + 2)
    expect(bench.done.slice(1).filter((each) => each !== 'introduce')).toEqual([
      'master',
      'advertise 100',
      'add',
      'announce',
    ])
    const times = bench.pass(3000).sent.map(({ at }) => at)
    expect(times).toHaveLength(4)
    for (const [i, at] of times.entries()) expect(at - (times[0] ?? 0)).toBeCloseTo(1000 * i, -1)
  })

  test.each([
    [254, (2 * 1000) / 256],
    [100, (156 * 1000) / 256],
  ])('48: after priority 0 one of priority %i waits for Skew_Time: %d ms', (priority, skew) => {
    const bench = backup(instance(`version 3\npriority ${priority}`), { priority: 255 })
    const waited = takesOverAfter(bench.pass(500).hear({ priority: 0 }))
    expect(waited).toBeGreaterThanOrEqual(skew - 1)
    expect(waited).toBeLessThanOrEqual(skew + 4)
  })

  test.each([
    ['a higher one', 200, V3],
    ['an equal one', 100, V3],
    ['a lower one without preemption', 50, `${V3}\nnopreempt`],
  ])('49: %s sets interval, skew and timer anew', (_name, priority, lines) => {
    const bench = backup(instance(lines)).pass(2000).hear({ priority, interval: 200 })
    expect(takesOverAfter(bench)).toBeCloseTo(2000 * (3 + 156 / 256), -1)
  })

  test('50: a lower one, with preemption, is discarded: the timer goes on', () => {
    const bench = backup().pass(2000).hear({ priority: 99, interval: 4000 })
    expect(takesOverAfter(bench)).toBeCloseTo(DOWN - 2000, -1)
  })

  test('64: once active, it uses its own interval, not the one it has learned', () => {
    const bench = backup().hear({ interval: 300 })
    bench.until((takesOverAfter(bench) ?? 0) + 5000)
    const [first, next] = bench.sent
    expect([first?.interval, next?.interval]).toEqual([100, 100])
    expect((next?.at ?? 0) - (first?.at ?? 0)).toBeCloseTo(1000, -1)
  })

  test('65 §6.1: without preemption a live active of lower priority is never displaced; an owner always preempts', () => {
    expect(
      backup(instance(`${V3}\nnopreempt`), { priority: 50 })
        .hearUntil(120_000, { priority: 50 })
        .state(),
    ).toBe('backup')
    expect(
      owner('nopreempt')
        .hear({ priority: 254, addresses: ['10.0.0.2'], source: '10.0.0.9' })
        .state(),
    ).toBe('master')
  })
})

describe('Active (§6.4.3)', () => {
  test('56: it says goodbye with priority 0 when it stops, and when a reload takes it away', () => {
    const bench = master().stop()
    expect(bench.sent.map(({ priority }) => priority)).toEqual([0])
    expect(bench.state()).toBe('init')
    const reloaded = master().reload(instance(V3, '10.0.0.101/24', 'mail', 52))
    expect(reloaded.sent.map(({ vrid, priority }) => [vrid, priority])).toEqual([[51, 0]])
  })

  test('57: it advertises every interval, whatever else there is to do', () => {
    const bench = master().hearUntil(50_000, { priority: 0, vrid: 99 }, 70)
    const gaps = bench.sent.map(({ at }, i) => at - (bench.sent[i - 1]?.at ?? at - 1000))
    expect(bench.sent.length).toBeGreaterThanOrEqual(29)
    for (const gap of gaps.slice(1)) expect(gap).toBeCloseTo(1000, -1)
  })

  test('58: it answers priority 0 with an advert at once, and its timer begins anew', () => {
    const bench = master().pass(300)
    bench.clear().hear({ priority: 0 })
    expect(bench.sent.map(({ at, priority }) => [at, priority])).toEqual([[bench.now, 100]])
    expect(bench.pass(990).sent).toHaveLength(1)
    expect(bench.pass(20).sent).toHaveLength(2)
  })

  test.each([
    ['a higher priority', { priority: 101, source: '10.0.0.0' }],
    ['the same from a greater address', { priority: 100, source: '10.0.0.2' }],
    ['the same from an address that is greater as an unsigned number only', { priority: 100, source: '200.0.0.1' }],
  ])('59: it yields to %s, and waits by the interval of that one', (_name, said) => {
    const bench = master().hear({ ...said, interval: 50 })
    expect(bench.state()).toBe('backup')
    expect(takesOverAfter(bench)).toBeCloseTo(500 * (3 + 156 / 256), -1)
  })

  test('59: it stays beside the same priority from a smaller address', () => {
    const bench = new Bench(instance(), {
      own: [{ address: '10.0.0.10' as never, prefix: 24, primary: true, tentative: false }],
    }).until(20_000)
    expect(bench.hear({ priority: 100, source: '10.0.0.9' }).state()).toBe('master')
  })

  test('60: a lower one is discarded, and answered with an advert at once', () => {
    const bench = master().pass(300)
    bench.clear().hear({ priority: 99 })
    expect(bench.state()).toBe('master')
    expect(bench.sent.map(({ at }) => at)).toEqual([bench.now])
  })

  test('61: its own address with the same priority moves nobody', () => {
    expect(master().hear({ priority: 100, source: '10.0.0.1' }).state()).toBe('master')
  })

  test('72 §8.1.2: no announcement before the address is there', () => {
    const { done } = new Bench(instance()).until(5000)
    expect(done.indexOf('add')).toBeGreaterThan(-1)
    expect(done.indexOf('announce')).toBeGreaterThan(done.indexOf('add'))
  })
})

test('two instances of one link are routers of their own', () => {
  const bench = new Bench(`${instance()}${second()}`)
    .until(20_000)
    .hear({ priority: 254, vrid: 52, addresses: ['10.0.0.101'] })
  expect([bench.state(), bench.state('mail')]).toEqual(['master', 'backup'])
})
