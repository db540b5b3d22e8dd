import { trackerKey } from '../../model/tracking.ts'
import type { RouterIdentity, VrrpInstance } from '../../model/vrrp.ts'
import type { InstanceSnapshot, TrackerSnapshot } from '../../control/snapshot.ts'
import { type Here, Peers } from '../../vrrp/peers.ts'
import type { Received } from '../../vrrp/receive.ts'
import { matchRouters, routerKey } from '../../vrrp/router.ts'
import { addressesOf, addressKey, type EngineState, type HeldAddress, type Tracked } from '../../vrrp/state.ts'
import { weightOf } from '../../vrrp/trackers.ts'
import { peerOf, peerSnapshots } from './peer-snapshots.ts'
import { routingSnapshot } from './routing-snapshot.ts'

const COUNTS = [
  'advertsSent',
  'advertsReceived',
  'priorityZeroSent',
  'priorityZeroReceived',
  'becameMaster',
  'releasedMaster',
  'addressesRestored',
] as const satisfies readonly (keyof InstanceSnapshot)[]

type Counts = Record<(typeof COUNTS)[number], number>

const nothing = (): Counts => ({
  advertsSent: 0,
  advertsReceived: 0,
  priorityZeroSent: 0,
  priorityZeroReceived: 0,
  becameMaster: 0,
  releasedMaster: 0,
  addressesRestored: 0,
})

type StateName = InstanceSnapshot['state']

interface InstanceRecord {
  since: string
  readonly counts: Counts
  readonly dropped: Map<string, number>
  readonly peers: Peers
}

/** What has happened to each virtual router, for people: counters, peers, since when and why. */
export class InstanceRecords {
  /** By `recordKey`. */
  readonly #records = new Map<string, InstanceRecord>()
  /** The same of instances as they are configured now: every advert asks. */
  #known = new WeakMap<RouterIdentity, InstanceRecord>()

  /** Another configuration: a router that goes on keeps its record, whatever its instance is called by now. */
  follow(previous: readonly VrrpInstance[], next: readonly VrrpInstance[]): void {
    const kept = [...matchRouters(previous, next)].flatMap(([name, old]) => {
      const record = this.#records.get(recordKey(old))
      return record === undefined ? [] : [{ old, now: { ...old, name }, record }]
    })
    this.#known = new WeakMap()
    for (const { old } of kept) this.#records.delete(recordKey(old))
    for (const { now, record } of kept) this.#records.set(recordKey(now), record)
  }

  /** `priority`: of the advert. */
  sent(instance: VrrpInstance, priority: number): void {
    const { counts } = this.#of(instance)
    counts.advertsSent++
    if (priority === 0) counts.priorityZeroSent++
  }

  /** Addresses were put back that another program had taken away. */
  restored(instances: Iterable<VrrpInstance>, addresses: readonly HeldAddress[]): void {
    const keys = new Set(addresses.map(({ address }) => addressKey(address)))
    for (const instance of instances) {
      this.#of(instance).counts.addressesRestored += addressesOf(instance).filter((own) =>
        keys.has(addressKey(own)),
      ).length
    }
  }

  /** All counters begin again. */
  clear(): void {
    for (const { counts, dropped } of this.#records.values()) {
      Object.assign(counts, nothing())
      dropped.clear()
    }
  }

  /** Takes what was received for an instance: what is known of the sender now, and what was before. `at`: in ms since the epoch. */
  received(
    received: Received & { readonly instance: VrrpInstance },
    at: number,
    here: Here,
  ): ReturnType<Peers['take']> {
    const record = this.#of(received.instance)
    if ('drop' in received) {
      record.dropped.set(received.drop, (record.dropped.get(received.drop) ?? 0) + 1)
    } else {
      record.counts.advertsReceived++
      if (received.advert.priority === 0) record.counts.priorityZeroReceived++
    }
    return record.peers.take(received, at, here)
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
      for (const peer of peers) {
        const heard = peerOf(peer)
        if (heard !== undefined) record.peers.put(heard)
      }
    }
  }

  /** The instances of the engine as they stand. Records of instances that are gone are forgotten. */
  snapshot(
    engine: EngineState,
    freeVrid: (instance: VrrpInstance) => number | undefined = () => undefined,
  ): InstanceSnapshot[] {
    const members = [...engine.members.values()].filter(({ departed }) => !departed)
    const present = new Set(members.map(({ config }) => recordKey(config)))
    for (const key of this.#records.keys()) if (!present.has(key)) this.#records.delete(key)
    return members.map(({ config, priority, tracked, state, reason, duty }) => {
      const record = this.#of(config)
      return {
        name: config.name,
        interface: config.interface,
        family: config.family,
        vrid: config.vrid,
        version: config.version,
        priority: config.priority,
        effectivePriority: priority,
        trackers: tracked.map((each) => trackerSnapshot(each, config, engine)),
        state: state.name,
        duty,
        since: record.since,
        reason,
        addresses: addressesOf(config).map(({ address, prefix }) => `${address}/${prefix}`),
        routing: routingSnapshot(config, engine),
        ...record.counts,
        dropped: Object.fromEntries(record.dropped),
        peers: peerSnapshots(config, record.peers.list(), () => freeVrid(config)),
      }
    })
  }

  #of(router: RouterIdentity): InstanceRecord {
    const found = this.#known.get(router) ?? this.#records.get(recordKey(router)) ?? this.#begin(recordKey(router))
    this.#known.set(router, found)
    return found
  }

  #begin(key: string): InstanceRecord {
    const record: InstanceRecord = {
      since: new Date().toISOString(),
      counts: nothing(),
      dropped: new Map(),
      peers: new Peers(),
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
