import { readdirSync, rmSync } from 'node:fs'
import { type BpfMap, detachLink, openPinned, pin } from '../../linux/libbpf.ts'
import { calls, SystemError } from '../../linux/libc.ts'

/** The maps that live on without the daemon. */
export const PINNED_MAPS = [
  'services',
  'tables',
  'cursors',
  'dests',
  'first_dests',
  'loads',
  'overloads',
  'ways',
  'first_ways',
  'local_pools',
  'access_lists',
  'access_hits',
  'own_addresses',
  'closed_addresses',
  'other_directors',
  'interfaces',
  'transmit_ports',
  'service_counters',
  'first_service_counters',
  'dest_counters',
  'first_dest_counters',
  'connections',
  'connections6',
  'templates',
  'call_ids',
  'localities',
  'replies',
  'replies6',
  'ended',
  'nat_servers',
  'settings',
  'drops',
  'population',
] as const

/** Names of what is pinned in a folder; none when somebody has removed it. Throws when it cannot be read. */
export function pinsIn(directory: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(directory))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Set()
    throw error
  }
}

/** Pins those of some maps that are not pinned in the folder, by name. True when there were any. Throws SystemError. */
export function pinMissing(directory: string, maps: Readonly<Record<string, BpfMap>>): boolean {
  const there = pinsIn(directory)
  const missing = Object.entries(maps).filter(([name]) => !there.has(name))
  for (const [name, map] of missing) pin(map.fd, `${directory}/${name}`)
  return missing.length > 0
}

/** Takes the program of a pinned link off, and forgets the link. That it is gone, or its interface is, is no error. */
export function removeLink(path: string): void {
  const link = openPinned(path)
  if (link === undefined) return
  try {
    detachLink(link)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  } finally {
    calls.close(link)
  }
  rmSync(path, { force: true })
}
