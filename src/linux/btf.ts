/**
 * BTF, the kernel's format for types (Documentation/bpf/btf.rst): a header, records of types, and their names.
 *
 *     header   magic 0xeb9f:16  version:8  flags:8  length:32  types at:32 bytes:32  names at:32 bytes:32
 *     type     name:32  kind_flag:1 -:2 kind:5 -:8 count:16  size or type:32   then what its kind has
 *     member   name:32  type:32  bit offset:32 (with kind_flag: size of a bit field:8, bit offset:24)
 *     array    element type:32  index type:32  elements:32
 */

export interface BtfStruct {
  readonly bytes: number
  /** By name; those of anonymous structs and unions within it are not among them. */
  readonly fields: ReadonlyMap<string, BtfField>
}

export interface BtfField {
  readonly offset: number
  readonly bytes: number
  /** Of a pointer to an array: how many elements that has. So libbpf's maps have their numbers written down. */
  readonly elements: number | undefined
}

/** It is not BTF, or cut off. */
export class BtfError extends Error {
  constructor(what: string) {
    super(`no BTF that can be read: ${what}`)
    this.name = 'BtfError'
  }
}

const MAGIC = 0xeb9f
const HEADER_BYTES = 24
const TYPE_BYTES = 12
const POINTER_BYTES = 8
const KIND = { int: 1, pointer: 2, array: 3, struct: 4, union: 5, enum: 6, var: 14, float: 16, enum64: 19 } as const
/** Types that are another one under a name or with a qualifier: typedef, volatile, const, restrict, type tag. */
const ALIASES: readonly number[] = [8, 9, 10, 11, 18]
/** Kinds with something behind the record: bytes for each of `count`, and bytes once. */
const BEHIND: Readonly<Record<number, { readonly each?: number; readonly once?: number }>> = {
  [KIND.int]: { once: 4 },
  [KIND.array]: { once: 12 },
  [KIND.struct]: { each: 12 },
  [KIND.union]: { each: 12 },
  [KIND.enum]: { each: 8 },
  13: { each: 8 }, // function prototype
  [KIND.var]: { once: 4 },
  15: { each: 12 }, // section
  17: { once: 4 }, // declaration tag
  [KIND.enum64]: { each: 12 },
}
const LAST_KIND = 19

/** A record: what it says, and where what belongs to it begins. */
interface Type {
  readonly name: number
  readonly kind: number
  readonly hasBitFields: boolean
  readonly count: number
  readonly sizeOrType: number
  readonly behind: number
}

/** The structs of an object by name. Throws BtfError. */
export function decodeStructs(btf: Uint8Array): ReadonlyMap<string, BtfStruct> {
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength)
  if (btf.length < HEADER_BYTES || view.getUint16(0, true) !== MAGIC) throw new BtfError('its header is not there')
  const length = view.getUint32(4, true)
  const [typesAt, typesEnd] = sectionIn(btf, length + view.getUint32(8, true), view.getUint32(12, true))
  const [namesAt, namesEnd] = sectionIn(btf, length + view.getUint32(16, true), view.getUint32(20, true))
  const names = btf.subarray(namesAt, namesEnd)
  const nameAt = (offset: number): string => {
    const end = names.indexOf(0, offset)
    if (end === -1) throw new BtfError(`a name at ${offset} has no end`)
    return new TextDecoder().decode(names.subarray(offset, end))
  }
  const types = readTypes(view, typesAt, typesEnd)
  const found = new Map<string, BtfStruct>()
  for (const type of types) {
    if (type?.kind !== KIND.struct || type.name === 0) continue
    const fields = new Map<string, BtfField>()
    for (let member = type.behind; member < type.behind + type.count * 12; member += 12) {
      const [name, of, bits] = [0, 4, 8].map((at) => view.getUint32(member + at, true))
      if (name === undefined || name === 0 || of === undefined || bits === undefined) continue
      const offset = (type.hasBitFields ? bits & 0xff_ffff : bits) / 8
      fields.set(nameAt(name), { offset, bytes: bytesOf(view, types, of), elements: elementsOf(view, types, of) })
    }
    found.set(nameAt(type.name), { bytes: type.sizeOrType, fields })
  }
  return found
}

function sectionIn(btf: Uint8Array, at: number, bytes: number): readonly [at: number, end: number] {
  if (at + bytes > btf.length) throw new BtfError(`${bytes} bytes at ${at} are not there`)
  return [at, at + bytes]
}

/** By their numbers; 0 is void. */
function readTypes(view: DataView, at: number, end: number): readonly (Type | undefined)[] {
  const types: (Type | undefined)[] = [undefined]
  for (let record = at; record < end;) {
    if (record + TYPE_BYTES > end) throw new BtfError(`type ${types.length} is cut off`)
    const info = view.getUint32(record + 4, true)
    const [kind, count] = [(info >>> 24) & 0x1f, info & 0xffff]
    if (kind === 0 || kind > LAST_KIND) throw new BtfError(`type ${types.length} is of the unknown kind ${kind}`)
    const { each = 0, once = 0 } = BEHIND[kind] ?? {}
    const behind = record + TYPE_BYTES
    record = behind + each * count + once
    if (record > end) throw new BtfError(`type ${types.length} is cut off`)
    types.push({
      name: view.getUint32(behind - 12, true),
      kind,
      hasBitFields: info >>> 31 === 1,
      count,
      sizeOrType: view.getUint32(behind - 4, true),
      behind,
    })
  }
  return types
}

/** The type under its names and qualifiers. BOUNDED: as many as there are types; a circle of them is none. */
function plain(types: readonly (Type | undefined)[], id: number): Type | undefined {
  let type = types[id]
  for (let steps = 0; type !== undefined && ALIASES.includes(type.kind); steps++) {
    if (steps > types.length) throw new BtfError(`type ${id} is made of itself`)
    type = types[type.sizeOrType]
  }
  return type
}

/** BOUNDED as `plain`: an array is of a type with a smaller nesting, or of itself, which is refused. */
function bytesOf(view: DataView, types: readonly (Type | undefined)[], id: number): number {
  let [elements, type] = [1, plain(types, id)]
  for (let steps = 0; type?.kind === KIND.array; steps++) {
    if (steps > types.length) throw new BtfError(`type ${id} is made of itself`)
    elements *= view.getUint32(type.behind + 8, true)
    type = plain(types, view.getUint32(type.behind, true))
  }
  if (type === undefined) throw new BtfError(`type ${id} has no size`)
  switch (type.kind) {
    case KIND.pointer:
      return elements * POINTER_BYTES
    case KIND.int:
    case KIND.struct:
    case KIND.union:
    case KIND.enum:
    case KIND.enum64:
    case KIND.float:
      return elements * type.sizeOrType
  }
  throw new BtfError(`type ${id} has no size`)
}

function elementsOf(view: DataView, types: readonly (Type | undefined)[], id: number): number | undefined {
  const pointer = plain(types, id)
  const array = pointer?.kind === KIND.pointer ? plain(types, pointer.sizeOrType) : undefined
  return array?.kind === KIND.array ? view.getUint32(array.behind + 8, true) : undefined
}
