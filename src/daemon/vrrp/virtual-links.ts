import { readFileSync } from 'node:fs'
import { SystemError } from '../../linux/libc.ts'
import { addMacvlan, deleteLink, type InterfaceSetting, setInterface, setUp } from '../../linux/macvlan.ts'
import type { Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import type { VirtualLink, VrrpInstance } from '../../model/vrrp.ts'
import type { EngineState } from '../../vrrp/state.ts'

/**
 * Of a virtual interface: it answers for its own addresses alone, whatever the interface below has, and packets from the
 * addresses of this host may come in by it.
 */
const VIRTUAL = { arp_ignore: 1, accept_local: 1, rp_filter: 0, promote_secondaries: 1 } as const
/** Of the interface below: it does not answer for addresses that are on a virtual one, whose MAC is another. */
const BASE = { arp_ignore: 1, arp_filter: 1 } as const satisfies Partial<Record<InterfaceSetting, number>>

/**
 * The interfaces with MAC addresses of virtual routers. They are down unless this host has addresses of the router: neither
 * a switch nor the host takes a backup for the owner of the MAC (RFC 9568 §6.4.2), and nothing is sent from it.
 */
export class VirtualLinks {
  readonly #rtnetlink: Rtnetlink
  readonly #onError: (error: Error) => void
  /** By which a later process knows them for ours. */
  readonly #alias: string
  /** What was found on interfaces below ours, by index. BOUNDED by the interfaces of the host. */
  readonly #before = new Map<number, Partial<Record<InterfaceSetting, number>>>()
  /** Names that could not be made, so that each is told once. BOUNDED by the configuration. */
  readonly #failing = new Set<string>()
  /** As we have put them, by index. BOUNDED: `follow` forgets those that are gone. */
  readonly #up = new Map<number, boolean>()
  #links: readonly Link[] = []

  /** `name`: of the director. Failures are reported, not thrown. */
  constructor(rtnetlink: Rtnetlink, name: string, onError: (error: Error) => void) {
    this.#rtnetlink = rtnetlink
    this.#onError = onError
    this.#alias = `tanist ${name}`
  }

  /** Makes those of the instances that are missing, and removes ours that are none of them. Returns the interfaces as they are then. */
  follow(instances: readonly VrrpInstance[], links: readonly Link[]): readonly Link[] {
    this.#links = links
    const present = new Set(links.map(({ index }) => index))
    for (const index of this.#up.keys()) if (!present.has(index)) this.#up.delete(index)
    const wanted = new Map(
      instances.flatMap(({ virtualLinks }) => virtualLinks.map((each) => [each.name, each] as const)),
    )
    if (wanted.size === 0 && !links.some(({ alias }) => alias === this.#alias)) return links
    let changed = false
    for (const link of links) {
      const own = wanted.get(link.name)
      if (link.alias !== this.#alias || (own !== undefined && this.#is(link, own))) continue
      this.#try(link.name, () => deleteLink(this.#rtnetlink, link.index))
      changed = true
    }
    for (const each of wanted.values()) changed = this.#make(each) || changed
    this.#restore(new Set([...wanted.values()].map(({ base }) => base)))
    if (changed) this.#links = this.#rtnetlink.links()
    return this.#links
  }

  /** Puts those up that addresses, or adverts of a master, need. */
  raise(state: EngineState): void {
    this.#set(state, true)
  }

  /** Puts those down that nothing needs any more. */
  lower(state: EngineState): void {
    this.#set(state, false)
  }

  /** Removes those that have no addresses: others are to be found by the next process. Whether there are any. */
  close(): boolean {
    const used = new Set(this.#rtnetlink.addresses().map(({ index }) => index))
    const ours = this.#rtnetlink.links().filter(({ alias }) => alias === this.#alias)
    for (const { index, name } of ours) if (!used.has(index)) this.#try(name, () => deleteLink(this.#rtnetlink, index))
    this.#restore(new Set())
    return ours.some(({ index }) => used.has(index))
  }

  #make(wanted: VirtualLink): boolean {
    const base = this.#links.find(({ name }) => name === wanted.base)
    const present = this.#links.find(({ name, alias }) => name === wanted.name && alias !== this.#alias)
    if (base === undefined) return false
    if (present !== undefined) {
      this.#fail(wanted.name, new Error(`cannot make ${wanted.name}: there is an interface of that name`))
      return false
    }
    if (this.#links.some((link) => link.name === wanted.name && this.#is(link, wanted))) return false
    return this.#try(wanted.name, () => {
      this.#quieten(base)
      const mac = Uint8Array.from(Buffer.from(wanted.mac.replaceAll(':', ''), 'hex'))
      addMacvlan(this.#rtnetlink, base.index, { ...wanted, mac, alias: this.#alias })
      const made = this.#rtnetlink.links().find(({ name }) => name === wanted.name)
      if (made !== undefined) setInterface(this.#rtnetlink, made.index, VIRTUAL)
    })
  }

  #is(link: Link, { base, mac }: VirtualLink): boolean {
    const below = this.#links.find(({ name }) => name === base)
    return link.base === below?.index && Buffer.from(link.mac).toString('hex') === mac.replaceAll(':', '')
  }

  #quieten({ index, name }: Link): void {
    if (this.#before.has(index)) return
    const found = Object.fromEntries(
      Object.keys(BASE).flatMap((setting) => {
        const value = settingOf(name, setting)
        return value === 0 ? [[setting, value]] : []
      }),
    )
    this.#before.set(index, found)
    setInterface(this.#rtnetlink, index, BASE)
  }

  /** Of interfaces that have none of ours any more, what we have changed is as it was. */
  #restore(bases: ReadonlySet<string>): void {
    for (const [index, before] of this.#before) {
      const link = this.#links.find((each) => each.index === index)
      if (link !== undefined && bases.has(link.name)) continue
      this.#before.delete(index)
      if (link !== undefined && Object.keys(before).length > 0) {
        this.#try(link.name, () => setInterface(this.#rtnetlink, index, before))
      }
    }
  }

  #set(state: EngineState, up: boolean): void {
    const ours = this.#links.filter(({ alias }) => alias === this.#alias)
    if (ours.length === 0) return
    const needed = neededDevices(state)
    for (const { index, name } of ours) {
      if (needed.has(name) !== up || this.#up.get(index) === up) continue
      if (this.#try(name, () => setUp(this.#rtnetlink, index, up))) this.#up.set(index, up)
    }
  }

  #try(name: string, change: () => void): boolean {
    try {
      change()
      this.#failing.delete(name)
      return true
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#fail(name, error)
      return false
    }
  }

  #fail(name: string, error: Error): void {
    if (this.#failing.has(name)) return
    this.#failing.add(name)
    this.#onError(error)
  }
}

/** Those with addresses that are held, and those by which masters speak. */
function neededDevices({ held, members }: EngineState): ReadonlySet<string> {
  const devices = new Set([...held.values()].map(({ address }) => address.device))
  for (const { config, state } of members.values()) {
    if (state.name === 'master' && config.transmitBy !== undefined) devices.add(config.transmitBy)
  }
  return devices
}

function settingOf(device: string, setting: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/conf/${device}/${setting}`, 'utf8'))
  } catch {
    return undefined // it has just gone
  }
}
