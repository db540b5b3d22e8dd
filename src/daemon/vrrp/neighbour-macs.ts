import { SystemError } from '../../linux/libc.ts'
import type { Rtnetlink } from '../../linux/rtnetlink.ts'
import type { Address } from '../../net/address.ts'
import { macText } from '../../net/arp.ts'
import { type Millis, millis } from '../../time.ts'

/** BOUNDED: so often the kernel is asked at most, whoever makes us ask: each question may become a packet on the link. */
const EVERY = millis(200)

/** The MACs of the kernel's neighbours, for people: whose machine it is. */
export class NeighbourMacs {
  readonly #rtnetlink: Pick<Rtnetlink, 'links' | 'neighbour' | 'findNeighbour'>
  readonly #onError: (error: Error) => void
  #askedAt: Millis | undefined

  constructor(rtnetlink: Pick<Rtnetlink, 'links' | 'neighbour' | 'findNeighbour'>, onError: (error: Error) => void) {
    this.#rtnetlink = rtnetlink
    this.#onError = onError
  }

  /** That of an address on a link; undefined when it is not known. It is looked for then, so that it may be known the next time. */
  readonly macOf = (device: string, address: Address): string | undefined => {
    const now = millis(performance.now())
    if (this.#askedAt !== undefined && now - this.#askedAt < EVERY) return undefined
    this.#askedAt = now
    try {
      const link = this.#rtnetlink.links().find(({ name }) => name === device)
      if (link === undefined) return undefined
      const mac = this.#rtnetlink.neighbour(link.index, address)
      if (mac !== undefined) return macText(mac)
      this.#rtnetlink.findNeighbour(link.index, address)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#onError(error)
    }
    return undefined
  }
}
