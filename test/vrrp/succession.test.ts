import { expect, test } from 'vitest'
import { millis } from '../../src/time.ts'
import { succession } from '../../src/vrrp/succession.ts'
import { anInstance } from './instances.ts'

const fast = anInstance({ name: 'fast', vrid: 10, advertInt: millis(100) })
const slow = anInstance({ name: 'slow', vrid: 20, advertInt: millis(1000) })
const config = { instances: [fast, slow], groups: [] }
const as = (state: 'master' | 'backup', { name, vrid, interface: device, family }: typeof fast) => ({
  name,
  vrid,
  interface: device,
  family,
  state,
})
const masters = [as('master', fast), as('master', slow)]
const names = ({ adopted, resigned }: ReturnType<typeof succession>) => ({
  adopted: adopted.map(({ name }) => name),
  resigned: resigned.map(({ name }) => name),
})

test.each([
  ['a process that is back within two intervals of all', 200, ['fast', 'slow'], []],
  ['one that is back within two of some', 1000, ['slow'], ['fast']],
  ['one that comes too late', 2001, [], ['fast', 'slow']],
  ['one that may not come at all', Infinity, [], ['fast', 'slow']],
])('masters go on in %s', (_name, absence, adopted, resigned) => {
  expect(names(succession(config, masters, millis(absence)))).toEqual({ adopted, resigned })
})

test('a backup is neither adopted nor given up', () => {
  const before = [as('backup', fast), as('master', slow)]
  expect(names(succession(config, before, millis(1000)))).toEqual({ adopted: ['slow'], resigned: [] })
})

test('a sync group is given up as a whole', () => {
  const groups = [{ name: 'g', instances: ['fast', 'slow'], tracks: [] }]
  const both = names(succession({ ...config, groups }, masters, millis(1000)))
  expect(both).toEqual({ adopted: [], resigned: ['fast', 'slow'] })
})

test('a router that a reload has given another name is still the same', () => {
  const instances = [{ ...slow, name: 'renamed' }]
  const { adopted } = names(succession({ instances, groups: [] }, masters, millis(1000)))
  expect(adopted).toEqual(['renamed'])
  const another = [{ ...slow, vrid: 99 }]
  expect(names(succession({ instances: another, groups: [] }, masters, millis(0)))).toEqual({
    adopted: [],
    resigned: [],
  })
})
