import { expect, test } from 'vitest'
import { FirstLine } from '../../../src/daemon/script/first-line.ts'

function first(...chunks: (string | Uint8Array)[]): string {
  const line = new FirstLine()
  for (const chunk of chunks) line.add(Buffer.from(chunk as string))
  return line.toString()
}

test.each([
  ['nothing', [], ''],
  ['blanks', ['\n \n\t\r\n'], ''],
  ['a line without an end', ['no answer'], 'no answer'],
  ['the first one that is not blank', ['\n\n  one\ntwo\n'], 'one'],
  ['pieces', ['o', 'n', 'e\nt', 'wo'], 'one'],
  ['control characters', ['a\tb\u0007\u001b[31mred\u001b[0m\r\nb'], 'a b red'],
  ['what would turn the text around', ['a\u202eb\n'], 'a b'],
])('%s', (_, chunks, expected) => expect(first(...chunks)).toBe(expected))

test('it is cut at 200 characters, however they are encoded', () => {
  expect(first('x'.repeat(200))).toBe('x'.repeat(200))
  expect(first('x'.repeat(201))).toBe(`${'x'.repeat(199)}…`)
  expect(first('é'.repeat(5000))).toBe(`${'é'.repeat(199)}…`)
  const bytes = Buffer.from('a€b\n')
  expect(first(...[...bytes].map((byte) => Uint8Array.of(byte)))).toBe('a€b')
})

test('what comes behind it is not kept', () => {
  const line = new FirstLine()
  line.add(Buffer.from('\n'.repeat(1_000_000)))
  expect(line.isComplete).toBe(false)
  line.add(Buffer.from('y'.repeat(70_000)))
  expect(line.isComplete).toBe(true)
})
