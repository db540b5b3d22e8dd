import type { News } from '../model/notify.ts'
import { REMOVED, STOPPING } from './states.ts'

/** What there is to tell of a virtual server. */
export interface ServiceState {
  /** As `serviceName` says it. */
  readonly name: string
  /** That it begins without quorum is no news. */
  readonly alpha?: boolean
  readonly quorum: QuorumState
  readonly servers: readonly ServerState[]
}

export interface QuorumState {
  readonly up: boolean
  readonly quorum: number
  readonly hysteresis: number
  /** Sum of the servers that are up. */
  readonly weight: number
}

export interface ServerState {
  /** As `endpointName` says it. */
  readonly name: string
  readonly up: boolean
  readonly reason: string
}

export type ServiceNews = Extract<News, { readonly type: 'server' | 'quorum' }>

/**
 * What has become of a virtual server: its servers, then its quorum, as keepalived tells them. Without `before` it is new, and its states
 * are no changes; without `now` it is gone.
 */
export function serviceNews(
  before: ServiceState | undefined,
  now: ServiceState | undefined,
  at: number,
): readonly ServiceNews[] {
  if (now === undefined) return before === undefined ? [] : downNews(before, REMOVED, at)
  const service = now.name
  const old = new Map(before?.servers.map((server) => [server.name, server]))
  const news: ServiceNews[] = []
  for (const { name: server, up, reason } of now.servers) {
    const known = old.get(server)
    old.delete(server)
    if (known?.up !== up) news.push({ type: 'server', service, server, up, reason, at, initial: known === undefined })
  }
  for (const { name: server, up } of old.values()) {
    if (up) news.unshift({ type: 'server', service, server, up: false, reason: REMOVED, at, initial: false })
  }
  const { quorum } = now
  const isQuiet = before === undefined && !quorum.up && now.alpha === true
  if (before?.quorum.up !== quorum.up && !isQuiet) {
    const initial = before === undefined
    news.push({ type: 'quorum', service, up: quorum.up, reason: quorumText(quorum, initial), at, initial })
  }
  return news
}

/** What was up counts as down: at a stop, for who asks for that, and when it is removed. */
function downNews({ name: service, servers, quorum }: ServiceState, reason: string, at: number): ServiceNews[] {
  return [
    ...servers
      .filter(({ up }) => up)
      .map(({ name: server }): ServiceNews => ({
        type: 'server',
        service,
        server,
        up: false,
        reason,
        at,
        initial: false,
      })),
    ...(quorum.up ? [{ type: 'quorum' as const, service, up: false, reason, at, initial: false }] : []),
  ]
}

/** At a stop. */
export const stoppedService = (service: ServiceState, at: number): readonly ServiceNews[] =>
  downNews(service, STOPPING, at)

/** `1+0=1 <= 3`: quorum, hysteresis, what they come to, and the weight that is there, as keepalived's log has them. */
function quorumText({ up, quorum, hysteresis, weight }: QuorumState, initial: boolean): string {
  if (up) {
    const margin = initial ? 0 : hysteresis
    return `${quorum}+${margin}=${quorum + margin} <= ${weight}`
  }
  return `${quorum}-${hysteresis}=${quorum - hysteresis} > ${weight}`
}
