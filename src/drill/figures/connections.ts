import { type Interval, interval, overlap } from '../intervals.ts'
import { limitMillis } from '../promises.ts'
import type { ConnectionsRecord } from '../recording.ts'
import { cannotTell, counted, type Judge, msText, type Seen, type Verdict, within } from './seen.ts'

/** Shorter waits are not recorded. */
const SHORTEST_SILENCE = 1000

const counting =
  (what: ConnectionsRecord['events'][number]['what'], one: string) =>
  ({ 'at most': most }: { readonly 'at most': number }, seen: Seen, part: Interval): Verdict => {
    const connections = connectionsOf(seen)
    if ('found' in connections) return connections
    const count = connections.flatMap(({ events }) => within(part, events)).filter((each) => each.what === what).length
    return { holds: count <= most, found: `${counted(count, one)} of at most ${most}, with ${opened(connections)}` }
  }

export const brokenConnections = counting('broken', 'broken connection')
export const movedConnections = counting('moved', 'moved connection')
export const wrongAnswers = counting('wrong', 'wrong answer')

/** A wait that reaches into the part counts as a whole. */
export const silentConnections: Judge<'silent connections'> = ({ 'at most': most }, seen, part) => {
  const connections = connectionsOf(seen)
  if ('found' in connections) return connections
  const allowed = limitMillis(most, seen.promises)
  const waits = connections
    .flatMap(({ events }) => events)
    .filter(({ what, at, ms }) => what === 'silent' && overlap(interval(at - ms, at), part))
  const worst = waits.reduce((longest, { ms }) => Math.max(longest, ms), 0)
  if (worst > 0)
    return { holds: worst <= allowed, found: `longest wait ${msText(worst)} of at most ${msText(allowed)}` }
  const found = `no connection waited for ${msText(SHORTEST_SILENCE)} or longer`
  return allowed < SHORTEST_SILENCE
    ? cannotTell(`${found}, and shorter waits are not recorded`)
    : { holds: true, found: `${found}, of at most ${msText(allowed)}` }
}

function connectionsOf({ traffic }: Seen): readonly ConnectionsRecord[] | Verdict {
  const connections = traffic.filter((each) => each.type === 'connections') as readonly ConnectionsRecord[]
  if (connections.length === 0) return cannotTell('no long-lived connections were open')
  return connections.every(({ answered }) => answered === 0)
    ? cannotTell('nothing was answered on any long-lived connection')
    : connections
}

const opened = (connections: readonly ConnectionsRecord[]): string =>
  counted(
    connections.reduce((sum, { count }) => sum + count, 0),
    'connection',
  )
