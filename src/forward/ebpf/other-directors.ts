import type { BpfMap } from '../../linux/libbpf.ts'
import type { OtherDirector } from '../../model/other-director.ts'
import { encodeOtherDirector, OTHER_DIRECTOR } from './layout/other-director-layout.ts'

/** MAX_OTHER_DIRECTORS: those beyond are not known, and what they send is balanced. */
const MAX_OTHER_DIRECTORS = 16_384
const PRESENT = Uint8Array.of(1)

/** The directors in the core whose packets have been balanced. */
export class OtherDirectors {
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** These are all. Returns what the settings are to say of their MACs. Throws SystemError. */
  follow(directors: readonly OtherDirector[]): bigint {
    const some = directors.slice(0, MAX_OTHER_DIRECTORS)
    const wanted = new Map(some.map(encodeOtherDirector).map((key) => [Buffer.from(key).toString('hex'), key]))
    for (const [key] of this.#map.entries(OTHER_DIRECTOR.bytes, PRESENT.length)) {
      if (!wanted.delete(Buffer.from(key).toString('hex'))) this.#map.delete(key)
    }
    for (const key of wanted.values()) this.#map.update(key, PRESENT)
    return some.reduce((macs, { mac }) => macs | (1n << BigInt((mac[5] ?? 0) & 63)), 0n)
  }
}
