import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawIpOrder, RawIpReading } from '../support/raw-ip-process.ts'
import { Lab } from '../support/lab.ts'

const ADVERT = [0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 1]
const lab = new Lab()

beforeAll(() => {
  lab.addSwitch('lan')
  for (const [i, host] of ['one', 'two'].entries()) {
    lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
    lab.ip(host, [`addr add fe80::${i + 1}/64 dev eth0 nodad`])
  }
})
afterAll(() => lab.destroy())

const ask = async <T>(child: ChildProcess, order: RawIpOrder): Promise<T> => {
  child.send(order)
  const [answer] = (await once(child, 'message')) as [T]
  return answer
}

describe.each([
  { family: '4', one: '10.0.0.1', two: '10.0.0.2', group: '224.0.0.18', other: '224.0.0.19' },
  { family: '6', one: 'fe80::1', two: 'fe80::2', group: 'ff02::12', other: 'ff02::13' },
])('raw sockets of IPv$family', ({ family, one, two, group, other }) => {
  const children: Record<string, ChildProcess> = {}
  beforeAll(async () => {
    for (const host of ['one', 'two']) {
      const child = lab.fork(host, 'raw-ip-process.ts', [family, '51'])
      await once(child, 'message')
      children[host] = child
    }
  })
  const send = async (change: Partial<Extract<RawIpOrder, { type: 'send' }>>) => {
    const order = {
      type: 'send',
      source: one,
      destination: group,
      ttl: 255,
      payload: ADVERT,
      count: 1,
      ...change,
    } as const
    expect(await ask(children['one'] ?? expect.fail(), order)).toBe('sent')
  }
  const read = () => ask<Record<'adverts' | 'strays', RawIpReading>>(children['two'] ?? expect.fail(), { type: 'read' })

  test('each packet comes in by one of the two, with its header and its time', async () => {
    await send({})
    await send({ destination: two, ttl: 9 })
    await send({ payload: [0x31, 52, ...ADVERT.slice(2)] })
    await send({ payload: [0x51, ...ADVERT.slice(1)] })
    await send({ payload: ADVERT.slice(0, 5) })
    await send({ ttl: 254 })
    await send({ destination: other })
    await sleep(100)
    const { adverts, strays } = await read()
    expect(adverts.packets).toMatchObject([
      { source: one, destination: group, ttl: 255, payload: ADVERT },
      { source: one, destination: two, ttl: 9, payload: ADVERT },
    ])
    expect(strays.packets.map(({ payload, ttl }) => [payload.length, payload[0], payload[1], ttl])).toEqual([
      [12, 0x31, 52, 255],
      [12, 0x51, 51, 255],
      [5, 0x31, 51, 255],
      [12, 0x31, 51, 254],
    ])
    for (const { age } of [...adverts.packets, ...strays.packets]) {
      expect(age).toBeGreaterThan(95)
      expect(age).toBeLessThan(5000)
    }
  })

  test('strays that there is no room for are counted, and leave the room of adverts alone', async () => {
    const before = await read()
    await send({ payload: [0x31, 52, ...ADVERT.slice(2)], count: 5000 })
    await send({ count: 500 })
    const { adverts, strays } = await read()
    expect(strays.packets.length).toBeLessThan(1000)
    // Linux looks at the room before it looks at the filter: adverts that come meanwhile count here, too.
    const counted = strays.packets.length + strays.lost - before.strays.lost
    expect(counted).toBeGreaterThanOrEqual(5000)
    expect(counted).toBeLessThanOrEqual(5500)
    expect([adverts.packets.length, adverts.lost]).toEqual([500, 0])
  })

  test('there is as much room as is asked for', async () => {
    const count = 3000
    const before = await read()
    await send({ count })
    const few = await read()
    expect(few.adverts.packets.length).toBeLessThan(count)
    expect(few.adverts.packets.length + few.adverts.lost - before.adverts.lost).toBe(count)
    expect(await ask(children['two'] ?? expect.fail(), { type: 'room', bytes: 8 << 20 })).toBe('made')
    await send({ count })
    const all = await read()
    expect([all.adverts.packets.length, all.adverts.lost]).toEqual([count, few.adverts.lost])
  })

  test.runIf(family === '6')('an advert that is longer than a packet of the link comes in whole', async () => {
    const long = [...ADVERT.slice(0, 8), ...Array.from({ length: 255 * 16 }, (_, i) => i & 255)]
    await send({ payload: long })
    await sleep(100)
    expect((await read()).adverts.packets.map(({ payload }) => payload)).toEqual([long])
  })
})
