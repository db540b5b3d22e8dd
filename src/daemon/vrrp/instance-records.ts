import type { VrrpInstance } from '../../model/vrrp.ts'
import type { InstanceSnapshot, PeerSnapshot } from '../../control/snapshot.ts'
import type { Received } from '../../vrrp/receive.ts'
import { addressesOf, type EngineState } from '../../vrrp/state.ts'

/** Peers that are remembered for one instance. BOUNDED: the one that was heard longest ago gives way. */
const PEER_LIMIT = 16

/** Anybody on the link can send what is refused, from any number of addresses. */
const REFUSALS_EVERY_MS = 10_000

interface Record {
  since: string
  sent: number
  received: number
  /** When a refusal was last told. */
  refusedAt: number
  readonly dropped: Map<string, number>
  /** In order of last hearing. */
  readonly peers: Map<string, PeerSnapshot>
}

/** What has happened to each instance, for people: counters, peers, since when and why. */
export class InstanceRecords {
  readonly #records = new Map<string, Record>()

  sent(instance: VrrpInstance): void {
    this.#of(instance.name).sent++
  }

  /** Takes what was received. True when a peer is refused that was not, or for another reason: at most one in ten seconds for an instance. */
  received(received: Received): boolean {
    const { instance, header } = received
    if (instance === undefined) return false
    const record = this.#of(instance.name)
    const drop = 'drop' in received ? received.drop : undefined
    if (drop === undefined) record.received++
    else record.dropped.set(drop, (record.dropped.get(drop) ?? 0) + 1)
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

  moved(instance: VrrpInstance): void {
    this.#of(instance.name).since = new Date().toISOString()
  }

  /** Goes on with what is known of instances from before, if they are in the same state as then. (Why, the engine knows.) */
  restore(before: readonly InstanceSnapshot[], engine: EngineState): void {
    for (const { name, state, since, advertsSent, advertsReceived, dropped, peers } of before) {
      if (engine.members.get(name)?.state.name !== state) continue
      const record = this.#of(name)
      record.since = since
      record.sent += advertsSent
      record.received += advertsReceived
      for (const [drop, count] of Object.entries(dropped)) record.dropped.set(drop, count)
      for (const peer of peers) record.peers.set(peer.address, peer)
    }
  }

  /** The instances of the engine as they stand. Records of instances that are gone are forgotten. */
  snapshot(engine: EngineState): InstanceSnapshot[] {
    for (const name of this.#records.keys()) if (!engine.members.has(name)) this.#records.delete(name)
    return [...engine.members.values()].map(({ config, state, reason }) => {
      const record = this.#of(config.name)
      return {
        name: config.name,
        interface: config.interface,
        vrid: config.vrid,
        version: config.version,
        priority: config.priority,
        state: state.name,
        since: record.since,
        reason,
        addresses: addressesOf(config).map(({ address, prefix }) => `${address}/${prefix}`),
        advertsSent: record.sent,
        advertsReceived: record.received,
        dropped: Object.fromEntries(record.dropped),
        peers: [...record.peers.values()],
      }
    })
  }

  #of(name: string): Record {
    const known = this.#records.get(name)
    if (known !== undefined) return known
    const record: Record = {
      since: new Date().toISOString(),
      sent: 0,
      received: 0,
      refusedAt: Number.NEGATIVE_INFINITY,
      dropped: new Map(),
      peers: new Map(),
    }
    this.#records.set(name, record)
    return record
  }
}
