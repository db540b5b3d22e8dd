import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { type Address, parseAddress } from '../net/address.ts'
import { addressesInHostsFile } from '../net/hosts-file.ts'

/** Where answers come from. */
export interface NameSources {
  /** In the form of hosts(5); it goes before DNS. */
  readonly hostsFile: string
  /** `ADDRESS` or `ADDRESS:PORT`; undefined: those of /etc/resolv.conf, which is read for each question. */
  readonly nameServers?: readonly string[]
}

export const USUAL_SOURCES: NameSources = { hostsFile: '/etc/hosts' }

/** For one question to one name server. */
const PATIENCE = { timeout: 2000, tries: 2 }
/** A longer file is none. */
const LONGEST_FILE = 1 << 20

/** Addresses of a name. The file says no time to live. */
export interface LookedUp {
  readonly addresses: readonly Address[]
  readonly ttlsSeconds: readonly number[] | undefined
}

/** Asks once. Rejects with an Error that has the code of c-ares (`ENOTFOUND`, `ETIMEOUT`). */
export async function lookUp(
  host: string,
  family: 'inet' | 'inet6',
  { hostsFile, nameServers }: NameSources = USUAL_SOURCES,
): Promise<LookedUp> {
  const text = await readFile(hostsFile, 'utf8').catch(() => '')
  const inFile = text.length > LONGEST_FILE ? [] : addressesInHostsFile(text, host, family)
  if (inFile.length > 0) return { addresses: inFile, ttlsSeconds: undefined }
  const resolver = new Resolver(PATIENCE)
  if (nameServers !== undefined) resolver.setServers(nameServers)
  const records =
    family === 'inet' ? await resolver.resolve4(host, { ttl: true }) : await resolver.resolve6(host, { ttl: true })
  return {
    addresses: records.flatMap(({ address }) => parseAddress(address) ?? []),
    ttlsSeconds: records.map(({ ttl }) => ttl),
  }
}
