import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnnouncementPacing, VirtualAddress } from '../../src/model/vrrp.ts'
import type { Address } from '../../src/net/address.ts'
import { millis } from '../../src/time.ts'
import { Announcements } from '../../src/vrrp/announcements.ts'

const vip = (address: string, device = 'eth0'): VirtualAddress => ({ address: address as Address, prefix: 24, device })
const [a, b, c] = [vip('10.0.0.1'), vip('10.0.0.2'), vip('10.0.0.3', 'eth1')]
const pace = (arp: number, advertisement: number, groups: AnnouncementPacing['groups'] = []): AnnouncementPacing => ({
  arp: millis(arp),
  advertisement: millis(advertisement),
  groups,
})

/** What is said until then, as `TIME ADDRESS`; a turn without a pause is followed by one a millisecond later. */
function said(queue: Announcements, until: number, from = 0): readonly string[] {
  const lines: string[] = []
  for (let now = from; now <= until;) {
    for (const { address } of queue.take(millis(now))) lines.push(`${now} ${address}`)
    const next = queue.nextAt
    if (next === undefined) break
    now = Math.max(now + 1, next)
  }
  return lines
}
const start = (pacing: AnnouncementPacing) => {
  const queue = new Announcements()
  queue.follow(pacing)
  return queue
}

test('each address is said once before one is said again', () => {
  const queue = start(pace(0, 0))
  queue.push('x', [a, b], 2, millis(0))
  expect(said(queue, 10)).toEqual(['0 10.0.0.1', '0 10.0.0.2', '1 10.0.0.1', '1 10.0.0.2'])
  expect(queue.nextAt).toBeUndefined()
})

describe('pauses', () => {
  test('hold for an interface, and in a family', () => {
    const queue = start(pace(100, 20))
    queue.push('x', [a, b, c, vip('2001:db8::1'), vip('2001:db8::2')], 1, millis(0))
    expect(said(queue, 1000)).toEqual(['0 10.0.0.1', '0 10.0.0.3', '0 2001:db8::1', '20 2001:db8::2', '100 10.0.0.2'])
  })

  test('of a group are shared by its interfaces, and by instances', () => {
    const queue = start(pace(0, 0, [{ arp: millis(50), advertisement: millis(0), interfaces: ['eth0', 'eth1'] }]))
    queue.push('x', [a], 1, millis(0))
    queue.push('y', [b, c], 1, millis(0))
    expect(said(queue, 1000)).toEqual(['0 10.0.0.1', '50 10.0.0.2', '100 10.0.0.3'])
    queue.push('x', [a], 1, millis(120))
    expect(said(queue, 1000, 120)).toEqual(['150 10.0.0.1'])
  })

  test('are others after a reload, for what waits, too', () => {
    const queue = start(pace(1000, 0))
    queue.push('x', [a, b], 1, millis(0))
    expect(said(queue, 500)).toEqual(['0 10.0.0.1'])
    queue.follow(pace(0, 0))
    expect(said(queue, 600, 500)).toEqual(['500 10.0.0.2'])
  })
})

test('who yields says nothing more, others go on', () => {
  const queue = start(pace(100, 0))
  queue.push('loser', [a], 5, millis(0))
  queue.push('other', [b], 1, millis(0))
  expect(said(queue, 50)).toEqual(['0 10.0.0.1'])
  queue.silence('loser')
  expect(said(queue, 1000, 50)).toEqual(['100 10.0.0.2'])
})

test('a turn says no more than 32, so that adverts go in between', () => {
  const queue = start(pace(0, 0))
  const many = Array.from({ length: 255 }, (_, i) => vip(`10.0.1.${i}`))
  queue.push('x', many, 5, millis(0))
  expect(queue.take(millis(0))).toHaveLength(32)
  expect(said(queue, 100, 1)).toHaveLength(255 * 5 - 32)
})

test('however often it is announced, an address waits once, and the longer row counts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), (times) => {
      const queue = start(pace(10, 10))
      for (const count of times) queue.push('x', [a], count, millis(0))
      expect(said(queue, 1000)).toHaveLength(Math.max(...times))
    }),
  )
})
