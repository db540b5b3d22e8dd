import { readFileSync, rmSync, statSync } from 'node:fs'
import type { VirtualAddress } from '../../model/vrrp.ts'
import { reasonOf } from '../../host/regular-file.ts'
import { type Address, parseAddress } from '../../net/address.ts'
import { millis } from '../../time.ts'
import { addressKey, type HeldAddress } from '../../vrrp/state.ts'
import { RUN_FOLDER, writeOwnFile } from '../run-file.ts'

/** An address that this host has because a director put it there, not because somebody had given it to the host. */
type Remembered = Pick<HeldAddress, 'address' | 'router' | 'lease'>

/** BOUNDED: 255 routers with 255 addresses each take less; a bigger file is not ours. */
const LARGEST_FILE = 8 << 20

/** Where the addresses of the director of this name are remembered. */
export const memoryPath = (name: string): string => `${RUN_FOLDER}/${name}.held.json`

/**
 * The virtual addresses that a director has put on this host, remembered outside its configuration: they are found
 * again when the file is broken, missing or lists others by now. Written before an address is added, so that no
 * address of ours is ever unknown; an entry more than there are addresses does no harm.
 */
export class AddressMemory {
  readonly #path: string
  readonly #onError: (error: Error) => void
  readonly #entries: Map<string, Remembered>

  /** What cannot be read, or is of another boot or network namespace, is reported and does not count. */
  constructor(name: string, onError: (error: Error) => void) {
    this.#path = memoryPath(name)
    this.#onError = onError
    this.#entries = new Map(this.#read().map((entry) => [addressKey(entry.address), entry]))
  }

  get entries(): readonly Remembered[] {
    return [...this.#entries.values()]
  }

  has(address: VirtualAddress): boolean {
    return this.#entries.has(addressKey(address))
  }

  remember(entries: readonly Remembered[]): void {
    const before = this.entries.map(lineOf)
    for (const { address, router, lease } of entries) {
      this.#entries.set(addressKey(address), { address, router, ...(lease === undefined ? {} : { lease }) })
    }
    if (JSON.stringify(this.entries.map(lineOf)) !== JSON.stringify(before)) this.#write()
  }

  forget(addresses: readonly VirtualAddress[]): void {
    const gone = addresses.filter((address) => this.#entries.delete(addressKey(address)))
    if (gone.length > 0) this.#write()
  }

  #read(): readonly Remembered[] {
    try {
      const { size } = statSync(this.#path)
      if (size > LARGEST_FILE) throw new Error(`it has ${size} bytes`)
      const { boot, namespace, addresses } = fileOf(JSON.parse(readFileSync(this.#path, 'utf8')))
      if (!isThisBoot(boot)) throw new Error('it is of another boot')
      if (namespace !== thisNamespace()) throw new Error('it is of another network namespace')
      return addresses
    } catch (error) {
      if (!isMissing(error)) this.#report('ignored', error)
      return []
    }
  }

  #write(): void {
    const file = { boot: thisBoot(), namespace: thisNamespace(), addresses: this.entries.map(lineOf) }
    try {
      if (file.addresses.length === 0) rmSync(this.#path, { force: true })
      else writeOwnFile(this.#path, `${JSON.stringify(file, undefined, 1)}\n`)
    } catch (error) {
      this.#report('not written', error)
    }
  }

  #report(what: string, error: unknown): void {
    this.#onError(new Error(`${this.#path} ${what}: ${reasonOf(error)}`))
  }
}

export const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const lineOf = ({ address: { device, address, prefix, options }, router, lease }: Remembered) => ({
  interface: device,
  address,
  prefix,
  options,
  router,
  lease,
})

/** The inode of the network namespace that a memory is of; undefined when there is none, or none that can be read. */
export function namespaceOfMemory(name: string): number | undefined {
  try {
    const { namespace } = fileOf(JSON.parse(readFileSync(memoryPath(name), 'utf8')))
    return typeof namespace === 'number' ? namespace : undefined
  } catch {
    return undefined
  }
}

/** Checks what was read. Throws on anything that `#write` would not have written. */
function fileOf(value: unknown): { boot: unknown; namespace: unknown; addresses: readonly Remembered[] } {
  const file = recordOf(value)
  const lines = file['addresses']
  if (!Array.isArray(lines)) throw new Error('it lists no addresses')
  const addresses = lines.map((line: unknown): Remembered => {
    const { interface: device, address, prefix, options, router, lease } = recordOf(line)
    const parsed: Address | undefined = typeof address === 'string' ? parseAddress(address) : undefined
    if (parsed === undefined || typeof device !== 'string' || typeof router !== 'string' || !isPrefix(prefix)) {
      throw new Error(`what is ${JSON.stringify(line)}?`)
    }
    const said = options === undefined ? {} : { options: recordOf(options) }
    const leased = typeof lease === 'number' ? { lease: millis(lease) } : {}
    return { address: { address: parsed, prefix, device, ...said }, router, ...leased }
  })
  return { boot: file['boot'], namespace: file['namespace'], addresses }
}

export function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`what is ${JSON.stringify(value)}?`)
  return value as Record<string, unknown>
}

const isPrefix = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 128

/** Of a boot whose number a sandbox hides (systemd's ProcSubset). */
const UNKNOWN_BOOT = 'unknown'

export function thisBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return UNKNOWN_BOOT
  }
}

/** False when it is known to be of another one. /run is emptied at a boot nearly everywhere, so what one does not know is of this one. */
export function isThisBoot(boot: unknown): boolean {
  const here = thisBoot()
  return boot === here || boot === UNKNOWN_BOOT || here === UNKNOWN_BOOT
}

export const thisNamespace = (): number => statSync('/proc/self/ns/net').ino
