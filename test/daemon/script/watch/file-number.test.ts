import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fileNumber } from '../../../../src/daemon/script/watch/file-number.ts'

const number = (value: number) => ({ type: 'number', value })

/** What keepalived 2.2.7 makes of each, seen in the priority of its instance. */
describe('the number in a tracked file', () => {
  test.each([
    ['12\n', 12],
    ['-5', -5],
    ['+7 and more', 7],
    [' \t\n\v\f\r 3', 3],
    ['0', 0],
    ['-0', 0],
    ['010', 8],
    ['-017', -15],
    ['08', 0],
    ['0x1F', 31],
    ['0Xg', 0],
    ['1.9', 1],
    ['1e3', 1],
    ['5\x006', 5],
    ['2147483648', 2_147_483_648],
    ['-2147483648', -2_147_483_648],
  ])('%j is %d', (text, value) => expect(fileNumber(text)).toStrictEqual(number(value)))

  test.each(['', '\n', 'up', '- 1', '--1', '\u00a01', '\x001'])('%j has none', (text) =>
    expect(fileNumber(text)).toStrictEqual({ type: 'none' }),
  )

  test.each(['2147483649', '-2147483649', '9'.repeat(127), `0x${'f'.repeat(125)}`])('%s is out of range', (text) =>
    expect(fileNumber(text)).toStrictEqual({ type: 'out-of-range', text }),
  )

  test('any number is found in any base, with anything behind it', () => {
    const integer = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    const base = fc.constantFrom(['', 10] as const, ['0', 8] as const, ['0x', 16] as const)
    const behind = fc.constantFrom('', '\n', ' 99', '.5', '\0')
    fc.assert(
      fc.property(integer, base, behind, (value, [prefix, radix], tail) => {
        const digits = `${value < 0 ? '-' : ''}${value === 0 ? '0' : prefix}${Math.abs(value).toString(radix)}`
        expect(fileNumber(`${digits}${tail}`)).toStrictEqual(number(value))
      }),
    )
  })

  test('no text makes it throw or leave its range', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+0x19af. \n\0]*$/), (text) => {
        const found = fileNumber(text)
        if (found.type === 'number') expect(Math.abs(found.value)).toBeLessThanOrEqual(2 ** 31)
      }),
    )
  })
})
