import { type AccessEntry, MAX_ACCESS_PREFIXES } from '../../../model/service.ts'
import { addressBytes } from '../../../net/address.ts'
import { addressIn, familyOf } from './address-layout.ts'
import { MAX_SERVICES } from './bounds.ts'
import { struct, viewOf } from './struct.ts'

/** The key of an access list's trie; an entry of no bits at all is for those that no other one is about. */
export const ACCESS_KEY = struct('access_key', 24, { bits: [0, 4], family: [4, 4], client: [8, 16] })

export const ACCESS = struct('access', 8, { allowed: [0, 4], hits: [4, 4] })

/** Counts of the entries of all lists: see `bpf/layout.h`. */
export const MAX_ACCESS_HITS = 2 * (MAX_ACCESS_PREFIXES + MAX_SERVICES)

/** The bits of the family, which come first. */
const FAMILY_BITS = 32

/** An entry of an access list; undefined: the one for those that no other one is about. */
export function encodeAccessKey(entry: Pick<AccessEntry, 'address' | 'length'> | undefined): Uint8Array {
  const { at } = ACCESS_KEY
  const bytes = new Uint8Array(ACCESS_KEY.bytes)
  if (entry === undefined) return bytes
  const view = viewOf(bytes)
  view.setUint32(at.bits, FAMILY_BITS + entry.length, true)
  view.setUint32(at.family, familyOf(entry.address), true)
  bytes.set(addressBytes(entry.address), at.client)
  return bytes
}

export function decodeAccessKey(bytes: Uint8Array): Pick<AccessEntry, 'address' | 'length'> | undefined {
  const { at } = ACCESS_KEY
  const view = viewOf(bytes)
  const bits = view.getUint32(at.bits, true)
  if (bits === 0) return undefined
  return { address: addressIn(view, at.client, view.getUint32(at.family, true)), length: bits - FAMILY_BITS }
}

/** `hits` is the place of its count. */
export function encodeAccess(verdict: AccessEntry['verdict'], hits: number): Uint8Array {
  const bytes = new Uint8Array(ACCESS.bytes)
  const view = viewOf(bytes)
  view.setUint32(ACCESS.at.allowed, verdict === 'allow' ? 1 : 0, true)
  view.setUint32(ACCESS.at.hits, hits, true)
  return bytes
}

export function decodeAccess(bytes: Uint8Array): { readonly verdict: AccessEntry['verdict']; readonly hits: number } {
  const view = viewOf(bytes)
  const verdict = view.getUint32(ACCESS.at.allowed, true) === 1 ? 'allow' : 'deny'
  return { verdict, hits: view.getUint32(ACCESS.at.hits, true) }
}
