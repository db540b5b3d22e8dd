import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkLayout, SHARED_STRUCTS } from '../../src/forward/ebpf/layout-check.ts'
import { DEST } from '../../src/forward/ebpf/layout/destination-layout.ts'
import { struct } from '../../src/forward/ebpf/layout/struct.ts'
import { BpfObject, readBtf } from '../../src/linux/bpf-object.ts'

const ROOT = join(import.meta.dirname, '../..')
const SOURCE = join(ROOT, 'src/forward/ebpf/bpf/tanist.bpf.o')

describe('what user space knows of the shared structs', () => {
  test.each(['src', 'dist'])('is what the program in %s was compiled from', (folder) => {
    expect(() => checkLayout(readBtf(join(ROOT, folder, 'forward/ebpf/bpf/tanist.bpf.o')))).not.toThrow()
  })

  test('names each struct once, and none of its fields overlap', () => {
    expect(new Set(SHARED_STRUCTS.map(({ name }) => name)).size).toBe(SHARED_STRUCTS.length)
    for (const { name, bytes, fields } of SHARED_STRUCTS) {
      const inOrder = Object.values(fields).toSorted(([a], [b]) => a - b)
      for (const [i, [offset, size]] of inOrder.entries()) {
        expect(offset + size, name).toBeLessThanOrEqual(inOrder[i + 1]?.[0] ?? bytes)
      }
    }
  })

  const { weight: _, ...others } = DEST.fields
  test.each<[string, ReturnType<typeof struct>, string]>([
    [
      'a field that was moved',
      struct('dest', DEST.bytes, { ...DEST.fields, weight: [52, 4] }),
      'weight of struct dest is expected to have 4 bytes at 52, and has 4 bytes at 48',
    ],
    [
      'a field that was widened',
      struct('dest', DEST.bytes, { ...DEST.fields, weight: [48, 8] }),
      'weight of struct dest is expected to have 8 bytes at 48, and has 4 bytes at 48',
    ],
    [
      'a field that has another name',
      struct('dest', DEST.bytes, { ...others, share: [48, 4] }),
      'share of struct dest is expected to have 4 bytes at 48, and is not there',
    ],
    [
      'a struct that has grown',
      struct('dest', 160, DEST.fields),
      'struct dest is expected to have 160 bytes, and has 152',
    ],
    ['a struct that is not there', struct('destiny', 4, {}), 'it has no struct destiny'],
  ])('is refused with its place: %s', (_name, changed, why) => {
    const check = (btf: Uint8Array) => checkLayout(btf, [changed])
    const refused = `the eBPF program does not fit this version of Tanist: ${why}`
    expect(() => check(readBtf(SOURCE))).toThrow(refused)
    // Nothing of it is loaded then.
    expect(() => new BpfObject(SOURCE, { reuse: new Map(), without: [], check })).toThrow(refused)
  })
})
