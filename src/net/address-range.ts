import ipaddr from 'ipaddr.js'
import { type Address, addressBytes, ipv6At, isIpv4 } from './address.ts'
import { ipv4At } from './ipv4.ts'

/** Some addresses in a row; `network` is an address with its prefix length. */
export type AddressRange =
  | { readonly by: 'address'; readonly from: Address; readonly to: Address }
  | { readonly by: 'network'; readonly network: string }

/** An address with the length of its network's prefix. */
export interface Prefix {
  readonly address: Address
  readonly length: number
}

/** The network that an address with a prefix length is of: `10.0.0.1/8` is of `10.0.0.0/8`. */
export function networkOf({ address, length }: Prefix): Prefix {
  const [first] = endsOf(`${address}/${length}`)
  return { address: first, length }
}

/** The address that is so far from the first one of its network, or, below 0, so far behind the end: -1 is the last one. */
export function addressAt({ address, length }: Prefix, index: number): Address {
  const [first, last] = endsOf(`${address}/${length}`)
  const from = index < 0 ? addressNumber(last) + 1n : addressNumber(first)
  return addressOf(from + BigInt(index), isIpv4(address))
}

/** Whether an address is in the network of a prefix. */
export const holds = (prefix: Prefix, address: Address): boolean =>
  isIpv4(prefix.address) === isIpv4(address) &&
  networkOf({ address, length: prefix.length }).address === networkOf(prefix).address

/** Every address of a range, in order; undefined when they are more than `limit`, or the last is before the first. */
export function addressesInRange(range: AddressRange, limit: number): readonly Address[] | undefined {
  const [from, to] = range.by === 'address' ? [range.from, range.to] : endsOf(range.network)
  const first = addressNumber(from)
  const count = addressNumber(to) - first + 1n
  if (count < 1n || count > BigInt(limit) || isIpv4(from) !== isIpv4(to)) return undefined
  return Array.from({ length: Number(count) }, (_, i) => addressOf(first + BigInt(i), isIpv4(from)))
}

function endsOf(network: string): [Address, Address] {
  const [base, bits] = ipaddr.parseCIDR(network)
  const first = addressNumber(base.toString() as Address)
  const size = 1n << BigInt((base.kind() === 'ipv4' ? 32 : 128) - bits)
  const start = first - (first % size)
  const ipv4 = base.kind() === 'ipv4'
  return [addressOf(start, ipv4), addressOf(start + size - 1n, ipv4)]
}

const addressNumber = (address: Address): bigint =>
  addressBytes(address).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)

function addressOf(number: bigint, ipv4: boolean): Address {
  const view = new DataView(new ArrayBuffer(16))
  view.setBigUint64(0, number >> 64n)
  view.setBigUint64(8, number & 0xffff_ffff_ffff_ffffn)
  return ipv4 ? ipv4At(view, 12) : ipv6At(view, 0)
}
