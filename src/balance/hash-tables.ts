import { type Address, foldedAddress } from '../net/address.ts'
import { hash256, hsiphash32 } from './hash.ts'
import { limitsOf } from './wrr.ts'

/** What a table is built from: servers in list order. */
export interface HashedServer {
  readonly address: Address
  readonly port: number
  readonly weight: number
  /** The last weight that was not 0; a quiesced server keeps its place in a Maglev table. */
  readonly lastWeight: number
}

/** Buckets of `sh` and `dh` (CONFIG_IP_VS_SH_TAB_BITS and _DH_ are 8). */
export const HASH_BUCKETS = 256
/** Buckets of `mh`: the prime of CONFIG_IP_VS_MH_TAB_INDEX 12, which distributions have. */
export const MAGLEV_BUCKETS = 4093
/** Half of that index: the largest share of turns is below 2 to this power. */
const MAGLEV_SHIFT = 6
/** Keys of the two hashes, as the kernel's module has them. */
const MAGLEV_KEY_1 = 2654435761n
const MAGLEV_KEY_2 = 2654446892n

/** The bucket of a client in a `sh` table; `port` is 0 unless the port counts, too. */
export const sourceBucket = (address: Address, port: number): number => hash256(foldedAddress(address) + port)
/** The bucket of a destination in a `dh` table. */
export const destinationBucket = (address: Address): number => hash256(foldedAddress(address))
/** The bucket of a client in a `mh` table; `offset` leads to the further ones when servers cannot serve. */
export const maglevBucket = (address: Address, port: number, offset = 0): number =>
  hsiphash32(foldedAddress(address) + port + offset, MAGLEV_KEY_1) % MAGLEV_BUCKETS

/** `sh`: every server in turn gets as many buckets as it has weight, one at least. Positions in the list. */
export function sourceHashTable(servers: readonly HashedServer[]): number[] {
  const table: number[] = []
  if (servers.length === 0) return table
  for (let position = 0; table.length < HASH_BUCKETS; position = (position + 1) % servers.length) {
    const turns = Math.max(1, servers[position]?.weight ?? 0)
    for (let turn = 0; turn < turns && table.length < HASH_BUCKETS; turn++) table.push(position)
  }
  return table
}

/** `dh`: every server in turn, whatever its weight. */
export function destinationHashTable(servers: readonly HashedServer[]): number[] {
  return servers.length === 0 ? [] : Array.from({ length: HASH_BUCKETS }, (_, bucket) => bucket % servers.length)
}

/** `mh`: each server walks its own permutation of the buckets and takes free ones, by weight, until all are taken. */
export function maglevTable(servers: readonly HashedServer[]): number[] {
  const turns = maglevTurns(servers.map(({ lastWeight }) => lastWeight))
  if (turns.every((turn) => turn === 0)) return []
  const walks = servers.map(({ address, port }) => {
    return {
      next: maglevBucket(address, port),
      skip: (hsiphash32(foldedAddress(address) + port, MAGLEV_KEY_2) % (MAGLEV_BUCKETS - 1)) + 1,
    }
  })
  const table = Array.from({ length: MAGLEV_BUCKETS }, () => -1)
  for (let taken = 0; ;) {
    for (const [position, walk] of walks.entries()) {
      for (let turn = 0; turn < (turns[position] ?? 0); turn++) {
        while (table[walk.next] !== -1) walk.next = (walk.next + walk.skip) % MAGLEV_BUCKETS
        table[walk.next] = position
        if (++taken === MAGLEV_BUCKETS) return table
      }
    }
  }
}

/** How many buckets each server takes in its turn. */
function maglevTurns(weights: readonly number[]): number[] {
  const { divisor } = limitsOf(weights)
  const highest = Math.floor(Math.max(0, ...weights) / divisor)
  const bits = highest === 0 ? 0 : 32 - Math.clz32(highest)
  const shift = Math.max(0, bits - MAGLEV_SHIFT)
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor(weight / divisor) >> shift)))
}
