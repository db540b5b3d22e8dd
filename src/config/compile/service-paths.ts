import type { Checker } from '../../model/checker.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import { MAX_PATHS, PATH_MARK } from '../../model/service-path.ts'

/** Gives the checks that go the way of clients the mark of their real server: the same one after a reload, but where two would have it. */
export function withPathMarks(servers: readonly VirtualServer[]): readonly VirtualServer[] {
  const taken = new Set<number>()
  const markOf = (server: VirtualServer, { endpoint }: RealServer) => {
    let number = fnv1a(`${server.name} ${endpointName(endpoint)}`) % MAX_PATHS
    while (taken.has(number)) number = (number + 1) % MAX_PATHS
    taken.add(number)
    return PATH_MARK.value + number
  }
  return servers.map((server) => {
    if (!server.realServers.some(({ checks }) => checks.some(isThrough))) return server
    const realServers = server.realServers.map((real): RealServer => {
      if (!real.checks.some(isThrough)) return real
      const mark = markOf(server, real)
      return { ...real, checks: real.checks.map((check) => marked(check, mark)) }
    })
    return { ...server, realServers }
  })
}

/** FNV-1a of 32 bits: spreads names well enough, and stays the same. */
function fnv1a(text: string): number {
  let hash = 0x811c_9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return hash >>> 0
}

const isThrough = (check: Checker): boolean => 'through' in check

const marked = (check: Checker, mark: number): Checker =>
  'target' in check && check.through !== undefined ? { ...check, source: { ...check.source, mark } } : check
