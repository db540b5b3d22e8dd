import type { Logger } from 'pino'
import type { FellowServer } from '../../balance/fellow-servers.ts'
import type { Backend } from '../../forward/backend.ts'
import { SystemError } from '../../linux/libc.ts'
import type { Rtnetlink } from '../../linux/rtnetlink.ts'
import type { Hops } from '../../model/next-hop.ts'
import type { OtherDirector } from '../../model/other-director.ts'
import type { Address } from '../../net/address.ts'
import { type Mac, macText } from '../../net/arp.ts'

/** How often the kernel is asked where fellow servers are: at first while one is not found, then less often; and in the end. */
const FIRST_LOOK_MS = 50
const LOOK_EVERY_MS = 1000

/**
 * Tells the core the MACs of the servers that are real servers beside this director: what these send to a virtual address has been
 * balanced there. They are the kernel's neighbours, by the addresses in the configuration, so that no packet of a stranger can name
 * one. A server behind a router has that one's MAC and is left out; by direct routing it could not serve. And says so when this host has
 * not what it needs to serve beside them.
 *
 * BOUNDED by the real servers of the plan.
 */
export class FellowDirectors {
  readonly #rtnetlink: Pick<Rtnetlink, 'neighbour' | 'findNeighbour' | 'routes'>
  readonly #backend: Pick<Backend, 'setOtherDirectors'>
  readonly #log: Logger
  /** The interface that each server on a link of ours is at. */
  #links: ReadonlyMap<Address, number> = new Map()
  #fellows: readonly FellowServer[] = []
  /** As they were last seen: one that the kernel has forgotten is still there. */
  readonly #macs = new Map<Address, Mac>()
  /** What the core was told, as text. */
  #told: string | undefined
  /** Virtual addresses that this host should have, and those of them that it has not. */
  #vips: readonly Address[] = []
  #missing: ReadonlySet<Address> = new Set()
  #wait = FIRST_LOOK_MS
  #timer: NodeJS.Timeout | undefined

  constructor(
    rtnetlink: Pick<Rtnetlink, 'neighbour' | 'findNeighbour' | 'routes'>,
    backend: Pick<Backend, 'setOtherDirectors'>,
    log: Logger,
  ) {
    this.#rtnetlink = rtnetlink
    this.#backend = backend
    this.#log = log
  }

  /** These are all, and the next hops to them; `isNews`: this host may have other addresses than before. Throws SystemError. */
  follow(fellows: readonly FellowServer[], hops: Hops, isNews: boolean): void {
    const links = new Map<Address, number>()
    for (const { server } of fellows) {
      const hop = hops.get(server)
      if (hop !== undefined && hop !== 'local' && hop.neighbour === server) links.set(server, hop.ifindex)
    }
    const isNew = [...links].some(([server, index]) => this.#links.get(server) !== index)
    for (const server of this.#macs.keys()) if (!links.has(server)) this.#macs.delete(server)
    this.#links = links
    this.#fellows = fellows
    if (isNew) {
      this.#wait = FIRST_LOOK_MS
      this.#look()
    }
    this.#tell()
    const vips = [...new Set(fellows.flatMap(({ vip }) => vip ?? []))]
    if (isNews || vips.join() !== this.#vips.join()) this.#sayMissing(vips)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #look(): void {
    clearTimeout(this.#timer)
    for (const [server, index] of this.#links) this.#find(server, index)
    if (this.#links.size === 0) return
    const isWhole = [...this.#links.keys()].every((server) => this.#macs.has(server))
    this.#timer = setTimeout(() => this.#lookAgain(), isWhole ? LOOK_EVERY_MS : this.#wait)
    this.#wait = Math.min(LOOK_EVERY_MS, this.#wait * 2)
  }

  #lookAgain(): void {
    this.#look()
    try {
      this.#tell()
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#log.error(error.message)
    }
  }

  #find(server: Address, index: number): void {
    try {
      const mac = this.#rtnetlink.neighbour(index, server)
      const known = this.#macs.get(server)
      if (mac === undefined) {
        if (known === undefined) this.#rtnetlink.findNeighbour(index, server)
        return
      }
      if (known !== undefined && Buffer.compare(known, mac) === 0) return
      this.#log.debug(`what ${server} has balanced comes from ${macText(mac)}`)
      this.#macs.set(server, mac)
    } catch (error) {
      // A link that has just gone: its servers have other next hops soon.
      if (!(error instanceof SystemError)) throw error
      this.#log.debug(error.message)
    }
  }

  #tell(): void {
    const directors = this.#fellows.flatMap(({ family, vip, server }): OtherDirector[] => {
      const mac = this.#macs.get(server)
      return mac === undefined ? [] : [{ family, vip, mac }]
    })
    const text = directors.map(({ family, vip, mac }) => `${family} ${vip} ${macText(mac)}`).join()
    if (text === this.#told) return
    this.#backend.setOtherDirectors(directors)
    this.#told = text
  }

  /** Once of each: as a master it has the address, and serves; but not as a real server of another one. */
  #sayMissing(vips: readonly Address[]): void {
    this.#vips = vips
    const routes = this.#rtnetlink.routes(vips)
    const missing = new Set(vips.filter((_, i) => routes[i]?.local !== true))
    for (const vip of missing) {
      if (this.#missing.has(vip)) continue
      const text = `this director is a real server of ${vip}, which is not on lo: it cannot serve what another director sends it`
      this.#log.warn(`${text} (conf/real-server-dr.sh)`)
    }
    this.#missing = missing
  }
}
