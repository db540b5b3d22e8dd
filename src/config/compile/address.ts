import type { AddressOptions } from '../../model/address-options.ts'
import type { VirtualAddress } from '../../model/vrrp.ts'
import { type Address, addressBytes, isIpv4 } from '../../net/address.ts'
import type { Prefix } from '../../net/address-range.ts'
import { type Ipv4, ipv4At } from '../../net/ipv4.ts'
import { seconds } from '../../time.ts'
import type { AddressLine, StaticAddressLine } from '../keywords/address-line.ts'

/** Scopes as the kernel counts them (rtnetlink.h). */
const SCOPES: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 }

/** A line of virtual or static addresses. `device` is where it goes when the line does not say it. */
export function addressOf(line: AddressLine | StaticAddressLine, device: string): VirtualAddress {
  const { prefix, dev, peer } = line
  const options = optionsOf(line)
  return {
    address: prefix.address,
    // The kernel has one prefix length: that of the network which the address makes reachable.
    prefix: peer?.length ?? prefix.length,
    device: dev ?? device,
    ...(Object.keys(options).length === 0 ? {} : { options }),
  }
}

/** What a family has no use for is left out. */
function optionsOf(line: AddressLine | StaticAddressLine): AddressOptions {
  const { prefix, scope, brd, label, peer, noprefixroute, home, mngtmpaddr, preferred_lft: preferred } = line
  const broadcast = broadcastOf(prefix, brd)
  const ofAll: AddressOptions = {
    ...(peer === undefined ? {} : { peer }),
    ...(noprefixroute === undefined ? {} : { noPrefixRoute: true }),
    ...(line.no_track === undefined ? {} : { untracked: true }),
  }
  if (isIpv4(prefix.address)) {
    return {
      ...ofAll,
      ...(scope === undefined ? {} : { scope: SCOPES[scope] ?? Number(scope) }),
      ...(broadcast === undefined ? {} : { broadcast }),
      ...(label === undefined ? {} : { label }),
    }
  }
  return {
    ...ofAll,
    ...(home === undefined ? {} : { home: true }),
    ...(line['-nodad'] === undefined ? {} : { detectsDuplicates: true }),
    ...(mngtmpaddr === undefined ? {} : { manageTemporary: true }),
    ...(preferred === undefined ? {} : { preferred: preferred === 'forever' ? preferred : seconds(Number(preferred)) }),
  }
}

/** `+`: all host bits are set, `-`: none is. A network of one or two addresses has no broadcast address (RFC 3021). */
function broadcastOf({ address, length }: Prefix, said: Address | '+' | '-' | undefined): Ipv4 | undefined {
  if (said === undefined || !isIpv4(address)) return undefined
  if (said !== '+' && said !== '-') return isIpv4(said) ? said : undefined
  if (length > 30) return undefined
  const view = new DataView(Uint8Array.from(addressBytes(address)).buffer)
  const hostBits = 0xffffffff >>> length
  const number = view.getUint32(0)
  view.setUint32(0, said === '+' ? (number | hostBits) >>> 0 : (number & ~hostBits) >>> 0)
  return ipv4At(view, 0)
}
