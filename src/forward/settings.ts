import { type BpfMap, u32 } from '../linux/libbpf.ts'
import {
  decodeInertAt,
  decodeMarkIfindex,
  decodeTimeouts,
  encodeSettings,
  NO_SWITCHES,
  SIZE,
  type Switches,
  type Timeouts,
} from './layout.ts'

/** What the program reads with each packet, beside services and servers. */
interface Values {
  readonly timeouts: Partial<Timeouts>
  /** Packets with a firewall's mark come in by this interface; 0: there are none. */
  readonly markIfindex: number
  readonly switches: Switches
  readonly inertAtNs: bigint
}

/** The settings in the core. Each change writes them all. */
export class CoreSettings {
  readonly #map: BpfMap
  readonly #defendFrom: number
  #values: Values

  /** Connections are defended from `defendFrom` on. With `adopted` the map has those of an earlier daemon. */
  constructor(map: BpfMap, defendFrom: number, adopted: boolean) {
    this.#map = map
    this.#defendFrom = defendFrom
    const held = adopted ? this.#read() : undefined
    const inertAtNs = held === undefined ? 0n : decodeInertAt(held)
    const markIfindex = held === undefined ? 0 : decodeMarkIfindex(held)
    this.#values = { timeouts: {}, markIfindex, switches: NO_SWITCHES, inertAtNs }
    this.change(adopted ? { timeouts: this.timeouts } : {})
  }

  get timeouts(): Timeouts {
    return decodeTimeouts(this.#read())
  }

  /** The interface by which packets with a firewall's mark come in, if there is one. */
  get markIfindex(): number | undefined {
    return this.#values.markIfindex || undefined
  }

  change(values: Partial<Values>): void {
    this.#values = { ...this.#values, ...values }
    this.#map.update(u32(0), encodeSettings({ ...this.#values, defendFrom: this.#defendFrom }))
  }

  #read(): Uint8Array {
    const settings = new Uint8Array(SIZE.settings)
    this.#map.lookup(u32(0), settings)
    return settings
  }
}
