import type { VrrpInstance } from '../config/model.ts'
import { Rtnetlink } from '../linux/rtnetlink.ts'
import { Addresses } from './addresses.ts'
import { Advertiser } from './advertiser.ts'

/**
 * Gives instances up from outside the vrrp process: priority 0 so that the peers take over after the skew time, and no
 * addresses left behind. For when that process is dead and cannot be back in time, and for `tanistd --release`.
 */
export function resign(instances: readonly VrrpInstance[], onError: (error: Error) => void): void {
  const rtnetlink = new Rtnetlink()
  const addresses = new Addresses(rtnetlink, onError)
  const advertiser = new Advertiser(onError)
  try {
    const links = rtnetlink.links()
    const present = rtnetlink.addresses()
    addresses.follow(links)
    advertiser.follow(links.filter(({ name }) => instances.some((instance) => instance.interface === name)))
    for (const instance of instances) {
      const virtual = new Set([...instance.addresses, ...instance.excludedAddresses].map(({ address }) => address))
      const link = links.find(({ name }) => name === instance.interface)
      const held = present.some(({ address }) => virtual.has(address))
      const own = present.find(({ address, index }) => index === link?.index && !virtual.has(address))
      const source = instance.source ?? own?.address
      if (held && source !== undefined) advertiser.send(instance, source, 0)
      addresses.release(instance)
    }
  } finally {
    advertiser.close()
    addresses.close()
    rtnetlink.close()
  }
}
