import { endpointName } from '../model/endpoint.ts'
import type { Pool } from './pool.ts'

/** A line for the log. */
export interface PoolChange {
  readonly level: 'info' | 'warn'
  readonly text: string
}

/**
 * What has become of a pool, in keepalived's words. `before` is undefined for a new one; with `alpha` it is no loss that such a one has no
 * quorum.
 */
export function poolChanges(name: string, before: Pool | undefined, now: Pool, alpha = false): readonly PoolChange[] {
  if (before === now) return []
  const found: PoolChange[] = []
  const say = (text: string, level: PoolChange['level'] = 'info') => found.push({ level, text })
  const old = new Map(before?.servers.toReversed().map((dest) => [endpointName(dest.endpoint), dest]))
  for (const { endpoint, weight } of now.servers.toReversed()) {
    const server = endpointName(endpoint)
    const known = old.get(server)
    old.delete(server)
    if (known === undefined) say(`Adding service ${server} to VS ${name} with weight ${weight}`)
    else if (known.weight !== weight)
      say(`Changing weight of service ${server} of VS ${name} from ${known.weight} to ${weight}`)
  }
  for (const server of old.keys()) say(`Removing service ${server} from VS ${name}`)
  if (before?.quorum.up !== now.quorum.up) {
    if (now.quorum.up) say(`Gained quorum for VS ${name}`)
    else if (before !== undefined || !alpha) say(`Lost quorum for VS ${name}`, 'warn')
  }
  return found
}
