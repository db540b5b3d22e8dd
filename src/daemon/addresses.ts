import type { VirtualAddress, VrrpInstance } from '../config/model.ts'
import { FrameSender } from '../linux/frame-sender.ts'
import { SystemError } from '../linux/libc.ts'
import { type InterfaceAddress, type Link, type Rtnetlink } from '../linux/rtnetlink.ts'
import { gratuitousArp } from '../net/arp.ts'

/** The virtual addresses on this host's interfaces. */
export class Addresses {
  readonly #rtnetlink: Rtnetlink
  readonly #frames = new FrameSender()
  readonly #onError: (error: Error) => void
  /** By virtual router, not by name: a reload may rename an instance. */
  readonly #held = new Map<string, readonly VirtualAddress[]>()
  #links: readonly Link[] = []

  /** Failures are reported, not thrown: the other addresses still have to be set. */
  constructor(rtnetlink: Rtnetlink, onError: (error: Error) => void) {
    this.#rtnetlink = rtnetlink
    this.#onError = onError
  }

  /** The interfaces as they are now. */
  follow(links: readonly Link[]): void {
    this.#links = links
  }

  /** Has all addresses of an instance, and none that it had before and does not list any more. */
  acquire(instance: VrrpInstance): void {
    const wanted = addressesOf(instance)
    for (const old of this.#held.get(routerOf(instance)) ?? []) {
      if (!wanted.some((address) => same(address, old))) this.#delete(old)
    }
    this.#held.set(routerOf(instance), wanted)
    for (const address of wanted) this.#add(address)
  }

  /** Has none of the addresses of an instance, whoever put them there. */
  release(instance: VrrpInstance): void {
    for (const address of [...addressesOf(instance), ...(this.#held.get(routerOf(instance)) ?? [])])
      this.#delete(address)
    this.#held.delete(routerOf(instance))
  }

  /** The held addresses that somebody else has taken away, put back. */
  restore(present: readonly InterfaceAddress[]): readonly VirtualAddress[] {
    const missing = [...this.#held.values()].flat().filter((address) => {
      const link = this.#link(address)
      return link !== undefined && !present.some((own) => own.address === address.address && own.index === link.index)
    })
    for (const address of missing) this.#add(address)
    return missing
  }

  /** One block of gratuitous ARPs for every address of an instance. */
  announce(instance: VrrpInstance): void {
    for (const address of addressesOf(instance)) this.announceOne(address, instance.garp.repeat)
  }

  announceOne(address: VirtualAddress, repeat: number): void {
    const link = this.#link(address)
    if (link === undefined) return
    for (let i = 0; i < repeat; i++) {
      for (const operation of ['request', 'reply'] as const) {
        const error = this.#frames.send(link.index, gratuitousArp(operation, link.mac, address.address))
        if (error !== undefined) this.#onError(error)
      }
    }
  }

  close(): void {
    this.#frames.close()
  }

  #link({ device }: VirtualAddress): Link | undefined {
    return this.#links.find(({ name }) => name === device)
  }

  #add(address: VirtualAddress): void {
    this.#change(address, ['EEXIST'], (index) => this.#rtnetlink.addAddress(index, address.address, address.prefix))
  }

  #delete(address: VirtualAddress): void {
    this.#change(address, ['EADDRNOTAVAIL', 'ENODEV'], (index) =>
      this.#rtnetlink.deleteAddress(index, address.address, address.prefix),
    )
  }

  #change(address: VirtualAddress, harmless: readonly string[], change: (index: number) => void): void {
    const link = this.#link(address)
    if (link === undefined) return
    try {
      change(link.index)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (!harmless.includes(error.code)) this.#onError(error)
    }
  }
}

const routerOf = ({ interface: device, vrid }: VrrpInstance) => `${device} ${vrid}`

const addressesOf = (instance: VrrpInstance) => [...instance.addresses, ...instance.excludedAddresses]

const same = (a: VirtualAddress, b: VirtualAddress) =>
  a.address === b.address && a.prefix === b.prefix && a.device === b.device
