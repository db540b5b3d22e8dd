import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BtfError, decodeStructs } from '../../src/linux/btf.ts'

/** A record and what is behind it, as 32-bit words. */
type Words = readonly number[]

const NAMES = '\0u32\0pair\0left\0right\0odd\0bits\0ways\0tail'
const name = (of: string) => NAMES.indexOf(`\0${of}`) + 1
const info = (kind: number, count: number, bitFields = false) =>
  ((kind << 24) | count | (bitFields ? 2 ** 31 : 0)) >>> 0

/** u32 is type 1. */
const U32: Words = [name('u32'), info(1, 0), 4, 32]
/** pair { const u32 left; u32 right[3] }: const is 2, the array 3, the struct 4. */
const PAIR: readonly Words[] = [
  [0, info(10, 0), 1],
  [0, info(3, 0), 0, 1, 1, 3],
  [name('pair'), info(4, 2), 16, name('left'), 2, 0, name('right'), 3, 32],
]
/** odd { u32 bits: 5, at bit 3; pair pair[2][2]; u32 (*ways)[7]; union { u32 left }; u32 tail }: types 5 to 9, 10. */
const ODD: readonly Words[] = [
  [0, info(3, 0), 0, 4, 1, 2],
  [0, info(3, 0), 0, 5, 1, 2],
  [0, info(3, 0), 0, 1, 1, 7],
  [0, info(2, 0), 7],
  [0, info(5, 1), 4, name('left'), 1, 0],
  [
    [name('odd'), info(4, 5, true), 84],
    [name('bits'), 1, (5 << 24) | 3],
    [name('pair'), 6, 32],
    [name('ways'), 8, 8 * 68],
    [0, 9, 8 * 76],
    [name('tail'), 1, 8 * 80],
  ].flat(),
]

function btf(types: readonly Words[]): Uint8Array {
  const words = types.flat()
  const names = Buffer.from(`${NAMES}\0`)
  const header = Uint32Array.of(0x0001_eb9f, 24, 0, 4 * words.length, 4 * words.length, names.length)
  return new Uint8Array(
    Buffer.concat([header, Uint32Array.from(words)].map((each) => Buffer.from(each.buffer)).concat(names)),
  )
}

describe('the structs of an object', () => {
  const structs = decodeStructs(btf([U32, ...PAIR, ...ODD]))

  test('have their fields with offsets and sizes, through qualifiers and arrays', () => {
    expect([...structs.keys()]).toEqual(['pair', 'odd'])
    expect(structs.get('pair')?.bytes).toBe(16)
    expect([...(structs.get('pair')?.fields ?? [])]).toEqual([
      ['left', { offset: 0, bytes: 4, elements: undefined }],
      ['right', { offset: 4, bytes: 12, elements: undefined }],
    ])
  })

  test('may have bit fields, arrays of arrays, pointers that stand for a number, and parts without a name', () => {
    expect([...(structs.get('odd')?.fields ?? [])]).toEqual([
      ['bits', { offset: 3 / 8, bytes: 4, elements: undefined }],
      ['pair', { offset: 4, bytes: 64, elements: undefined }],
      ['ways', { offset: 68, bytes: 8, elements: 7 }],
      ['tail', { offset: 80, bytes: 4, elements: undefined }],
    ])
  })

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'its header is not there'],
    ['something else', new Uint8Array(64), 'its header is not there'],
    ['a kind that nobody knows', btf([[0, info(20, 0), 0]]), 'type 1 is of the unknown kind 20'],
    [
      'a type that is made of itself',
      btf([U32, [0, info(8, 0), 2], [name('pair'), info(4, 1), 4, name('left'), 2, 0]]),
      'type 2 is made of itself',
    ],
    [
      'an array of itself',
      btf([U32, [0, info(3, 0), 0, 2, 1, 2], [name('pair'), info(4, 1), 4, name('left'), 2, 0]]),
      'type 2 is made of itself',
    ],
    ['a field of nothing', btf([[name('pair'), info(4, 1), 4, name('left'), 9, 0]]), 'type 9 has no size'],
  ])('are not found in %s', (_name, bytes, why) => {
    expect(() => decodeStructs(bytes)).toThrow(`no BTF that can be read: ${why}`)
  })

  test('come whole or not at all from what was cut off or changed', () => {
    const whole = btf([U32, ...PAIR, ...ODD])
    const reads = (bytes: Uint8Array) => {
      try {
        decodeStructs(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(BtfError)
      }
    }
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeStructs(whole.subarray(0, length)), String(length)).toThrow(BtfError)
    }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Uint8Array.from(whole)
        changed[at] = byte
        reads(changed)
      }),
      { numRuns: 2000 },
    )
  })
})
