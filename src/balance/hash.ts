/** Multiplier of the kernel's `hash_32` (linux/hash.h): 2^32 divided by the square of the golden ratio. */
const GOLDEN_RATIO_32 = 0x61c88647

/** The kernel's `hash_32(value, 8)`: a bucket from 0 to 255. */
export function hash256(value: number): number {
  return Math.imul(value >>> 0, GOLDEN_RATIO_32) >>> 24
}

const MASK = (1n << 64n) - 1n
const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (64n - by))) & MASK

/**
 * The kernel's `hsiphash` of four bytes on a 64-bit machine: SipHash-1-3, of which the low half counts. Both words of the
 * key are the same.
 */
export function hsiphash32(value: number, key: bigint): number {
  let v0 = 0x736f6d6570736575n ^ key
  let v1 = 0x646f72616e646f6dn ^ key
  let v2 = 0x6c7967656e657261n ^ key
  let v3 = 0x7465646279746573n ^ key
  const round = (): void => {
    v0 = (v0 + v1) & MASK
    v1 = rotate(v1, 13n) ^ v0
    v0 = rotate(v0, 32n)
    v2 = (v2 + v3) & MASK
    v3 = rotate(v3, 16n) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = rotate(v3, 21n) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = rotate(v1, 17n) ^ v2
    v2 = rotate(v2, 32n)
  }
  const block = (4n << 56n) | BigInt(value >>> 0)
  v3 ^= block
  round()
  v0 ^= block
  v2 ^= 0xffn
  round()
  round()
  round()
  return Number((v0 ^ v1 ^ v2 ^ v3) & 0xffffffffn)
}
