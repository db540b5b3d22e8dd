import { expect, test } from 'vitest'
import { Silence } from '../../src/daemon/pulse.ts'

const turns = (silence: Silence, count: number) => Array.from({ length: count }, () => silence.turn())

test('a child that has spoken is given up after so many turns of silence', () => {
  const silence = new Silence({ everyMs: 250, missed: 4 })
  silence.begin()
  silence.heard()
  expect(turns(silence, 3)).toEqual([false, false, false])
  silence.heard()
  expect(turns(silence, 4)).toEqual([false, false, false, true])
  expect(silence.ms).toBe(1000)
})

test('a child that is being started may take half a minute for its first word, also in place of another', () => {
  const silence = new Silence({ everyMs: 1000, missed: 10 })
  silence.begin()
  expect(turns(silence, 29)).not.toContain(true)
  expect(silence.turn()).toBe(true)
  silence.heard()
  silence.begin()
  expect(turns(silence, 29)).not.toContain(true)
})
