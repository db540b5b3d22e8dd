import { type BtfStruct, decodeStructs } from '../../linux/btf.ts'
import { ACCESS, ACCESS_KEY } from './layout/access-layout.ts'
import { ADDRESS, OWN_ADDRESS } from './layout/address-layout.ts'
import { CONNECTION, FLOW, FLOW4, FORGET_REQUEST } from './layout/connection-layout.ts'
import { COUNTERS } from './layout/counters-layout.ts'
import { DEST, DEST_LOAD } from './layout/destination-layout.ts'
import { ERROR_RATE } from './layout/error-rate-layout.ts'
import { HOP } from './layout/hop-layout.ts'
import { LINK } from './layout/link-layout.ts'
import { LOCAL_POOL } from './layout/local-pool-layout.ts'
import { NAT_SERVER } from './layout/nat-server-layout.ts'
import { OTHER_DIRECTOR } from './layout/other-director-layout.ts'
import { SERVICE, SERVICE_KEY } from './layout/service-layout.ts'
import { SETTINGS } from './layout/settings-layout.ts'
import type { Struct } from './layout/struct.ts'
import { SWEEP_RESULT } from './layout/sweep-layout.ts'
import { CALL_ID, TEMPLATE, TEMPLATE_KEY } from './layout/template-layout.ts'
import { WAY } from './layout/way-layout.ts'

/** Every struct that the program and user space share. */
export const SHARED_STRUCTS: readonly Struct[] = [
  ADDRESS,
  CALL_ID,
  CONNECTION,
  COUNTERS,
  DEST,
  DEST_LOAD,
  ERROR_RATE,
  FLOW,
  FLOW4,
  FORGET_REQUEST,
  HOP,
  LINK,
  LOCAL_POOL,
  NAT_SERVER,
  OTHER_DIRECTOR,
  OWN_ADDRESS,
  SERVICE,
  SERVICE_KEY,
  SETTINGS,
  SWEEP_RESULT,
  TEMPLATE,
  TEMPLATE_KEY,
  WAY,
]

/** Maps that are only made as inner ones: clang writes down the sizes of their keys and values, and nothing of the structs. */
const INNER_MAPS = [{ name: 'access_list', key: ACCESS_KEY, value: ACCESS }] as const

/** The program was compiled from other structs than user space was written for: nothing that one says the other would understand. */
export class LayoutError extends Error {
  constructor(what: string) {
    super(`the eBPF program does not fit this version of Tanist: ${what}`)
    this.name = 'LayoutError'
  }
}

/**
 * Compares the structs with those in a program's BTF: sizes, and offsets and sizes of the fields that user space knows. Throws
 * LayoutError, or BtfError when it cannot be read.
 */
export function checkLayout(btf: Uint8Array, structs: readonly Struct[] = SHARED_STRUCTS): void {
  const found = decodeStructs(btf)
  for (const struct of structs) checkStruct(struct, found.get(struct.name))
  for (const { name, key, value } of INNER_MAPS) {
    for (const [field, { bytes }] of [
      ['key_size', key],
      ['value_size', value],
    ] as const) {
      const there = found.get(name)?.fields.get(field)?.elements
      if (there !== bytes) throw new LayoutError(`${field} of map ${name} is expected to be ${bytes}, and is ${there}`)
    }
  }
}

function checkStruct({ name, bytes, fields }: Struct, found: BtfStruct | undefined): void {
  if (found === undefined) throw new LayoutError(`it has no struct ${name}`)
  for (const [field, [offset, size]] of Object.entries(fields)) {
    const there = found.fields.get(field)
    if (there?.offset === offset && there.bytes === size) continue
    const is = there === undefined ? 'is not there' : `has ${there.bytes} bytes at ${there.offset}`
    throw new LayoutError(`${field} of struct ${name} is expected to have ${size} bytes at ${offset}, and ${is}`)
  }
  if (found.bytes !== bytes) {
    throw new LayoutError(`struct ${name} is expected to have ${bytes} bytes, and has ${found.bytes}`)
  }
}
