import { type Address, addressBits, addressBytes, ipv6At, isIpv4 } from '../net/address.ts'
import type { Prefix } from '../net/address-range.ts'
import { type Ipv4, ipv4At, ipv4Bytes } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import { decodeAttributes, type NetlinkMessage } from './netlink-message.ts'
import { AF_INET, AF_INET6 } from './socket.ts'

/**
 * Addresses in rtnetlink(7)'s messages:
 *
 *     ifaddrmsg: u8 family | u8 prefix length | u8 flags | u8 scope | u32 interface | attributes
 */

/** An address on an interface. */
export interface InterfaceAddress {
  readonly index: number
  readonly address: Address
  readonly prefix: number
  /** Not a secondary address of another one's subnet. */
  readonly primary: boolean
  /** The kernel takes it away by itself when its lifetime is over. */
  readonly expires: boolean
  /** Not to be used yet, or ever: duplicate address detection goes on, or has found another one (RFC 4862 §5.4). */
  readonly tentative: boolean
}

/** An address as it is to be. What is absent is as the kernel has it by default. */
export interface WantedAddress {
  readonly address: Address
  readonly prefix: number
  readonly scope?: number
  readonly broadcast?: Ipv4
  readonly label?: string
  readonly peer?: Prefix
  readonly home?: true
  /** IPv6. Whoever has an address by election must not wait for a second whether somebody else has it (RFC 9568 §8.2.2). */
  readonly detectsDuplicates?: true
  readonly manageTemporary?: true
  readonly noPrefixRoute?: true
  readonly preferred?: Millis | 'forever'
}

export type AddressChange =
  /** Fails with EEXIST when the address is there already. */
  | { readonly verb: 'add'; readonly index: number; readonly wanted: WantedAddress; readonly lifetime: Lifetime }
  /** Whether it is there or not: it is away at no time. Scope, label, broadcast and peer of one that is there stay. */
  | { readonly verb: 'set'; readonly index: number; readonly wanted: WantedAddress; readonly lifetime: Lifetime }
  /** Fails with EADDRNOTAVAIL when there is no such address. */
  | { readonly verb: 'delete'; readonly index: number; readonly wanted: WantedAddress }

/** How long the kernel keeps it. It counts in seconds; what is less is one. */
export type Lifetime = Millis | 'forever'

const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const FLAG = { replace: 0x100, exclusive: 0x200, create: 0x400 } as const
const IFA = { address: 1, local: 2, label: 3, broadcast: 4, cacheInfo: 6, flags: 8 } as const
const IFA_F = {
  secondary: 0x01,
  noDad: 0x02,
  dadFailed: 0x08,
  home: 0x10,
  tentative: 0x40,
  manageTemporary: 0x100,
  noPrefixRoute: 0x200,
} as const
const FOREVER = 0xffffffff

/** The parts of a request: type, flags besides those of every request, fixed part, attributes. */
export function encodeAddressChange(
  change: AddressChange,
): [type: number, flags: number, fixed: Uint8Array, attributes: [number, Uint8Array][]] {
  const { index, wanted } = change
  const { address, prefix, peer } = wanted
  const fixed = new Uint8Array(8)
  const view = new DataView(fixed.buffer)
  view.setUint8(0, isIpv4(address) ? AF_INET : AF_INET6)
  view.setUint8(1, prefix)
  view.setUint32(4, index, true)
  const ends: [number, Uint8Array][] = [
    [IFA.local, addressBytes(address)],
    [IFA.address, addressBytes(peer?.address ?? address)],
  ]
  if (change.verb === 'delete') return [RTM_DELADDR, 0, fixed, ends]
  const { scope, broadcast, label } = wanted
  if (isIpv4(address) && scope !== undefined) view.setUint8(3, scope)
  const attributes: [number, Uint8Array][] = [
    ...ends,
    [IFA.flags, words(flagsOf(wanted))],
    [IFA.cacheInfo, words(preferredOf(wanted, change.lifetime), secondsOf(change.lifetime), 0, 0)],
  ]
  if (isIpv4(address) && broadcast !== undefined) attributes.push([IFA.broadcast, ipv4Bytes(broadcast)])
  if (isIpv4(address) && label !== undefined) attributes.push([IFA.label, Buffer.from(`${label}\0`)])
  const flags = FLAG.create | (change.verb === 'add' ? FLAG.exclusive : FLAG.replace)
  return [RTM_NEWADDR, flags, fixed, attributes]
}

export function addressChangeText({ verb, index, wanted: { address, prefix } }: AddressChange): string {
  return `${verb} address ${address}/${prefix} on interface ${index}`
}

export function decodeAddress({ type, body }: NetlinkMessage): InterfaceAddress | undefined {
  if ((type !== RTM_NEWADDR && type !== RTM_DELADDR) || body.byteLength < 8) return undefined
  const attributes = decodeAttributes(body, 8)
  const bytes = attributes.get(IFA.local) ?? attributes.get(IFA.address)
  if (bytes === undefined || bytes.byteLength < 4) return undefined
  const flags = body.getUint8(2)
  const address = addressAt(bytes)
  return {
    index: body.getUint32(4, true),
    address,
    prefix: body.getUint8(1),
    // In IPv6 the same bit marks temporary addresses.
    primary: (flags & IFA_F.secondary) === 0,
    tentative: !isIpv4(address) && (flags & (IFA_F.tentative | IFA_F.dadFailed)) !== 0,
    expires: (attributes.get(IFA.cacheInfo)?.getUint32(4, true) ?? FOREVER) !== FOREVER,
  }
}

function flagsOf({ address, home, detectsDuplicates, manageTemporary, noPrefixRoute }: WantedAddress): number {
  const route = noPrefixRoute === true ? IFA_F.noPrefixRoute : 0
  if (isIpv4(address)) return route
  return (
    route |
    (home === true ? IFA_F.home : 0) |
    (detectsDuplicates === true ? 0 : IFA_F.noDad) |
    (manageTemporary === true ? IFA_F.manageTemporary : 0)
  )
}

/** As keepalived: a single IPv6 address is no source of packets unless it is said. The kernel wants no more than the lifetime. */
function preferredOf({ address, prefix, preferred }: WantedAddress, lifetime: Lifetime): number {
  if (isIpv4(address)) return secondsOf(lifetime)
  const wanted = preferred ?? (prefix === addressBits(address) ? 0 : 'forever')
  return wanted === 0 ? 0 : Math.min(secondsOf(wanted), secondsOf(lifetime))
}

const secondsOf = (lifetime: Lifetime): number => (lifetime === 'forever' ? FOREVER : Math.ceil(lifetime / 1000))

const words = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)

const addressAt = (bytes: DataView): Address => (bytes.byteLength === 16 ? ipv6At(bytes, 0) : ipv4At(bytes, 0))
