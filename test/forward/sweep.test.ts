import { expect, test } from 'vitest'
import { nextSweep } from '../../src/forward/ebpf/sweep.ts'
import { millis } from '../../src/time.ts'

test.each([
  ['a small table, once a second', 1, 1000, 1000],
  ['a big one, so that it takes a fiftieth of a core', 100, 1000, 5000],
  ['one that is being defended, once a second all the same', 100, 3000, 1000],
])('%s', (_name, took, visited, due) => {
  expect(nextSweep(millis(took), visited, 3000)).toBe(due)
})
