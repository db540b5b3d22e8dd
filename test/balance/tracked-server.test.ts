import { expect, test } from 'vitest'
import { serverByNumber } from '../../src/balance/tracked-server.ts'

test.each<[string, number, boolean, number, boolean, number | undefined]>([
  ['without a factor 0 is up', 0, false, 0, true, undefined],
  ['and anything else down', 0, false, -3, false, undefined],
  ['reversed 0 is down', 0, true, 0, false, undefined],
  ['and anything else up', 0, true, 7, true, undefined],
  ['a number is added as it is', 1, false, 5, true, 5],
  ['times its factor', -2, false, 5, true, -10],
  ['a factor is reversed', 2, true, 5, true, -10],
  ['the lowest sum is down', 1, false, -(2 ** 31), false, undefined],
  ['as is what is below it', 2 ** 31 - 1, false, -3, false, undefined],
  ['the highest one is where weights end', 2 ** 31 - 1, false, 2 ** 31, true, 2 ** 31 - 1],
])('%s (factor %s, reverse %s, number %s)', (_name, weight, reverse, number, up, added) => {
  const found = serverByNumber({ weight, reverse }, number)
  expect(found.up).toBe(up)
  expect(found.weight).toEqual(added === undefined ? undefined : { type: 'add', value: added })
})
