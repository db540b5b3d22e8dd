import type { Loss } from './advertiser.ts'

/** Whoever floods this host with packets does not flood its log. */
const LINE_EVERY_MS = 10_000

/** Says which packets nobody has read: at most one line in ten seconds for an interface and kind, with all that there were. */
export class LossReport {
  readonly #say: (line: string) => void
  /** By interface and kind. BOUNDED by the interfaces that instances have been on. */
  readonly #pending = new Map<string, { count: number; toldAt: number }>()

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  add({ interface: device, what, count }: Loss): void {
    const key = `${device} ${what}`
    const known = this.#pending.get(key) ?? { count: 0, toldAt: Number.NEGATIVE_INFINITY }
    this.#pending.set(key, known)
    known.count += count
    const now = performance.now()
    if (now - known.toldAt < LINE_EVERY_MS) return
    this.#say(lineOf(device, what, known.count))
    known.count = 0
    known.toldAt = now
  }
}

function lineOf(device: string, what: Loss['what'], count: number): string {
  switch (what) {
    case 'adverts':
      return `${count} adverts on ${device} were lost: they came faster than they could be read`
    case 'strays':
      return `${count} packets came in on ${device} while there were more for no instance here than are looked at`
  }
}
