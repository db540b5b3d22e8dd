import { Rtnetlink } from '../../linux/rtnetlink.ts'
import { type Release, release } from '../../vrrp/release.ts'
import { AddressMemory } from './address-memory.ts'
import { Addresses } from './addresses.ts'
import { Advertiser } from './advertiser.ts'
import { interfacesOf } from './interfaces.ts'

/**
 * Gives instances up from outside the vrrp process of the director of this name. For when that process is dead and
 * cannot be back in time, and for `tanistd --release`.
 */
export function resign(name: string, what: Release, onError: (error: Error) => void): void {
  const rtnetlink = new Rtnetlink()
  const addresses = new Addresses(rtnetlink, new AddressMemory(name, onError), onError)
  const advertiser = new Advertiser(onError)
  try {
    const links = rtnetlink.links()
    const present = rtnetlink.addresses()
    addresses.follow(links)
    advertiser.follow(links.filter((link) => what.instances.some((instance) => instance.interface === link.name)))
    const remembered = addresses.remembered(present)
    for (const effect of release(what, { interfaces: interfacesOf(links, present), present, remembered })) {
      switch (effect.type) {
        case 'advertise':
          advertiser.send(effect.instance, effect.source, effect.priority)
          break
        case 'remove':
          addresses.remove(effect.addresses, effect.scope)
          break
      }
    }
  } finally {
    advertiser.close()
    addresses.close()
    rtnetlink.close()
  }
}
