import type { VirtualAddress } from '../model/vrrp.ts'
import { addressKey, type HeldAddress, type HostAddress, type Interface } from '../vrrp/state.ts'
import type { InterfaceSetup } from './setup.ts'

interface Present {
  readonly address: VirtualAddress
  /** When the kernel takes it away. */
  readonly until: number
}

/**
 * What of a host outlives its processes: interfaces, their addresses with their lifetimes, and the file in which directors
 * remember which ones are theirs. A reboot leaves what the host has by itself.
 */
export class Kernel {
  readonly #interfaces: readonly InterfaceSetup[]
  readonly #down = new Set<string>()
  readonly #present = new Map<string, Present>()
  readonly #remembered = new Map<string, Pick<HeldAddress, 'address' | 'router' | 'lease'>>()
  /** Something has changed that listeners have not been told of. */
  hasNews = false
  /** Among that news is something that the director has not done. */
  isTampered = false

  constructor(interfaces: readonly InterfaceSetup[]) {
    this.#interfaces = interfaces
    this.reboot()
  }

  reboot(): void {
    this.#present.clear()
    this.#remembered.clear()
    for (const { name: device, own } of this.#interfaces) {
      for (const { address, prefix } of own) {
        const each = { address, prefix, device }
        this.#present.set(addressKey(each), { address: each, until: Number.POSITIVE_INFINITY })
      }
    }
    this.hasNews = true
  }

  plug(device: string, up: boolean): void {
    if (up) this.#down.delete(device)
    else this.#down.add(device)
    this.hasNews = true
  }

  isUp(device: string): boolean {
    return !this.#down.has(device)
  }

  /** As the driver reads them. An address of ours counts as a primary one, which a /32 is. */
  interfaces(): readonly Interface[] {
    return this.#interfaces.map(({ name }, i): Interface => {
      const on = [...this.#present.values()].filter(({ address }) => address.device === name)
      const addresses = on.map(({ address: { address, prefix } }): HostAddress => ({
        address,
        prefix,
        primary: true,
        tentative: false,
      }))
      const mac = `0200000000${String(i).padStart(2, '0')}`
      return { name, index: i + 1, mac, up: this.isUp(name), addresses }
    })
  }

  has(address: VirtualAddress): boolean {
    return this.#present.has(addressKey(address))
  }

  /** Those of directors that stay: for ever, or as long as somebody renews their lease. */
  lasting(): readonly VirtualAddress[] {
    return [...this.#present.values()].flatMap(({ address, until }) => {
      const known = this.#remembered.get(addressKey(address))
      return known !== undefined && (until === Number.POSITIVE_INFINITY || known.lease !== undefined) ? [address] : []
    })
  }

  /** Of those that nobody remembers, what the host does not have by itself: nobody would ever take these away. */
  forgotten(): readonly VirtualAddress[] {
    return [...this.#present.values()].flatMap(({ address }) =>
      this.#remembered.has(addressKey(address)) || this.#isOwn(address) ? [] : [address],
    )
  }

  all(): readonly { readonly address: VirtualAddress['address']; readonly expires: boolean }[] {
    return [...this.#present.values()].map(({ address: { address }, until }) => ({
      address,
      expires: until < Number.POSITIVE_INFINITY,
    }))
  }

  /** What a process before has put here, and is still here (`Addresses.remembered`). */
  remembered(): readonly HeldAddress[] {
    const found: HeldAddress[] = []
    for (const [key, entry] of this.#remembered) {
      const present = this.#present.get(key)
      if (present === undefined) this.#remembered.delete(key)
      else found.push({ ...entry, expires: present.until < Number.POSITIVE_INFINITY && entry.lease === undefined })
    }
    return found
  }

  /** `Addresses.add`: for good, or with a lease; what the host has by itself is left as it is, and not remembered. */
  add(addresses: readonly HeldAddress[], now: number): void {
    for (const { address, router, lease } of addresses) {
      const key = addressKey(address)
      const isKnown = this.#remembered.has(key)
      if (!this.#interfaces.some(({ name }) => name === address.device)) continue
      const isThere = this.#present.has(key)
      if (!isKnown && isThere) continue
      this.#remembered.set(key, lease === undefined ? { address, router } : { address, router, lease })
      this.#present.set(key, { address, until: lease === undefined ? Number.POSITIVE_INFINITY : endOf(now, lease) })
      this.hasNews = !isThere || this.hasNews
    }
  }

  /** `Addresses.renew`: what is there already is no news, and what is not comes to be. */
  renew(addresses: readonly HeldAddress[], now: number): void {
    for (const { address, lease } of addresses) {
      const key = addressKey(address)
      if (lease === undefined) continue
      this.hasNews = !this.#present.has(key) || this.hasNews
      this.#present.set(key, { address, until: endOf(now, lease) })
    }
  }

  /** When it takes the first address away. */
  get nextEnd(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#present.values()].map(({ until }) => until))
  }

  /** `Addresses.expire`: an address that is not there comes to be. */
  expire(addresses: readonly HeldAddress[], now: number, after: number): void {
    const until = endOf(now, after)
    for (const { address, router } of addresses) {
      const key = addressKey(address)
      this.#remembered.set(key, { address, router })
      this.#present.set(key, { address, until })
      this.hasNews = true
    }
  }

  /** `Addresses.remove`. */
  remove(addresses: readonly VirtualAddress[], scope: 'any' | 'ours'): void {
    for (const address of addresses) {
      const key = addressKey(address)
      if (scope === 'ours' && !this.#remembered.has(key)) continue
      this.#remembered.delete(key)
      this.hasNews = this.#present.delete(key) || this.hasNews
    }
  }

  /** Somebody else takes away what directors have put here. */
  steal(): void {
    this.isTampered = true
    for (const key of this.#remembered.keys()) this.hasNews = this.#present.delete(key) || this.hasNews
  }

  /** Takes away what has expired, and says what. */
  endLifetimes(now: number): readonly VirtualAddress[] {
    const ended = [...this.#present].filter(([, { until }]) => until <= now)
    for (const [key] of ended) this.#present.delete(key)
    if (ended.length > 0) Object.assign(this, { hasNews: true, isTampered: true })
    return ended.map(([, { address }]) => address)
  }

  #isOwn({ address, device }: VirtualAddress): boolean {
    return this.#interfaces.some(({ name, own }) => name === device && own.some((each) => each.address === address))
  }
}

/** The kernel counts in whole seconds. */
const endOf = (now: number, lifetime: number) => now + 1000 * Math.ceil(lifetime / 1000)
