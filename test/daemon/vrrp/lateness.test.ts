import { expect, test } from 'vitest'
import { Lateness } from '../../../src/daemon/vrrp/lateness.ts'
import { millis } from '../../../src/time.ts'

test('the last, the greatest and that of 99 in 100 are known', () => {
  const lateness = new Lateness()
  for (let i = 0; i < 99; i++) lateness.count(millis(i), millis(i + 0.4))
  lateness.count(millis(1000), millis(7000))
  lateness.count(millis(9000), millis(8999))
  expect(lateness.snapshot).toEqual({ timers: 101, lastMs: 0, maxMs: 6000, p99Ms: 1 })
  for (let i = 0; i < 5; i++) lateness.count(millis(0), millis(40))
  expect(lateness.snapshot.p99Ms).toBe(50)
})

test('a quarter of a second is told, once in ten seconds', () => {
  const lateness = new Lateness()
  expect(lateness.count(millis(0), millis(249))).toBeUndefined()
  expect(lateness.count(millis(500), millis(1000))).toBe(
    'a timer came 0.50 s late: this process was stopped, or had no processor',
  )
  expect(lateness.count(millis(1500), millis(9000))).toBeUndefined()
  expect(lateness.count(millis(9000), millis(11_001))).toContain('2.00 s late')
})
