import { ANY_INTERFACE } from '../model/vrrp.ts'
import { after, type Millis, millis } from '../time.ts'
import type { EngineState, Interface, LinkStatus } from './state.ts'

/** How the interfaces that matter count, now. A change of one with a delay counts when it has lasted so long. */
export function linkStatuses(state: EngineState, now: Millis): ReadonlyMap<string, LinkStatus> {
  const present = new Map((state.interfaces ?? []).map((each) => [each.name, each]))
  return new Map(
    [...watched(state)].map((name) => {
      const delayOf = (up: boolean) => linkDelay(state, name, up)
      return [name, statusOf(present.get(name), state.links.get(name), delayOf, now)]
    }),
  )
}

/** The interfaces as they count: one that a change is delayed of is still what it was. */
export function countedInterfaces({ interfaces = [], links }: EngineState): readonly Interface[] {
  return interfaces.map((each) => {
    const up = links.get(each.name)?.state
    return up === undefined || (up === 'up') === each.up ? each : { ...each, up: up === 'up' }
  })
}

/** Of each look at the links that is in use: every advert asks, and there may be an interface for each instance. */
const soonest = new WeakMap<EngineState['links'], number>()

/** When the next change counts that is on its way. */
export function nextLinkChange({ links }: EngineState): number {
  const known = soonest.get(links)
  if (known !== undefined) return known
  const next = Math.min(Number.POSITIVE_INFINITY, ...[...links.values()].flatMap(({ changesAt }) => changesAt ?? []))
  soonest.set(links, next)
  return next
}

function watched({ members, groups }: EngineState): ReadonlySet<string> {
  const configs = [...members.values()].map(({ config }) => config)
  const tracks = [...configs, ...groups].flatMap((each) => each.tracks)
  return new Set([
    ...configs.flatMap((config) => (config.interface === ANY_INTERFACE ? [] : [config.interface])),
    ...tracks.flatMap(({ kind, name }) => (kind === 'interface' ? [name] : [])),
  ])
}

function statusOf(
  link: Interface | undefined,
  before: LinkStatus | undefined,
  delayOf: (up: boolean) => Millis,
  now: Millis,
): LinkStatus {
  if (link === undefined) {
    // Nothing can be sent by it: there is nothing to wait for.
    if (before?.state === 'missing') return before
    return { state: 'missing', since: now, index: undefined, seenUp: false, changesAt: undefined }
  }
  const { index, up } = link
  const state = up ? 'up' : 'down'
  const same = before?.index === index ? before : undefined
  if (same?.state === state) return { ...same, changesAt: undefined }
  if (same?.seenUp === true) {
    const changesAt = same.changesAt ?? after(now, delayOf(up))
    if (now < changesAt) return { ...same, changesAt }
  }
  return { state, since: now, index, seenUp: up || same?.seenUp === true, changesAt: undefined }
}

/**
 * How long a change of an interface has to last. Below two intervals (one less than `down_timer_adverts`) of every instance that
 * runs on it, as in keepalived: peers take over after three, and a master that has lost its link must not believe to be one then.
 */
function linkDelay({ linkDelays, members }: EngineState, name: string, up: boolean): Millis {
  const found = linkDelays.find((each) => each.interface === name)
  if (found === undefined) return millis(0)
  const limits = [...members.values()].flatMap(({ config, state }) => {
    if (config.interface !== name) return []
    const interval = state.name === 'backup' ? Math.min(config.advertInt, state.masterInterval) : config.advertInt
    const adverts = config.election.downTimerAdverts - 1
    return [{ below: adverts * interval, longest: Math.max(0, adverts * interval - interval / 256) }]
  })
  const wanted = up ? found.up : found.down
  return millis(Math.min(wanted, ...limits.flatMap(({ below, longest }) => (wanted < below ? [] : [longest]))))
}
