import type { VrrpInstance } from '../../model/vrrp.ts'
import { SystemError } from '../../linux/libc.ts'
import { setInterfaceOption } from '../../linux/interface-option.ts'
import type { Link, Rtnetlink } from '../../linux/rtnetlink.ts'

/** promote_secondaries of interfaces. It stays when the daemon ends: addresses that are left may go later. */
export class Promotion {
  readonly #rtnetlink: Rtnetlink
  readonly #onError: (error: Error) => void
  /** Index of the interface by its name. BOUNDED by what is configured in the life of this. */
  readonly #set = new Map<string, number>()

  constructor(rtnetlink: Rtnetlink, onError: (error: Error) => void) {
    this.#rtnetlink = rtnetlink
    this.#onError = onError
  }

  /** Sets it where an instance wants it, once for each interface. */
  follow(instances: readonly VrrpInstance[], links: readonly Link[]): void {
    const wanted = new Set(instances.flatMap((each) => (each.promotesSecondaries ? [each.interface] : [])))
    for (const { name, index } of links) {
      if (!wanted.has(name) || this.#set.get(name) === index) continue
      this.#set.set(name, index)
      try {
        setInterfaceOption(this.#rtnetlink, index, 'promote_secondaries', 1)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        this.#onError(error)
      }
    }
  }
}
