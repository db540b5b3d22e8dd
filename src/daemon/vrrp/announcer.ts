import type { AnnouncementPacing, VirtualAddress, VrrpInstance } from '../../model/vrrp.ts'
import { type Millis, millis } from '../../time.ts'
import { Announcements } from '../../vrrp/announcements.ts'

/** Sends announcements at their pace, a few at a time. */
export class Announcer {
  readonly #queue = new Announcements()
  readonly #say: (address: VirtualAddress) => void
  #timer: NodeJS.Timeout | undefined

  /** `say` tells the link where an address is. */
  constructor(say: (address: VirtualAddress) => void) {
    this.#say = say
  }

  follow(pacing: AnnouncementPacing): void {
    this.#queue.follow(pacing)
  }

  /** Says each of them so many times, the first ones at once. */
  announce({ name }: VrrpInstance, addresses: readonly VirtualAddress[], times: number): void {
    this.#queue.push(name, addresses, times, clock())
    this.#turn()
  }

  /** What this instance has not said yet it does not say any more. */
  silence({ name }: VrrpInstance): void {
    this.#queue.silence(name)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #turn(): void {
    for (const address of this.#queue.take(clock())) this.#say(address)
    clearTimeout(this.#timer)
    const next = this.#queue.nextAt
    // Adverts that are due, and what has come by then, have their turn first.
    if (next !== undefined) this.#timer = setTimeout(() => this.#turn(), Math.max(1, next - clock()))
  }
}

const clock = (): Millis => millis(performance.now())
