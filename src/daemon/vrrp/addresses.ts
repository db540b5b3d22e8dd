import type { VirtualAddress, VrrpInstance } from '../../model/vrrp.ts'
import { FrameSender } from '../../linux/frame-sender.ts'
import { SystemError } from '../../linux/libc.ts'
import { type InterfaceAddress, type Link, type Rtnetlink } from '../../linux/rtnetlink.ts'
import { arpQuestion, gratuitousArp } from '../../net/arp.ts'
import type { Ipv4 } from '../../net/ipv4.ts'
import type { Millis } from '../../time.ts'
import { addressesOf, type HeldAddress } from '../../vrrp/state.ts'
import type { AddressMemory } from './address-memory.ts'

/** The virtual addresses on this host's interfaces, and the ARP frames that say so. Which ones, others decide. */
export class Addresses {
  readonly #rtnetlink: Rtnetlink
  readonly #memory: AddressMemory
  readonly #frames = new FrameSender()
  readonly #onError: (error: Error) => void
  #links: readonly Link[] = []

  /** Failures are reported, not thrown: the other addresses still have to be set. */
  constructor(rtnetlink: Rtnetlink, memory: AddressMemory, onError: (error: Error) => void) {
    this.#rtnetlink = rtnetlink
    this.#memory = memory
    this.#onError = onError
  }

  /** The interfaces as they are now. */
  follow(links: readonly Link[]): void {
    this.#links = links
  }

  /** What a process before this one has put here, and is still here. The rest is forgotten. */
  remembered(present: readonly InterfaceAddress[]): readonly HeldAddress[] {
    const found: HeldAddress[] = []
    for (const { address, router } of this.#memory.entries) {
      const own = present.find((each) => this.#isAt(each, address))
      if (own === undefined) this.#memory.forget([address])
      else found.push({ address, router, expires: own.expires })
    }
    return found
  }

  /** Has these for good. What the host had by itself is left as it is, and not remembered. */
  add(addresses: readonly HeldAddress[]): void {
    const known = addresses.filter(({ address }) => this.#memory.has(address))
    this.#memory.remember(addresses)
    for (const each of addresses) {
      const { address, prefix } = each.address
      this.#change(each.address, [], (index) => {
        if (known.includes(each)) this.#rtnetlink.setLifetime(index, address, prefix, 'forever')
        else if (!this.#addNew(index, each.address)) this.#memory.forget([each.address])
      })
    }
  }

  /** The kernel removes these after a while. */
  expire(addresses: readonly HeldAddress[], after: Millis): void {
    this.#memory.remember(addresses) // whoever had put it here: it will be gone
    for (const { address } of addresses) {
      this.#change(address, [], (index) => this.#rtnetlink.setLifetime(index, address.address, address.prefix, after))
    }
  }

  /** Has none of these; with `ours`, unless the host had them by itself. */
  remove(addresses: readonly VirtualAddress[], scope: 'any' | 'ours'): void {
    const gone = addresses.filter((address) => scope === 'any' || this.#memory.has(address))
    for (const address of gone) {
      this.#change(address, ['EADDRNOTAVAIL', 'ENODEV'], (index) =>
        this.#rtnetlink.deleteAddress(index, address.address, address.prefix),
      )
    }
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

  /** One block of gratuitous ARPs for every address of an instance. */
  announce(instance: VrrpInstance): void {
    for (const address of addressesOf(instance)) this.announceOne(address, instance.garp.repeat)
  }

  announceOne(address: VirtualAddress, repeat: number): void {
    const link = this.#link(address.device)
    if (link === undefined) return
    for (let i = 0; i < repeat; i++) this.#sayWhereIs(link, address.address)
  }

  /**
   * Tells the link where the source of the adverts is. Each peer on it is looked for, so that adverts to it need not wait, and
   * asked, which makes it learn (RFC 826).
   */
  introduce({ interface: device, unicastPeers }: VrrpInstance, source: Ipv4): void {
    const link = this.#link(device)
    if (link === undefined) return
    this.#sayWhereIs(link, source)
    for (const peer of unicastPeers) {
      if (!this.#isNear(link, peer)) continue
      this.#change({ device }, [], (index) => this.#rtnetlink.findNeighbour(index, peer))
      this.#send(link, arpQuestion(link.mac, source, peer))
    }
  }

  close(): void {
    this.#frames.close()
  }

  #sayWhereIs(link: Link, address: Ipv4): void {
    for (const operation of ['request', 'reply'] as const) {
      this.#send(link, gratuitousArp(operation, link.mac, address))
    }
  }

  #send(link: Link, frame: Uint8Array): void {
    const error = this.#frames.send(link.index, frame)
    if (error !== undefined) this.#onError(error)
  }

  /** Whether packets to this address need no router. */
  #isNear(link: Link, peer: Ipv4): boolean {
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

  /** False when the host has it already. */
  #addNew(index: number, { address, prefix }: VirtualAddress): boolean {
    try {
      this.#rtnetlink.addAddress(index, address, prefix)
      return true
    } catch (error) {
      if (error instanceof SystemError && error.code === 'EEXIST') return false
      throw error
    }
  }

  #change(
    { device }: Pick<VirtualAddress, 'device'>,
    harmless: readonly string[],
    change: (index: number) => void,
  ): void {
    const link = this.#link(device)
    if (link === undefined) return
    try {
      change(link.index)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (!harmless.includes(error.code)) this.#onError(error)
    }
  }
}
