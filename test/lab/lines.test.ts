import { expect, test } from 'vitest'
import { Lines } from '../../src/lab/lines.ts'

test('lines are the same however they are cut into pieces', () => {
  const text = Buffer.from('one\n\nträge\nlast')
  for (let size = 1; size <= text.length; size++) {
    const found: string[] = []
    const lines = new Lines(100, (line) => found.push(line))
    for (let i = 0; i < text.length; i += size) lines.take(text.subarray(i, i + size))
    lines.end()
    expect(found).toEqual(['one', '', 'träge', 'last'])
  }
})

test('a line that does not end is cut', () => {
  const found: string[] = []
  const lines = new Lines(4, (line) => found.push(line))
  lines.take(Buffer.from('123456789\n'))
  expect(found).toEqual(['1234', '5678', '9'])
})
