import { expect, test } from 'vitest'
import { Undelivered } from '../../../src/daemon/director/undelivered.ts'
import type { Told } from '../../../src/model/telling.ts'

const news = (name: string): Told => ({ type: 'lower-priority', name, priority: 1, at: 0 })
const names = (all: Undelivered['all']) => all.map(({ told }) => ('name' in told ? told.name : ''))

test('news are there until they are told, with ids of their own', () => {
  const undelivered = new Undelivered('x')
  const added = undelivered.add([news('a'), news('b'), news('c')])
  expect(added.map(({ id }) => id)).toEqual(['x-1', 'x-2', 'x-3'])
  undelivered.told([added[1]?.number ?? 0, 99])
  expect(names(undelivered.all)).toEqual(['a', 'c'])
})

test('of more than a thousand the oldest give way', () => {
  const undelivered = new Undelivered('x')
  for (let i = 0; i < 1100; i++) undelivered.add([news(`${i}`)])
  expect(names(undelivered.all).slice(0, 2)).toEqual(['100', '101'])
  expect(undelivered.all).toHaveLength(1000)
})
