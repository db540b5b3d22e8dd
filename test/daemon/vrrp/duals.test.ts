import { expect, test } from 'vitest'
import { Duals } from '../../../src/daemon/vrrp/duals.ts'
import { ip, anInstance } from '../../vrrp/instances.ts'
import { Story } from '../../vrrp/story.ts'

test('two masters are told when they begin and end, and are counted', () => {
  const duals = new Duals()
  const lines = (story: Story, touched?: string) => duals.follow(story.state, touched).map(({ line }) => line)
  const story = new Story([anInstance()]).until(5000)
  expect(lines(story, 'a')).toEqual([])
  expect(duals.snapshot('a', 0)).toBeUndefined()
  expect(lines(story.advert(99, '10.0.0.7'), 'a')).toEqual([
    '(a) two masters: 10.0.0.7 with priority 99 is master, too',
  ])
  expect(lines(story.until(7000).advert(99, '10.0.0.7'), 'a')).toEqual([])
  expect(duals.snapshot('a', 1000)).toEqual({
    times: 1,
    seconds: 2,
    yielded: 0,
    now: { address: '10.0.0.7', priority: 99, since: new Date(6000).toISOString() },
  })
  expect(lines(story.until(20_000))).toEqual(['(a) no second master any more: 10.0.0.7 was one for 2.0 s'])
  expect(duals.snapshot('a', 0)).toEqual({ times: 1, seconds: 2, yielded: 0, now: undefined })
})

test('who gives up has been one of two, too', () => {
  const duals = new Duals()
  expect(duals.yielded('a', ip('10.0.0.2'), 200)).toBe(
    '(a) two masters: 10.0.0.2 with priority 200 is master, too; this one gives up',
  )
  expect(duals.snapshot('a', 0)?.yielded).toBe(1)
  duals.clear()
  expect(duals.snapshot('a', 0)?.yielded).toBe(0)
  duals.keep(new Set())
  expect(duals.snapshot('a', 0)).toBeUndefined()
})
