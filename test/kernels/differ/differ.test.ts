import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeCase, type Recipe, stepsOf } from './cases.ts'
import { framesOf, type Parts, type Piece, whole } from './packet.ts'
import { reassembled } from './reassembly.ts'
import { shrunk } from './shrink.ts'

const MAC = new Uint8Array(6)
const frames = (parts: Parts) => framesOf(parts, MAC, MAC).map((frame) => Buffer.from(frame))
const datagram = (source: string, destination: string, length = 60): Parts =>
  whole(source, destination, { kind: 'udp', ports: [1, 2], length })
const FAMILIES = [datagram('10.0.0.1', '10.0.0.2'), datagram('fd00::1', 'fd00::2')]
const pieces = (...cuts: readonly number[]): Piece[] =>
  cuts.slice(1).map((to, i) => ({ from: cuts[i] ?? 0, to, more: i < cuts.length - 2 }))

test('a case is the same for the same seed and index, and another one for others', () => {
  const text = (seed: number, index: number) =>
    stepsOf(makeCase(seed, index), 0).map(({ name, frames }) => [name, ...frames.map((frame) => frame.toString())])
  expect(text(1, 7)).toEqual(text(1, 7))
  expect(text(2, 7)).not.toEqual(text(1, 7))
  expect(text(1, 8)).not.toEqual(text(1, 7))
})

test('every frame has a header of Ethernet, and fits the links of the test', () => {
  for (let index = 0; index < 500; index++) {
    for (const { frames } of stepsOf(makeCase(3, index), 0)) {
      for (const frame of frames) {
        expect(frame.length).toBeGreaterThan(14)
        expect(frame.length).toBeLessThan(9000)
      }
    }
  }
})

describe.each(FAMILIES)('fragments from $source', (parts) => {
  const wholeFrame = reassembled(frames(parts)).whole

  test('are one packet in any order, and however it is cut', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1 })
    fc.assert(
      fc.property(cuts, fc.func(fc.integer()), (blocks, order) => {
        const places = [0, ...blocks.map((block) => block * 8).toSorted((a, b) => a - b), 68]
        const cut = { ...parts, pieces: pieces(...places).toSorted((a, b) => order(a.from) - order(b.from)) }
        expect(reassembled(frames(cut))).toEqual({ whole: wholeFrame, incomplete: 0 })
      }),
    )
  })

  test('that lack one, or overlap, are none; one that comes twice does no harm', () => {
    const [first, second] = pieces(0, 32, 68) as [Piece, Piece]
    const of = (...all: readonly Piece[]) => reassembled(frames({ ...parts, pieces: all }))
    expect(of(first)).toEqual({ whole: [], incomplete: 1 })
    expect(of(second)).toEqual({ whole: [], incomplete: 1 })
    expect(of({ ...first, to: 40 }, second)).toEqual({ whole: [], incomplete: 1 })
    expect(of(first, first, second)).toEqual({ whole: wholeFrame, incomplete: 0 })
  })
})

test('a case is shrunk to what makes it fail', async () => {
  const twist = (name: string) => ({ name, apply: (parts: Parts) => parts })
  const recipe = (name: string, ...twists: readonly string[]): Recipe => ({
    side: 'client',
    name,
    make: () => datagram('10.0.0.1', '10.0.0.2'),
    twists: twists.map(twist),
  })
  const one = { ...makeCase(1, 1), recipes: [recipe('a', 'x'), recipe('b', 'y', 'z'), recipe('c')] }
  const smallest = await shrunk(one, 100, ({ recipes }) =>
    Promise.resolve(recipes.some(({ name, twists }) => name === 'b' && twists.some((each) => each.name === 'z'))),
  )
  expect(smallest.recipes.map(({ name, twists }) => [name, ...twists.map((each) => each.name)])).toEqual([['b', 'z']])
})
