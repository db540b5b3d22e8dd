/**
 * Tells each address that the kernel of this place gets or loses, as it happens, IPv4 and IPv6; first those that are there. No arguments, no
 * questions. What is told is an AddressNews.
 */
import { NetworkChanges } from '../../linux/network-changes.ts'
import { Poller } from '../../linux/poller.ts'
import { Rtnetlink } from '../../linux/rtnetlink.ts'
import type { Address } from '../../net/address.ts'
import { tell, work } from '../program.ts'

export interface AddressNews {
  readonly address: Address
  readonly prefix: number
  /** Its name; its number when it has none any more. */
  readonly interface: string
  readonly holds: boolean
}

const changes = new NetworkChanges()
const netlink = new Rtnetlink()
/** BOUNDED by what the kernel has. */
const held = new Map<string, AddressNews>()
const names = new Map<number, string>()

function set(index: number, address: Address, prefix: number, holds: boolean): void {
  const key = `${index} ${address}/${prefix}`
  if (held.has(key) === holds) return
  const news = { address, prefix, interface: names.get(index) ?? String(index), holds }
  if (holds) held.set(key, news)
  else held.delete(key)
  tell(news)
}

/** As all is now, when changes were lost, and at the beginning. */
function compare(): void {
  for (const { index, name } of netlink.links()) names.set(index, name)
  const there = new Set<string>()
  for (const { index, address, prefix } of netlink.addresses()) {
    there.add(`${index} ${address}/${prefix}`)
    set(index, address, prefix, true)
  }
  for (const [key, news] of held) {
    if (there.has(key)) continue
    held.delete(key)
    tell({ ...news, holds: false })
  }
}

function drain(): void {
  for (const change of changes.drain()) {
    switch (change.type) {
      case 'address':
        if (change.address === undefined) compare()
        else set(change.address.index, change.address.address, change.address.prefix, change.isGone !== true)
        break
      case 'link':
        if (change.link !== undefined) names.set(change.index, change.link.name)
        break
      case 'anything':
        compare()
        break
      case 'route':
      case 'rule':
        break
    }
  }
}

compare()
new Poller(drain).watch([changes.fd])
work(() => [...held.values()])
