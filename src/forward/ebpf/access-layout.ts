import { type AccessEntry, MAX_ACCESS_PREFIXES } from '../../model/service.ts'
import { addressBytes } from '../../net/address.ts'
import { addressIn, familyOf, MAX_SERVICES, SIZE, viewOf } from './layout.ts'

/** Access lists as bytes: see `layout.ts`. */

/** Counts of their entries: see `bpf/layout.h`. */
export const MAX_ACCESS_HITS = 2 * (MAX_ACCESS_PREFIXES + MAX_SERVICES)

/** An entry of an access list; undefined: the one for those that no other one is about. */
export function encodeAccessKey(entry: Pick<AccessEntry, 'address' | 'length'> | undefined): Uint8Array {
  const bytes = new Uint8Array(SIZE.accessKey)
  if (entry === undefined) return bytes
  const view = viewOf(bytes)
  view.setUint32(0, 32 + entry.length, true)
  view.setUint32(4, familyOf(entry.address), true)
  bytes.set(addressBytes(entry.address), 8)
  return bytes
}

export function decodeAccessKey(bytes: Uint8Array): Pick<AccessEntry, 'address' | 'length'> | undefined {
  const view = viewOf(bytes)
  const bits = view.getUint32(0, true)
  return bits === 0 ? undefined : { address: addressIn(view, 8, view.getUint32(4, true)), length: bits - 32 }
}

/** `hits` is the place of its count. */
export function encodeAccess(verdict: AccessEntry['verdict'], hits: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(verdict === 'allow' ? 1 : 0, hits).buffer)
}

export function decodeAccess(bytes: Uint8Array): { readonly verdict: AccessEntry['verdict']; readonly hits: number } {
  const view = viewOf(bytes)
  return { verdict: view.getUint32(0, true) === 1 ? 'allow' : 'deny', hits: view.getUint32(4, true) }
}
