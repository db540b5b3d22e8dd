import { once } from 'node:events'
import { describe, expect, test, type TestContext } from 'vitest'
import type { BfdSnapshot } from '../../src/control/snapshot.ts'
import { encodeBfd } from '../../src/bfd/packet.ts'
import { millis, seconds } from '../../src/time.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const session = (own: number, inside = '', name = 'peer') => `bfd_instance ${name} {
  neighbor_ip 10.0.0.${3 - own}
  source_ip 10.0.0.${own}
  min_rx 50
  min_tx 50
  multiplier 3
  ${inside}
}
`
/** Where a session may not go down: the machine holds everybody up now and then. */
const PATIENT = 'multiplier 6'

const instance = (priority: number, inside = '') => `vrrp_instance v {
  state BACKUP
  interface eth1
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 0.3
  ${inside}
  virtual_ipaddress {
    10.1.0.9/24
  }
}
`

/** Two directors: BFD is on eth0, the election on eth1. */
function buildLan({ onTestFinished }: TestContext): Lab {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  for (const name of ['bfd', 'clients']) lab.addSwitch(name)
  for (const i of [1, 2]) {
    lab.addHost(`director${i}`, [
      { switch: 'bfd', address: `10.0.0.${i}/24` },
      { switch: 'clients', address: `10.1.0.${i}/24` },
    ])
    lab.ip(`director${i}`, [`addr add fd00::${i}/64 dev eth0 nodad`])
  }
  return lab
}

async function startPair(lab: Lab, configs: readonly [string, string], args: readonly string[] = []) {
  const [one, two] = [
    new DirectorHost(lab, 'director1', configs[0], args),
    new DirectorHost(lab, 'director2', configs[1]),
  ] as const
  await Promise.all([one.start(), two.start()])
  return [one, two] as const
}

const first = async (director: DirectorHost): Promise<BfdSnapshot | undefined> =>
  (await director.status()).bfdSessions[0]

/** Waits until the session is so: most of it is told once a second. */
const untilLike = async (director: DirectorHost, expected: object) =>
  await expect.poll(() => first(director), { timeout: 30_000, message: director.host }).toMatchObject(expected)

const stateOf = async (director: DirectorHost) => (await director.status()).instances[0]?.state

describe('a session of two directors', () => {
  test('is up, agrees on intervals, finds a cut link within the detection time, and comes up again', async (context) => {
    const lab = buildLan(context)
    const [one, two] = await startPair(lab, [session(1), session(2, 'min_tx 30\n min_rx 100\n multiplier 4')])
    await untilLike(one, { state: 'up', transmitMs: 100, detectMs: 4 * 50, diagnostic: 0, remote: { state: 'up' } })
    await untilLike(two, { state: 'up', transmitMs: 50, detectMs: 3 * 100, dropped: {} })
    expect((await first(one))?.port).toBeGreaterThanOrEqual(49_152)
    lab.cable('director2', 0, 'down')
    for (const director of [one, two]) {
      await untilLike(director, { state: 'down', diagnostic: 1, transmitMs: 1000 })
      expect(director.logText()).toMatch(
        /\(peer\) Entering Down state \(Local diagnostic - Control Detection Time Expired/,
      )
    }
    const silences = [one, two].map((each) => Number(/Expired after (\d+) ms/.exec(each.logText())?.[1]))
    expect(silences[0]).toBeGreaterThanOrEqual(200)
    expect(silences[1]).toBeGreaterThanOrEqual(300)
    lab.cable('director2', 0, 'up')
    for (const director of [one, two]) await untilLike(director, { state: 'up', remote: { state: 'up' } })
  })

  test('is shown to people with all that it has', async (context) => {
    const [one] = await startPair(buildLan(context), [session(1), session(2)])
    await untilLike(one, { state: 'up', detectMs: 150 })
    expect(one.tanist('status').stdout).toMatch(
      /BFD SESSION +STATE .*\npeer +UP +\d+ s +10\.0\.0\.2 from 10\.0\.0\.1 +50 ms +50 ms × 3 → 150 ms +UP\n/,
    )
    expect(JSON.parse(one.tanist('status', '--json').stdout)).toMatchObject({
      bfdSessions: [{ name: 'peer', neighbour: '10.0.0.2', state: 'up', minTxMs: 50, remote: { multiplier: 3 } }],
    })
  })

  const ways: Record<string, readonly [(own: number) => string, number]> = {
    'over IPv6, with what keepalived takes for granted': [
      (own) => `bfd_instance peer {\n neighbor_ip fd00::${3 - own}\n}\n`,
      50,
    ],
    'over routers': [(own) => session(own, 'multihop\n max_hops 1'), 150],
    'of which one waits to be spoken to': [(own) => session(own, own === 1 ? 'passive' : ''), 150],
  }
  for (const [way, [text, detectMs]] of Object.entries(ways)) {
    test(way, async (context) => {
      const pair = await startPair(buildLan(context), [text(1), text(2)])
      for (const director of pair) await untilLike(director, { state: 'up', detectMs, dropped: {} })
    })
  }

  test('is down when the neighbour stops in order: it says so', async (context) => {
    const [one, two] = await startPair(buildLan(context), [session(1), session(2)])
    await untilLike(one, { state: 'up' })
    await two.stop()
    await untilLike(one, { state: 'down', diagnostic: 3, remote: { state: 'admin-down', diagnostic: 7 } })
    expect(one.logText()).toContain(
      '(peer) Entering Down state (Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - Administratively Down)',
    )
  })
})

describe('a forged packet', () => {
  test('with TTL 254 does nothing but count, and so does one without the discriminator; with TTL 255 it would be believed', async (context) => {
    const lab = buildLan(context)
    const [one] = await startPair(lab, [session(1, PATIENT), session(2, PATIENT)])
    await untilLike(one, { state: 'up', remote: { state: 'up' } })
    const { discriminator = 0, remote } = (await first(one)) ?? {}
    const goodbye = (yourDiscriminator: number) =>
      Buffer.from(
        encodeBfd({
          diagnostic: 7,
          state: 'admin-down',
          poll: false,
          final: false,
          demand: false,
          detectMultiplier: 3,
          myDiscriminator: remote?.discriminator ?? 0,
          yourDiscriminator,
          desiredMinTx: seconds(1),
          requiredMinRx: millis(50),
        }),
      ).toString('hex')
    const send = async (host: string, source: string, ttl: number, hex: string, count = 3) => {
      const args = [source, '10.0.0.1', '3784', `${ttl}`, hex, `${count}`]
      await once(lab.fork(host, 'datagram-process.ts', args), 'message')
    }
    lab.addHost('stranger', [{ switch: 'bfd', address: '10.0.0.3/24' }])
    await send('director2', '10.0.0.2', 254, goodbye(discriminator))
    await send('director2', '10.0.0.2', 254, goodbye(0))
    await send('director2', '10.0.0.2', 255, goodbye(discriminator + 1))
    await send('director2', '10.0.0.2', 255, 'ff')
    await send('stranger', '10.0.0.3', 255, goodbye(discriminator))
    const dropped = { ttl: 6, 'unknown-session': 3, truncated: 3 }
    await untilLike(one, { state: 'up', wentDown: 0, dropped })
    expect(one.logText()).toContain(
      '(peer) BFD packet from 10.0.0.2 is refused: ttl: its TTL is 254, and 255 is the least',
    )
    await send('director2', '10.0.0.2', 255, goodbye(discriminator), 1)
    await untilLike(one, { wentDown: 1, dropped })
  })
})

test('a port that another program has is told once, and taken when it is free', async (context) => {
  const lab = buildLan(context)
  const holds = "require('dgram').createSocket('udp4').bind(3784, () => console.log('bound'))"
  const other = lab.start('director1', [process.execPath, '-e', holds], { stdio: ['ignore', 'pipe', 'ignore'] })
  if (other.stdout !== null) await once(other.stdout, 'data')
  const [one, two] = await startPair(lab, [session(1), session(2)])
  const line = 'BFD: bind UDP port 3784 of IPv4: EADDRINUSE'
  await until('it to be told', () => one.logText().includes(line))
  // It is heard, and hears nobody (RFC 5880 §6.8.6).
  await untilLike(two, { state: 'init', remote: { state: 'down' } })
  other.kill()
  await untilLike(one, { state: 'up' })
  expect(one.logText().split(line)).toHaveLength(2)
})

describe('a reload', () => {
  test('without a change, or with another name, is not noticed; other timers are agreed on anew', async (context) => {
    const [one, two] = await startPair(buildLan(context), [session(1, PATIENT), session(2, PATIENT)])
    await untilLike(one, { state: 'up', detectMs: 300 })
    const before = await first(one)
    one.configure(session(1, PATIENT, 'renamed'))
    expect(await one.reload()).toEqual([])
    await untilLike(one, { name: 'renamed', discriminator: before?.discriminator, port: before?.port })
    one.configure(session(1, `${PATIENT}\n min_tx 200\n min_rx 80`, 'renamed'))
    expect(await one.reload()).toEqual([])
    await untilLike(one, { transmitMs: 200, detectMs: 6 * 80 })
    await untilLike(two, { transmitMs: 80, detectMs: 6 * 200 })
    for (const director of [one, two]) expect(await first(director)).toMatchObject({ state: 'up', wentDown: 0 })
  })

  test('that removes a session tells the neighbour', async (context) => {
    const [one, two] = await startPair(buildLan(context), [session(1), session(2)])
    await untilLike(two, { state: 'up' })
    one.configure(instance(100))
    expect(await one.reload()).toEqual([])
    await untilLike(two, { state: 'down', diagnostic: 3, remote: { state: 'admin-down' } })
    expect((await one.status()).bfdSessions).toEqual([])
  })
})

describe('an instance that tracks a session', () => {
  test('loses a weight with it, and the role: the peer takes over, and gives it back', async (context) => {
    const lab = buildLan(context)
    const tracking = 'track_bfd {\n    peer weight -60\n  }'
    const neighbour = `bfd_instance other {\n neighbor_ip 10.0.0.1\n min_rx 50\n min_tx 50\n multiplier 3\n}\n`
    const [one, two] = await startPair(lab, [session(1) + instance(150, tracking), neighbour + instance(100)])
    await one.untilState('master')
    await two.untilState('backup')
    expect((await one.status()).instances).toMatchObject([
      { effectivePriority: 150, trackers: [{ kind: 'bfd', name: 'peer', state: 'good', weight: -60, detail: 'Up' }] },
    ])
    lab.cable('director1', 0, 'down')
    await two.untilState('master')
    await one.untilState('backup')
    const [found] = (await one.status()).instances
    expect(found).toMatchObject({ effectivePriority: 90, trackers: [{ state: 'bad', contribution: -60 }] })
    expect(found?.trackers[0]?.detail).toBe('Down: Control Detection Time Expired')
    for (const line of [
      'VRRP_Instance(v) Tracked BFD instance peer is DOWN',
      '(v) Changing effective priority from 150 to 90',
    ])
      expect(one.logText()).toContain(line)
    lab.cable('director1', 0, 'up')
    await one.untilState('master')
  })

  test('without a weight is in fault until it is up, also by its group; reversed the other way round', async (context) => {
    const lab = buildLan(context)
    const group = 'vrrp_sync_group g {\n group {\n v\n }\n track_bfd {\n peer\n }\n}\n'
    const [one, two] = await startPair(lab, [
      session(1) + instance(150) + group,
      session(2, 'weight 0 reverse') + instance(100, 'track_bfd {\n peer\n }'),
    ])
    await one.untilState('master')
    await two.untilState('fault')
    lab.cable('director1', 0, 'down')
    await one.untilState('fault')
    await two.untilState('master')
  })

  test('takes it for down when the daemon runs without BFD', async (context) => {
    const lab = buildLan(context)
    const tracking = 'track_bfd {\n    peer weight 20\n  }'
    const [one, two] = await startPair(lab, [session(1) + instance(150, tracking), session(2)], ['-B'])
    await one.untilState('master')
    const { instances, bfdSessions } = await one.status()
    expect(instances).toMatchObject([
      { effectivePriority: 150, trackers: [{ state: 'bad', detail: 'not run: --no_bfd' }] },
    ])
    expect(bfdSessions).toEqual([])
    await untilLike(two, { state: 'down', packetsReceived: 0 })
    expect(await stateOf(one)).toBe('master')
  })
})

describe('the process that has the sessions', () => {
  test('is replaced without the neighbour noticing when the daemon is upgraded', async (context) => {
    const [one, two] = await startPair(buildLan(context), [session(1, PATIENT), session(2, PATIENT)])
    await untilLike(one, { state: 'up', detectMs: 300 })
    const [before, vrrp] = [await first(one), await one.pidOf('vrrp')]
    expect(one.tanist('upgrade')).toMatchObject({ status: 0 })
    await until('the next vrrp process', async () => (await one.pidOf('vrrp').catch(() => vrrp)) !== vrrp)
    await until('its predecessor to end', () => {
      try {
        return process.kill(vrrp, 0) ? false : undefined
      } catch {
        return true
      }
    })
    await untilLike(one, { state: 'up', discriminator: before?.discriminator, port: before?.port, wentDown: 0 })
    expect(await first(two)).toMatchObject({ state: 'up', wentDown: 0, dropped: {} })
  })

  test('is killed: the next one has the session up again', async (context) => {
    const [one, two] = await startPair(buildLan(context), [session(1), session(2)])
    await untilLike(one, { state: 'up' })
    process.kill(await one.pidOf('vrrp'), 'SIGKILL')
    await untilLike(two, { state: 'down' })
    for (const director of [one, two]) await untilLike(director, { state: 'up', remote: { state: 'up' } })
  })
})
