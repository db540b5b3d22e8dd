import type { VrrpInstance } from '../../model/vrrp.ts'
import { Rtnetlink } from '../../linux/rtnetlink.ts'
import { linkOf } from '../../vrrp/link.ts'
import { addressesOf, addressKey } from '../../vrrp/state.ts'
import { AddressMemory } from './address-memory.ts'
import { Addresses } from './addresses.ts'
import { Advertiser } from './advertiser.ts'
import { interfacesOf } from './interfaces.ts'

/** What is given up, by whom. */
export interface Resignation {
  /** The director's. */
  readonly name: string
  readonly instances: readonly VrrpInstance[]
  /** These stay master; undefined when all that is remembered goes, whatever the configuration says by now. */
  readonly staying: readonly VrrpInstance[] | undefined
  /** Also what an orderly stop has left to expire, which goes by itself otherwise. */
  readonly now: boolean
}

/**
 * Gives instances up from outside the vrrp process: priority 0 so that the peers take over after the skew time, and no
 * addresses left behind. For when that process is dead and cannot be back in time, and for `tanistd --release`.
 */
export function resign({ name, instances, staying, now }: Resignation, onError: (error: Error) => void): void {
  const rtnetlink = new Rtnetlink()
  const addresses = new Addresses(rtnetlink, new AddressMemory(name, onError), onError)
  const advertiser = new Advertiser(onError)
  try {
    const links = rtnetlink.links()
    const present = rtnetlink.addresses()
    addresses.follow(links)
    advertiser.follow(links.filter((link) => instances.some((instance) => instance.interface === link.name)))
    const interfaces = interfacesOf(links, present)
    const virtual = instances.flatMap(addressesOf)
    for (const instance of instances) {
      const { source } = linkOf(instance, interfaces, virtual, undefined)
      const wanted = addressesOf(instance)
      const held = present.some((own) => !own.expires && wanted.some(({ address }) => address === own.address))
      if (held && source !== undefined) advertiser.send(instance, source, 0)
    }
    const remembered = addresses.remembered(present)
    const kept = new Set((staying ?? []).flatMap(addressesOf).map(addressKey))
    for (const { address, expires } of remembered) if (expires && !now) kept.add(addressKey(address))
    const goes = (address: (typeof virtual)[number]) => !kept.has(addressKey(address))
    addresses.remove(virtual.filter(goes), 'any')
    if (staying === undefined) addresses.remove(remembered.map(({ address }) => address).filter(goes), 'ours')
  } finally {
    advertiser.close()
    addresses.close()
    rtnetlink.close()
  }
}
