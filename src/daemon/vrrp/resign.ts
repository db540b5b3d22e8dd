import { Rtnetlink } from '../../linux/rtnetlink.ts'
import { Sequences } from '../../vrrp/auth/sequences.ts'
import type { Millis } from '../../time.ts'
import { type Release, release } from '../../vrrp/release.ts'
import { successorTime } from '../../vrrp/timers.ts'
import { AddressMemory } from './address-memory.ts'
import { Addresses } from './addresses.ts'
import { Advertiser } from './advertiser.ts'
import { HostRouting } from './host-routing.ts'
import { interfacesOf } from './interfaces.ts'
import { VirtualLinks } from './virtual-links.ts'
import { RoutingMemory } from './routing-memory.ts'

/**
 * Gives instances up from outside the vrrp process of the director of this name. For when that process is dead and
 * cannot be back in time, and for `tanistd --release`. Returns how long virtual interfaces are still needed that cannot go
 * before their addresses have; undefined when there are none, or somebody goes on.
 */
export function resign(name: string, what: Release, onError: (error: Error) => void): Millis | undefined {
  const rtnetlink = new Rtnetlink()
  const addresses = new Addresses(rtnetlink, new AddressMemory(name, onError), onError)
  const routing = new HostRouting(new RoutingMemory(name, onError), onError)
  const advertiser = new Advertiser(onError, new Sequences(), 'speaks')
  try {
    const links = rtnetlink.links()
    const present = rtnetlink.addresses()
    addresses.follow(links, present)
    routing.follow(links)
    advertiser.transmitBy(links)
    advertiser.follow(links, what.instances)
    const remembered = addresses.remembered(present)
    const host = { interfaces: interfacesOf(links, present), present, remembered, routing: routing.remembered }
    for (const effect of release(what, host)) {
      switch (effect.type) {
        case 'advertise':
          advertiser.send(effect.instance, effect.source, effect.priority)
          break
        case 'remove-routing':
          routing.remove(effect.items)
          break
        case 'expire':
          addresses.expire(effect.addresses, effect.after)
          break
        case 'remove':
          addresses.remove(effect.addresses, effect.scope)
          break
      }
    }
    const isLeft = what.what === 'everything' && new VirtualLinks(rtnetlink, name, onError).close()
    return isLeft ? successorTime(what.instances.map(({ advertInt }) => advertInt)) : undefined
  } finally {
    advertiser.close()
    routing.close()
    addresses.close()
    rtnetlink.close()
  }
}
