import { spawnSync } from 'node:child_process'
import type { Namer } from '../ipvsadm/names.ts'
import type { Resolver } from '../ipvsadm/values.ts'
import { type Address, isIpv4, parseAddress } from '../net/address.ts'

/** The system's own databases, asked as any program asks them: files, DNS, whatever is configured. */
function getent(database: string, ...keys: readonly string[]): string[] {
  const { stdout } = spawnSync('getent', [database, ...keys], { encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line !== '')
}

export const systemResolver: Resolver = {
  address(name) {
    if (!/^[^-]/.test(name)) return undefined // nothing, or what getent would take for an option
    // A host that has no IPv4 address yet but the loopback's is told of none by the first, not even of names in its own file.
    for (const database of ['ahostsv4', 'ahosts']) {
      const found = getent(database, name).map((line) => parseAddress(line.split(/\s+/)[0] ?? ''))
      const address = found.find((each) => each !== undefined && isIpv4(each))
      if (address !== undefined) return address
    }
    return undefined
  },
  port(name, protocol) {
    const port = getent('services', `${name}/${protocol}`)[0]?.split(/\s+/)[1]?.split('/')[0]
    return port === undefined ? undefined : Number(port)
  },
}

/** Names as the system knows them, each asked for once. */
export class SystemNames implements Namer {
  readonly #hosts = new Map<string, string>()
  readonly #ports = new Map<string, string>()

  host(address: Address): string {
    const known = this.#hosts.get(address)
    if (known !== undefined) return known
    const name = getent('hosts', address)[0]?.split(/\s+/)[1] ?? address
    this.#hosts.set(address, name)
    return name
  }

  port(port: number, protocol: string): string {
    const key = `${port}/${protocol}`
    const known = this.#ports.get(key)
    if (known !== undefined) return known
    const name = port === 0 ? '0' : (getent('services', key)[0]?.split(/\s+/)[0] ?? String(port))
    this.#ports.set(key, name)
    return name
  }
}
