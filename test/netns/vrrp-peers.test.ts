import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

/** Two directors, and what another program on the link sends. */
const lab = new Lab()
const KEY = 'key 1 0123456789abcdef0123456789abcdef'

interface Own {
  readonly priority: number
  readonly more?: string
  readonly global?: string
}

const config = ({ priority, more = '', global = '' }: Own) => `global_defs {
  ${global}
}
vrrp_instance a {
  interface eth0
  virtual_router_id 51
  version 3
  advert_int 0.2
  priority ${priority}
  ${more}
  virtual_ipaddress { 10.0.0.100/24 }
}
`
const one = new DirectorHost(lab, 'one', config({ priority: 150 }))
const two = new DirectorHost(lab, 'two', config({ priority: 100 }))

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('one', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('two', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.addHost('other', [{ switch: 'lan', address: '10.0.0.3/24' }])
  await one.start()
  await one.untilState('master')
  await two.start()
  await two.untilState('backup')
})
afterAll(() => lab.destroy())

const instance = async (director: DirectorHost): Promise<InstanceSnapshot> =>
  (await director.status()).instances[0] ?? expect.fail('no instance')
const peer = async (director: DirectorHost, address: string) =>
  (await instance(director)).peers.find((each) => each.address === address)

async function reload(director: DirectorHost, own: Own): Promise<void> {
  director.configure(config(own))
  expect(await director.reload()).toEqual([])
}

describe('signed adverts', () => {
  const hmac = (more: string) => `auth_hmac {\n${more}\n}`
  const steps: readonly [one: string, two: string][] = [
    [hmac(`${KEY}\nmode receive-only`), ''],
    [hmac(`${KEY}\nmode receive-only`), hmac(`${KEY}\nmode receive-only`)],
    [hmac(`${KEY}\nmode permissive`), hmac(`${KEY}\nmode receive-only`)],
    [hmac(`${KEY}\nmode permissive`), hmac(`${KEY}\nmode permissive`)],
    [hmac(KEY), hmac(`${KEY}\nmode permissive`)],
    [hmac(KEY), hmac(KEY)],
  ]

  test('come in steps, by reloads of two directors, without a lost advert', async () => {
    const capture = await Capture.start(lab, 'lan')
    for (const [here, there] of steps) {
      await reload(one, { priority: 150, more: here })
      await reload(two, { priority: 100, more: there })
      const before = (await instance(two)).advertsReceived
      await until('three more adverts to count', async () => (await instance(two)).advertsReceived >= before + 3)
      expect((await peer(two, '10.0.0.1'))?.rejected).toBeUndefined()
    }
    expect((await instance(two)).dropped).toEqual({})
    expect((await instance(one)).dropped).toEqual({})
    expect(capture.adverts().filter(({ source }) => source === '10.0.0.2')).toEqual([])
    expect(two.logText()).not.toContain('Entering MASTER')
    capture.stop()
  })

  test('are the only ones that count then: a forger with the highest priority moves nobody, and is shown with the reason', async () => {
    const forger = lab.fork('other', 'vrrp-sender-process.ts', ['10.0.0.3', '51', '254', '1000'])
    await once(forger, 'message')
    await until('the packets to be counted', async () => (await instance(one)).dropped['unsigned'] === 1000)
    expect((await instance(one)).state).toBe('master')
    expect(await peer(one, '10.0.0.3')).toMatchObject({
      rejected: 'unsigned',
      refused: 1000,
      notes: ['it has no signature; 1000 refused'],
    })
    expect(one.logText().split('advert from 10.0.0.3 is refused: unsigned').length - 1).toBe(1)
  })

  test('of another key are refused on both sides, which both say which one it is', async () => {
    await reload(two, { priority: 100, more: hmac(KEY.replace('key 1', 'key 2')) })
    const said = await until('the director to say why', async () => {
      const found = await peer(two, '10.0.0.1')
      return found?.rejected === 'signature-key' && found
    })
    expect(said.notes?.[0]).toMatch(/^it is signed with a key that is not here \(key 1\); \d+ refused$/)
    await reload(two, { priority: 100, more: hmac(KEY) })
    await two.untilState('backup')
    await until('the other one to be quiet', async () => (await peer(two, '10.0.0.1'))?.rejected === undefined)
  })

  test('no secret is in a log or a status', async () => {
    for (const director of [one, two]) {
      expect(director.logText() + JSON.stringify(await director.status())).not.toContain('0123456789abcdef')
      expect(director.logText()).not.toContain(Buffer.from('0123456789abcdef').toString('hex'))
    }
  })
})

test('the checksum that is configured is sent, and the other director says which one it is', async () => {
  for (const director of [one, two]) await reload(director, { priority: director === one ? 150 : 100 })
  await until('the usual one', async () => (await peer(two, '10.0.0.1'))?.checksum === 'pseudo-header')
  await reload(one, { priority: 150, more: 'v3_checksum_as_v2' })
  await until('the other one', async () => (await peer(two, '10.0.0.1'))?.checksum === 'plain')
  expect((await peer(two, '10.0.0.1'))?.notes).toEqual(['checksums without a pseudo-header (RFC 9568)'])
  expect((await instance(two)).state).toBe('backup')
  expect(two.logText()).toContain('10.0.0.1 sends checksums without a pseudo-header (RFC 9568)')
  await reload(one, { priority: 150 })
})

test('VRIDs without an instance are counted, shown and, where that is wanted, logged', async () => {
  await reload(two, { priority: 100, global: 'log_unknown_vrids' })
  const sender = lab.fork('other', 'vrrp-sender-process.ts', ['10.0.0.3', '52', '100', '100'])
  await once(sender, 'message')
  const found = await until('them to be counted', async () => {
    const [unknown] = (await two.status()).unknownVrids
    return unknown?.count === 100 && unknown
  })
  expect(found).toEqual({ interface: 'eth0', vrid: 52, count: 100, source: '10.0.0.3' })
  expect(two.logText().split('virtual_router_id 52, which no instance here has').length - 1).toBe(1)
  expect(one.logText()).not.toContain('virtual_router_id 52')
})

test('a foreign cluster is named, with its MAC and a number that is free', async () => {
  const foreign = `vrrp_instance f {
  interface eth0
  virtual_router_id 51
  version 3
  advert_int 0.2
  priority 50
  virtual_ipaddress { 10.77.0.1/24 }
}
`
  const keepalived = new KeepalivedHost(lab, 'other', foreign)
  keepalived.start()
  // It takes no advert with other addresses than its own.
  const note = 'another cluster with virtual_router_id 51? 1 is free on this link'
  await until('it to be named', async () => (await peer(two, '10.0.0.3'))?.notes?.includes(note) === true, 10_000)
  expect(two.logText()).toContain(
    '10.0.0.3 lists other addresses: only here 10.0.0.100; only there 10.77.0.1: another cluster with virtual_router_id 51? 1 is free on this link',
  )
  const mac = /link\/ether (\S+)/.exec(lab.run('other', ['ip', 'link', 'show', 'eth0']))?.[1]
  await until('its MAC', async () => (await peer(two, '10.0.0.3'))?.mac === mac)
  expect((await peer(two, '10.0.0.3'))?.notes).toContain(`MAC ${mac}`)
  expect(two.logText()).toContain(`10.0.0.3 (MAC ${mac}) lists other addresses: only here 10.0.0.100`)
  await keepalived.end('SIGTERM')
  await two.untilState('backup')
})

test('a router of the same priority is told once', async () => {
  await reload(two, { priority: 150 })
  const note = 'the same priority: the greater address is master'
  // The backup: it is the one that hears the other.
  await until('it to be shown', async () => (await peer(two, '10.0.0.1'))?.notes?.includes(note) === true)
  const heard = (await peer(two, '10.0.0.1'))?.accepted ?? 0
  await until('ten more adverts', async () => ((await peer(two, '10.0.0.1'))?.accepted ?? 0) > heard + 10)
  expect(two.logText().split('10.0.0.1 has the same priority, 150: who is master').length - 1).toBe(1)
  await reload(two, { priority: 100 })
  await until('it to be over', async () => (await peer(two, '10.0.0.1'))?.notes?.length === 0)
  expect((await instance(two)).state).toBe('backup')
})

test('of 100 000 bad packets a few lines are left', async () => {
  const before = await instance(two)
  const sum = ({ dropped }: InstanceSnapshot) => Object.values(dropped).reduce((all, each) => all + each, 0)
  const lines = () => two.logText().split('"source":"10.0.0.3"').length
  const linesBefore = lines()
  const sender = lab.fork('other', 'vrrp-sender-process.ts', ['10.0.0.3', '51', 'garbage', '100000'])
  await once(sender, 'message')
  await sleep(500)
  const after = await instance(two)
  expect(sum(after) - sum(before)).toBeGreaterThan(1000)
  expect((await peer(two, '10.0.0.3'))?.refused).toBeGreaterThan(1000)
  // Ten about the instance, and as many about VRIDs that the garbage has.
  expect(lines() - linesBefore).toBeLessThanOrEqual(20)
  expect(after.state).toBe('backup')
})
