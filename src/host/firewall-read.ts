import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Json } from './firewall-check.ts'

const LONGEST_MS = 10_000
/** A ruleset that is longer is not looked at. */
const MOST_BYTES = 256 * 1024 * 1024
/** Tables of iptables before nftables, one a line; nft does not show them. */
const LEGACY = ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names']

/**
 * The rules of this network namespace as nft prints them (iptables makes such rules, too, unless it is the legacy one), and the
 * names of legacy tables. Nothing where nft is not installed, or for somebody who may not see them: then nothing is said.
 */
export function readFirewall(): { readonly ruleset: Json; readonly legacy: readonly string[] } {
  const { status, stdout } = spawnSync('nft', ['-j', 'list', 'ruleset'], {
    encoding: 'utf8',
    timeout: LONGEST_MS,
    maxBuffer: MOST_BYTES,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const names = LEGACY.flatMap((path) => (existsSync(path) ? namesIn(path) : []))
  return { ruleset: status === 0 ? (JSON.parse(stdout) as Json) : null, legacy: [...new Set(names)] }
}

/** The file is root's alone. */
function namesIn(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}
