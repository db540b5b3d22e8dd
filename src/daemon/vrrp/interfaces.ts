import type { InterfaceAddress } from '../../linux/address-message.ts'
import type { Link } from '../../linux/rtnetlink.ts'
import type { Interface } from '../../vrrp/state.ts'

/** The host's interfaces as the election sees them. */
export function interfacesOf(links: readonly Link[], present: readonly InterfaceAddress[]): Interface[] {
  return links.map(({ name, index, mac, up }) => ({
    name,
    index,
    mac: Buffer.from(mac).toString('hex'),
    up,
    addresses: present.filter((own) => own.index === index),
  }))
}
