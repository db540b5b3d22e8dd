import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineReader } from '../../../src/daemon/script/line-reader.ts'

test('lines come out whole, however their bytes come in', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\n'))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 10 }), fc.integer({ min: 1, max: 9 }), (lines, step) => {
      const reader = new LineReader(1000)
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''))
      const found: string[] = []
      for (let at = 0; at < bytes.length; at += step) found.push(...reader.add(bytes.subarray(at, at + step)))
      expect(found).toEqual(lines)
    }),
  )
})

test('a line that has no end is an error, not memory', () => {
  const reader = new LineReader(100)
  expect([...reader.add(Buffer.from(`${'x'.repeat(100)}\n`))]).toEqual(['x'.repeat(100)])
  expect([...reader.add(Buffer.from('x'.repeat(100)))]).toEqual([])
  expect(() => [...reader.add(Buffer.from('x'))]).toThrow('a line is longer than 100 bytes')
})
