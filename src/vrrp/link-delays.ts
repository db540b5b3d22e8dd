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

/** When the next change counts that is on its way. */
export const nextLinkChange = ({ links }: EngineState): number =>
  Math.min(Number.POSITIVE_INFINITY, ...[...links.values()].flatMap(({ changesAt }) => changesAt ?? []))

function watched({ members, groups }: EngineState): ReadonlySet<string> {
  const configs = [...members.values()].map(({ config }) => config)
  const tracks = [...configs, ...groups].flatMap((each) => each.tracks)
  return new Set([
    ...configs.map((config) => config.interface),
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
 * How long a change of an interface has to last. Below two intervals of every instance that runs on it, as in keepalived:
 * peers take over after three, and a master that has lost its link must not believe to be one then.
 */
function linkDelay({ linkDelays, members }: EngineState, name: string, up: boolean): Millis {
  const found = linkDelays.find((each) => each.interface === name)
  if (found === undefined) return millis(0)
  const intervals = [...members.values()].flatMap(({ config, state }) => {
    if (config.interface !== name) return []
    return state.name === 'backup' ? [config.advertInt, state.masterInterval] : [config.advertInt]
  })
  const shortest = Math.min(...intervals)
  const wanted = up ? found.up : found.down
  return wanted < 2 * shortest ? wanted : millis(2 * shortest - shortest / 256)
}
