import { trackerKey } from '../../model/tracking.ts'
import type { RouterIdentity, VrrpInstance } from '../../model/vrrp.ts'
import type { InstanceSnapshot, PeerSnapshot, TrackerSnapshot } from '../../control/snapshot.ts'
import type { Received } from '../../vrrp/receive.ts'
import { matchRouters, routerKey } from '../../vrrp/router.ts'
import { addressesOf, type EngineState, type Tracked } from '../../vrrp/state.ts'
import { weightOf } from '../../vrrp/trackers.ts'

/** Peers that are remembered for one instance. BOUNDED: the one that was heard longest ago gives way. */
const PEER_LIMIT = 16

/** Anybody on the link can send what is refused, from any number of addresses. */
const REFUSALS_EVERY_MS = 10_000

const COUNTS = [
  'advertsSent',
  'advertsReceived',
  'priorityZeroSent',
  'priorityZeroReceived',
  'becameMaster',
  'releasedMaster',
] as const satisfies readonly (keyof InstanceSnapshot)[]

type Counts = Record<(typeof COUNTS)[number], number>

const nothing = (): Counts => ({
  advertsSent: 0,
  advertsReceived: 0,
  priorityZeroSent: 0,
  priorityZeroReceived: 0,
  becameMaster: 0,
  releasedMaster: 0,
})

type StateName = InstanceSnapshot['state']

interface InstanceRecord {
  since: string
  readonly counts: Counts
  /** When a refusal was last told. */
  refusedAt: number
  readonly dropped: Map<string, number>
  /** In order of last hearing. */
  readonly peers: Map<string, PeerSnapshot>
}

/** What has happened to each virtual router, for people: counters, peers, since when and why. */
export class InstanceRecords {
  /** By `recordKey`. */
  readonly #records = new Map<string, InstanceRecord>()

  /** Another configuration: a router that goes on keeps its record, whatever its instance is called by now. */
  follow(previous: readonly VrrpInstance[], next: readonly VrrpInstance[]): void {
    const kept = [...matchRouters(previous, next)].flatMap(([name, old]) => {
      const record = this.#records.get(recordKey(old))
      return record === undefined ? [] : [{ old, now: { ...old, name }, record }]
    })
    for (const { old } of kept) this.#records.delete(recordKey(old))
    for (const { now, record } of kept) this.#records.set(recordKey(now), record)
  }

  /** `priority`: of the advert. */
  sent(instance: VrrpInstance, priority: number): void {
    const { counts } = this.#of(instance)
    counts.advertsSent++
    if (priority === 0) counts.priorityZeroSent++
  }

  /** All counters begin again. */
  clear(): void {
    for (const { counts, dropped } of this.#records.values()) {
      Object.assign(counts, nothing())
      dropped.clear()
    }
  }

  /** Takes what was received. True when a peer is refused that was not, or for another reason: at most one in ten seconds for an instance. */
  received(received: Received): boolean {
    const { instance, header } = received
    if (instance === undefined) return false
    const record = this.#of(instance)
    const drop = 'drop' in received ? received.drop : undefined
    if ('advert' in received) {
      record.counts.advertsReceived++
      if (received.advert.priority === 0) record.counts.priorityZeroReceived++
    }
    if (drop !== undefined) record.dropped.set(drop, (record.dropped.get(drop) ?? 0) + 1)
    if (header === undefined) return false
    const before = record.peers.get(header.source)
    record.peers.delete(header.source)
    record.peers.set(header.source, {
      address: header.source,
      priority: 'advert' in received ? received.advert.priority : (before?.priority ?? 0),
      lastHeard: new Date().toISOString(),
      rejected: drop,
    })
    const [oldest] = record.peers.keys()
    if (record.peers.size > PEER_LIMIT && oldest !== undefined) record.peers.delete(oldest)
    const now = performance.now()
    const isNews = drop !== undefined && drop !== before?.rejected && now - record.refusedAt > REFUSALS_EVERY_MS
    if (isNews) record.refusedAt = now
    return isNews
  }

  /** `at`: in ms since the epoch. */
  moved(instance: VrrpInstance, from: StateName, to: StateName, at: number): void {
    const record = this.#of(instance)
    record.since = new Date(at).toISOString()
    if (to === 'master') record.counts.becameMaster++
    if (from === 'master') record.counts.releasedMaster++
  }

  /** Goes on with what is known of instances from before, if they are in the same state as then. (Why, the engine knows.) */
  restore(before: readonly InstanceSnapshot[], engine: EngineState): void {
    const instances = [...engine.members.values()].map(({ config }) => config)
    for (const [name, known] of matchRouters(before, instances)) {
      const { state, since, dropped, peers } = known
      if (engine.members.get(name)?.state.name !== state) continue
      const record = this.#of({ ...known, name })
      record.since = since
      for (const name of COUNTS) record.counts[name] += known[name] ?? 0 // of an older version, which did not count all of them
      for (const [drop, count] of Object.entries(dropped)) record.dropped.set(drop, count)
      for (const peer of peers) record.peers.set(peer.address, peer)
    }
  }

  /** The instances of the engine as they stand. Records of instances that are gone are forgotten. */
  snapshot(engine: EngineState): InstanceSnapshot[] {
    const present = new Set([...engine.members.values()].map(({ config }) => recordKey(config)))
    for (const key of this.#records.keys()) if (!present.has(key)) this.#records.delete(key)
    return [...engine.members.values()].map(({ config, priority, tracked, state, reason }) => {
      const record = this.#of(config)
      return {
        name: config.name,
        interface: config.interface,
        vrid: config.vrid,
        version: config.version,
        priority: config.priority,
        effectivePriority: priority,
        trackers: tracked.map((each) => trackerSnapshot(each, config, engine)),
        state: state.name,
        since: record.since,
        reason,
        addresses: addressesOf(config).map(({ address, prefix }) => `${address}/${prefix}`),
        ...record.counts,
        dropped: Object.fromEntries(record.dropped),
        peers: [...record.peers.values()],
      }
    })
  }

  #of(router: RouterIdentity): InstanceRecord {
    const key = recordKey(router)
    const known = this.#records.get(key)
    if (known !== undefined) return known
    const record: InstanceRecord = {
      since: new Date().toISOString(),
      counts: nothing(),
      refusedAt: Number.NEGATIVE_INFINITY,
      dropped: new Map(),
      peers: new Map(),
    }
    this.#records.set(key, record)
    return record
  }
}

function trackerSnapshot(tracked: Tracked, { priority }: VrrpInstance, engine: EngineState): TrackerSnapshot {
  const { kind, name, weight, reverse, from, state, consequence } = tracked
  const { detail, since } = lastResult(tracked, engine) ?? { detail: '', since: undefined }
  return {
    kind,
    name,
    weight,
    reverse,
    from,
    state,
    consequence: consequence.type,
    // The owner's priority stays as it is.
    contribution: priority === 255 ? 0 : weightOf(consequence),
    detail,
    since: since === undefined ? undefined : new Date(since).toISOString(),
  }
}

/** `since`: in ms since the epoch. */
function lastResult(
  tracked: Tracked,
  { links, results }: EngineState,
): { readonly detail: string; readonly since: number } | undefined {
  if (tracked.kind !== 'interface') return results.get(trackerKey(tracked))
  const link = links.get(tracked.name)
  return link && { detail: link.state, since: performance.timeOrigin + link.since }
}

/** The name tells unicast routers of one VRID apart. */
const recordKey = (router: RouterIdentity) => `${routerKey(router)} ${router.name}`
