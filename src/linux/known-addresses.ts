import type { InterfaceAddress } from './address-message.ts'
import type { NetworkChange } from './network-changes.ts'

/** The addresses of this host as they were last asked for: who renews the lifetime of one has changed nothing. */
export class KnownAddresses {
  /** BOUNDED by what the kernel has. */
  readonly #known = new Map<string, InterfaceAddress>()

  follow(addresses: readonly InterfaceAddress[]): void {
    this.#known.clear()
    for (const each of addresses) this.#known.set(keyOf(each), each)
  }

  /** Whether a change is more than another lifetime of an address. */
  isNews(change: NetworkChange): boolean {
    if (change.type !== 'address' || change.isGone || change.address === undefined) return true
    const known = this.#known.get(keyOf(change.address))
    return (
      known === undefined ||
      JSON.stringify({ ...known, expires: true }) !== JSON.stringify({ ...change.address, expires: true })
    )
  }
}

const keyOf = ({ index, address, prefix }: InterfaceAddress) => `${index} ${address}/${prefix}`
