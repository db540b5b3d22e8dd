import { type BpfMap, u32 } from '../../linux/libbpf.ts'
import { decodeSettings, encodeSettings, NO_SWITCHES, SETTINGS, type Settings } from './layout/settings-layout.ts'
import type { Switches, Timeouts } from '../../model/ipvs.ts'

/** The settings in the core. Each change writes them all. */
export class CoreSettings {
  readonly #map: BpfMap
  readonly #defendFrom: number
  #values: Partial<Settings>

  /** Connections are defended from `defendFrom` on. With `adopted` the map has those of an earlier daemon, which stay. */
  constructor(map: BpfMap, defendFrom: number, adopted: boolean) {
    this.#map = map
    this.#defendFrom = defendFrom
    this.#values = adopted ? decodeSettings(this.#read()) : {}
    this.change({})
  }

  get timeouts(): Timeouts {
    return decodeSettings(this.#read()).timeouts
  }

  /** The interface by which packets with a firewall's mark come in, if there is one. */
  get markIfindex(): number | undefined {
    return this.#values.markIfindex || undefined
  }

  get switches(): Switches {
    return this.#values.switches ?? NO_SWITCHES
  }

  change(values: Partial<Settings>): void {
    this.#values = { ...this.#values, ...values }
    this.#map.update(u32(0), encodeSettings({ ...this.#values, defendFrom: this.#defendFrom }))
  }

  #read(): Uint8Array {
    const settings = new Uint8Array(SETTINGS.bytes)
    this.#map.lookup(u32(0), settings)
    return settings
  }
}
