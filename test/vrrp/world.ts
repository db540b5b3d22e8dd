import { expect } from 'vitest'
import type { SyncGroup, VirtualAddress, VrrpInstance } from '../../src/model/vrrp.ts'
import { type Millis, millis } from '../../src/time.ts'
import { isFinished, nextDeadline } from '../../src/vrrp/engine.ts'
import type { Effect } from '../../src/vrrp/effect.ts'
import { addressesOf, addressKey, emptyEngine, type EngineState, type Event } from '../../src/vrrp/state.ts'
import { checkedStep } from './checked-step.ts'
import { ip } from './instances.ts'
import { anInterface } from './story.ts'

/** What a director has to run: instances with the priorities that it gives them. */
export interface Setup {
  readonly instances: readonly VrrpInstance[]
  readonly groups: readonly SyncGroup[]
}

/** A host with a director, and the virtual addresses that its kernel has, each until when. */
export interface Host {
  readonly source: string
  state: EngineState
  running: boolean
  up: boolean
  /** Before that, nobody on the link knows where its source address is. */
  knownAt: number
  readonly addresses: Map<string, { readonly address: VirtualAddress; readonly until: number }>
}

interface Packet {
  readonly at: number
  readonly from: Host
  readonly vrid: number
  readonly priority: number
  readonly interval: Millis
}

/** How long a host asks for a neighbour before it asks again (Linux). */
const RETRANSMISSION = 1000

/**
 * Whole hosts in virtual time: engines, kernels with addresses that expire, a link, and neighbours that have to be
 * found. After every effect it is checked that no address is away that a master of the host has had and still has.
 */
export class World {
  readonly hosts: readonly Host[]
  now = 0
  /** Whether the news of where a source address is gets lost. */
  losesIntroductions = false
  #packets: Packet[] = []

  constructor(count: number) {
    this.hosts = Array.from({ length: count }, (_, i) => ({
      source: `10.0.0.${i + 1}`,
      state: emptyEngine,
      running: false,
      up: true,
      knownAt: 0,
      addresses: new Map(),
    }))
  }

  start(host: Host, { instances, groups }: Setup): void {
    Object.assign(host, { state: emptyEngine, running: true })
    // All that is there was put there by the director before.
    const remembered = [...host.addresses.values()].map(({ address, until }) => ({
      address,
      router: 'before',
      expires: until < Infinity,
    }))
    this.#feed(host, { type: 'inherit', addresses: remembered })
    this.#feed(host, { type: 'configure', instances, groups, linkDelays: [], results: [] })
    this.#tellNetwork(host)
  }

  reload(host: Host, { instances, groups }: Setup): void {
    this.#feed(host, { type: 'configure', instances, groups, linkDelays: [], results: [] })
  }

  stop(host: Host): void {
    this.#feed(host, { type: 'stop', keepAddresses: true })
  }

  plug(host: Host, up: boolean): void {
    host.up = up
    host.knownAt = up ? this.now + RETRANSMISSION : Infinity
    this.#tellNetwork(host)
  }

  /** Runs until `end`; calls `check` after every event. */
  run(end: number, check: () => void = () => {}): void {
    for (;;) {
      const timers = this.hosts.map((host) => (host.running ? (nextDeadline(host.state) ?? Infinity) : Infinity))
      const timer = Math.min(...timers)
      const packet = this.#packets.toSorted((a, b) => a.at - b.at)[0]
      const at = Math.min(timer, packet?.at ?? Infinity)
      if (at > end) break
      this.now = Math.max(this.now, at)
      for (const host of this.hosts) {
        for (const [key, { until }] of host.addresses) if (until <= this.now) host.addresses.delete(key)
      }
      const due = this.hosts[timers.indexOf(timer)]
      if (packet !== undefined && packet.at <= at) {
        this.#packets = this.#packets.filter((other) => other !== packet)
        for (const host of this.hosts) if (host !== packet.from) this.#hear(host, packet)
      } else if (due !== undefined) this.#feed(due, { type: 'deadline' })
      check()
    }
    this.now = end
  }

  /** The running hosts that are master of this router. */
  masters(vrid: number): readonly Host[] {
    return this.hosts.filter(
      ({ running, state }) =>
        running &&
        [...state.members.values()].some((each) => each.config.vrid === vrid && each.state.name === 'master'),
    )
  }

  holders(address: VirtualAddress): readonly Host[] {
    return this.hosts.filter(({ addresses }) => addresses.has(addressKey(address)))
  }

  #hear(host: Host, { from, vrid, priority, interval }: Packet): void {
    if (!host.running || !host.up || !from.up || this.now < host.knownAt) return
    const member = [...host.state.members.values()].find(({ config }) => config.vrid === vrid)
    if (member === undefined) return
    this.#feed(host, { type: 'advert', instance: member.config.name, source: ip(from.source), priority, interval })
  }

  #tellNetwork(host: Host): void {
    const virtual = [...host.addresses.values()].map(({ address }) => ({
      ...address,
      primary: false,
      tentative: false,
    }))
    const addresses = [{ address: ip(host.source), prefix: 24, primary: true, tentative: false }, ...virtual]
    this.#feed(host, { type: 'network', interfaces: [anInterface('eth0', { up: host.up, addresses })] })
  }

  #feed(host: Host, event: Event): void {
    const before = mastersAddresses(host.state)
    const { state, effects } = checkedStep(host.state, event, millis(this.now))
    host.state = state
    const after = mastersAddresses(state)
    const lasting = [...before].filter((key) => after.has(key))
    for (const effect of effects) {
      this.#carryOut(host, effect)
      expect([...host.addresses.keys()]).toEqual(expect.arrayContaining(lasting))
    }
    expect([...host.addresses.keys()]).toEqual(expect.arrayContaining([...after]))
    for (const key of after) expect(host.addresses.get(key)?.until).toBe(Infinity)
    const changed = effects.some(({ type }) => type === 'add' || type === 'remove' || type === 'expire')
    if (changed) this.#tellNetwork(host)
    if (isFinished(state)) host.running = false
  }

  #carryOut(host: Host, effect: Effect): void {
    switch (effect.type) {
      case 'add':
      case 'restore':
      case 'renew':
        for (const { address } of effect.addresses) {
          host.addresses.set(addressKey(address), { address, until: Infinity })
        }
        break
      case 'expire':
        for (const { address } of effect.addresses) {
          host.addresses.set(addressKey(address), { address, until: this.now + effect.after })
        }
        break
      case 'remove':
        for (const address of effect.addresses) host.addresses.delete(addressKey(address))
        break
      case 'add-routing':
      case 'restore-routing':
      case 'abandon-routing':
      case 'remove-routing':
        break
      case 'advertise': {
        const { instance, priority } = effect
        this.#packets.push({
          at: this.now + 1,
          from: host,
          vrid: instance.vrid,
          priority,
          interval: instance.advertInt,
        })
        break
      }
      case 'introduce':
        if (host.up && !this.losesIntroductions) host.knownAt = Math.min(host.knownAt, this.now)
        break
      case 'announce':
      case 'transition':
      case 'priority':
      case 'rival':
      case 'yielded':
      case 'resumed':
        break
    }
  }
}

const mastersAddresses = ({ members }: EngineState): ReadonlySet<string> =>
  new Set(
    [...members.values()]
      .filter(({ state }) => state.name === 'master')
      .flatMap(({ config }) => addressesOf(config).map(addressKey)),
  )
