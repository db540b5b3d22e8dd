import type { VirtualAddress, VrrpInstance } from '../../model/vrrp.ts'
import { FrameSender } from '../../linux/frame-sender.ts'
import { SystemError } from '../../linux/libc.ts'
import type { AddressChange, InterfaceAddress, Lifetime, WantedAddress } from '../../linux/address-message.ts'
import type { Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import { arpQuestion, gratuitousArp } from '../../net/arp.ts'
import { type Address, isIpv4 } from '../../net/address.ts'
import { unsolicitedAdvertisement } from '../../net/neighbour-advertisement.ts'
import { networkOf } from '../../net/address-range.ts'
import type { Millis } from '../../time.ts'
import { addressKey, type HeldAddress } from '../../vrrp/state.ts'
import type { AddressMemory } from './address-memory.ts'

/** What the kernel says of an address that is not there, or of an interface that is not there any more. */
const GONE = ['EADDRNOTAVAIL', 'ENODEV']

/** What is to become of one address. `harmless`: errors that say nothing new. */
type Change = { readonly address: VirtualAddress; readonly harmless: readonly string[] } & (
  | { readonly verb: 'add' | 'set'; readonly lifetime: Lifetime }
  | { readonly verb: 'delete' }
)

/** The virtual addresses on this host's interfaces, and the ARP frames that say so. Which ones, others decide. */
export class Addresses {
  readonly #rtnetlink: Rtnetlink
  readonly #memory: AddressMemory
  readonly #frames = new FrameSender()
  readonly #onError: (error: Error) => void
  #links: readonly Link[] = []
  #present: readonly InterfaceAddress[] = []

  /** Failures are reported, not thrown: the other addresses still have to be set. */
  constructor(rtnetlink: Rtnetlink, memory: AddressMemory, onError: (error: Error) => void) {
    this.#rtnetlink = rtnetlink
    this.#memory = memory
    this.#onError = onError
  }

  /** The interfaces and addresses as they are now. */
  follow(links: readonly Link[], present: readonly InterfaceAddress[]): void {
    this.#links = links
    this.#present = present
  }

  /** What a process before this one has put here, and is still here. The rest is forgotten. */
  remembered(present: readonly InterfaceAddress[]): readonly HeldAddress[] {
    const found: HeldAddress[] = []
    for (const entry of this.#memory.entries) {
      const own = present.find((each) => this.#isAt(each, entry.address))
      if (own === undefined) this.#memory.forget([entry.address])
      else found.push({ ...entry, expires: own.expires && entry.lease === undefined })
    }
    return found
  }

  /** Has these. What the host had by itself is left as it is, and not remembered. `replaced` are there otherwise until now. */
  add(addresses: readonly HeldAddress[], replaced: readonly VirtualAddress[] = []): void {
    const isReplaced = (address: VirtualAddress) => replaced.some((old) => addressKey(old) === addressKey(address))
    const known = new Set(addresses.filter(({ address }) => this.#memory.has(address) && !isReplaced(address)))
    const ours = replaced.filter((old) => this.#memory.has(old))
    this.#memory.remember(addresses)
    this.#change([
      ...ours.map((old) => ({ verb: 'delete', address: old, harmless: GONE }) as const),
      ...addresses.map((each) => this.#adding(each, known.has(each) ? 'set' : 'add')),
    ])
  }

  /** Their leases begin anew. */
  renew(addresses: readonly HeldAddress[]): void {
    this.#change(addresses.map((each) => this.#adding(each, 'set')))
  }

  /** The kernel removes these after a while. */
  expire(addresses: readonly HeldAddress[], after: Millis): void {
    // Whoever had put it here: it will be gone.
    this.#memory.remember(addresses.map(({ address, router }) => ({ address, router })))
    this.#change(addresses.map(({ address }) => ({ verb: 'set', address, lifetime: after, harmless: [] })))
  }

  /** Has none of these; with `ours`, unless the host had them by itself. */
  remove(addresses: readonly VirtualAddress[], scope: 'any' | 'ours'): void {
    const gone = addresses.filter((address) => scope === 'any' || this.#memory.has(address))
    this.#change(gone.map((address) => ({ verb: 'delete', address, harmless: GONE })))
    this.#memory.forget(gone)
  }

  /**
   * Puts back what has gone with a removal: with the first address of a subnet the kernel removes the others
   * (`net.ipv4.conf.*.promote_secondaries` is 0 by default).
   */
  repair(addresses: readonly HeldAddress[]): void {
    const present = this.#rtnetlink.addresses()
    this.add(addresses.filter(({ address }) => !present.some((own) => this.#isAt(own, address))))
  }

  /** Tells the link where an address is. */
  sayWhere({ device, address }: Pick<VirtualAddress, 'device' | 'address'>): void {
    const link = this.#link(device)
    if (link === undefined) return
    if (isIpv4(address)) {
      for (const operation of ['request', 'reply'] as const) {
        this.#send(link, gratuitousArp(operation, link.mac, address))
      }
    } else this.#send(link, unsolicitedAdvertisement(link.mac, address))
  }

  /**
   * Tells the link where the source of the adverts is. Each peer on it is looked for, so that adverts to it need not wait, and
   * asked, which makes it learn (RFC 826).
   */
  introduce({ interface: device, unicastPeers }: VrrpInstance, source: Address): void {
    const link = this.#link(device)
    if (link === undefined) return
    this.sayWhere({ device, address: source })
    for (const { address: peer } of unicastPeers) {
      if (!this.#isNear(link, peer)) continue
      // In IPv6 the kernel's own solicitation says where its sender is (RFC 4861 §4.3).
      this.#findNeighbour(link, peer)
      if (isIpv4(peer) && isIpv4(source)) this.#send(link, arpQuestion(link.mac, source, peer))
    }
  }

  close(): void {
    this.#frames.close()
  }

  #send(link: Link, frame: Uint8Array): void {
    const error = this.#frames.send(link.index, frame)
    if (error !== undefined) this.#onError(error)
  }

  #findNeighbour({ index }: Link, peer: Address): void {
    try {
      this.#rtnetlink.findNeighbour(index, peer)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#onError(error)
    }
  }

  /** Whether packets to this address need no router. */
  #isNear(link: Link, peer: Address): boolean {
    try {
      const { ifindex, gateway } = this.#rtnetlink.route(peer)
      return ifindex === link.index && gateway === undefined
    } catch (error) {
      if (error instanceof SystemError) return false // there is no route to it
      throw error
    }
  }

  #link(device: string): Link | undefined {
    return this.#links.find(({ name }) => name === device)
  }

  #isAt(present: InterfaceAddress, { device, address, prefix }: VirtualAddress): boolean {
    return present.index === this.#link(device)?.index && present.address === address && present.prefix === prefix
  }

  #adding({ address, lease }: HeldAddress, verb: 'add' | 'set'): Change {
    const lifetime = lease ?? 'forever'
    return { verb, address, lifetime, harmless: [] }
  }

  /** As many as there are, in few system calls. Those of an interface that is not there are left out. */
  #change(changes: readonly Change[]): void {
    const here = changes.flatMap((change) => {
      const link = this.#link(change.address.device)
      return link === undefined ? [] : [{ change, index: link.index }]
    })
    const asked = here.map(({ change, index }): AddressChange => {
      const wanted = this.#wanted(change, index)
      return change.verb === 'delete'
        ? { verb: 'delete', index, wanted }
        : { verb: change.verb, index, wanted, lifetime: change.lifetime }
    })
    if (asked.length === 0) return
    const others: VirtualAddress[] = []
    for (const [i, error] of this.#rtnetlink.changeAddresses(asked).entries()) {
      const change = here[i]?.change
      if (error === undefined || change === undefined) continue
      // The host has it by itself.
      if (change.verb === 'add' && error.code === 'EEXIST') others.push(change.address)
      else if (!change.harmless.includes(error.code)) this.#onError(error)
    }
    this.#memory.forget(others)
  }

  /**
   * In IPv6 a lifetime may become that of the prefix route, too, which is the host's own as well: where another address has brought
   * that, this one brings none.
   */
  #wanted(change: Change, index: number): WantedAddress {
    const { address, prefix, options } = change.address
    const wanted = { address, prefix, ...options }
    if (change.verb === 'delete' || change.lifetime === 'forever' || isIpv4(address)) return wanted
    const network = networkOf({ address, length: prefix }).address
    const isShared = this.#present.some((own) => {
      if (own.index !== index || own.expires || own.prefix !== prefix || isIpv4(own.address)) return false
      return networkOf({ address: own.address, length: prefix }).address === network
    })
    return isShared ? { ...wanted, noPrefixRoute: true } : wanted
  }
}
