/**
 * A struct that the program and user space share, as data: `layout.h` has the same in C. The program's own BTF says what the compiler
 * made of it, and `layout-check.ts` compares the two. Addresses and ports are in network order, everything else in the host's, which
 * is little-endian on every machine that Tanist runs on.
 */
export interface Struct<Field extends string = string> {
  /** Its name in C. */
  readonly name: string
  readonly bytes: number
  readonly fields: Readonly<Record<Field, readonly [offset: number, bytes: number]>>
  /** The offsets of its fields. */
  readonly at: Readonly<Record<Field, number>>
}

/** The fields that user space reads or writes, by their names in C. */
export function struct<Field extends string>(
  name: string,
  bytes: number,
  fields: Readonly<Record<Field, readonly [offset: number, bytes: number]>>,
): Struct<Field> {
  const offsets = Object.entries<readonly [number, number]>(fields).map(([field, [offset]]) => [field, offset])
  // fromEntries forgets that every field is there.
  return { name, bytes, fields, at: Object.fromEntries(offsets) as Record<Field, number> }
}

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The name of a number of an enum. */
export function nameOf<T extends string>(values: Readonly<Record<T, number>>, value: number): T {
  for (const name in values) if (values[name] === value) return name
  throw new Error(`the core holds an unknown value: ${value}`)
}
