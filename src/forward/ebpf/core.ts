import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Traffic } from '../../model/traffic.ts'
import type { ForwardPlan } from '../../balance/plan.ts'
import { bpfDirectory } from '../../linux/bpffs.ts'
import {
  type BpfMap,
  BpfObject,
  createInnerArray,
  type ObjectOptions,
  openPinned,
  pin,
  possibleCpus,
  testRun,
  u32,
} from '../../linux/libbpf.ts'
import type { IcmpLimits } from '../../linux/icmp-limits.ts'
import { calls } from '../../linux/libc.ts'
import { LOOPBACK_IFINDEX } from '../../linux/loopback.ts'
import { type Millis, millis } from '../../time.ts'
import { Attachment, type Hook } from './attachment.ts'
import { decodeConnection, decodeTemplate } from './connections.ts'
import type { Connection } from '../../model/connection.ts'
import {
  decodeDest,
  decodeLoad,
  decodeService,
  decodeServiceKey,
  DEFAULT_MAX_CONNECTIONS,
  DEFENCE_SHARE,
  encodeForget,
  encodeLink,
  DROP_REASONS,
  type DestEntry,
  encodeService,
  encodeServiceKey,
  encodeTable,
  layDest,
  LAYOUT_VERSION,
  type Load,
  MAX_DESTS,
  MAX_LINKS,
  SIZE,
  sumCounters,
  sumU64,
} from './layout.ts'
import type { Hops } from '../../model/next-hop.ts'
import { AccessLists } from './access-lists.ts'
import { encodeErrorRate } from './error-rate.ts'
import { lackingFeatures } from './kernel.ts'
import { PINNED_MAPS, pinMissing } from './pins.ts'
import { removeCore, removeVersion } from './removal.ts'
import { CoreSettings } from './settings.ts'
import type { Switches, Timeouts } from '../../model/ipvs.ts'
import { decodeTrace } from './trace.ts'
import type { Traced } from '../../model/trace.ts'
import type { CoreState } from './core-state.ts'
import { type Difference, difference } from './difference.ts'
import { type LaidTable, resume } from './laid-table.ts'
import { LocalPools } from './local-pools.ts'
import { OwnAddresses } from './own-addresses.ts'
import { leaveOwnClients, serveOwnClients } from './own-clients.ts'
import { nextSweep } from './sweep.ts'
import type { Write } from './write.ts'
import { XdpAttachment, type XdpRefusal } from './xdp.ts'
import { CoreFullError } from '../backend.ts'

const PROGRAMS = ['tanist_ingress', 'tanist_sweep', 'tanist_forget', 'tanist_trace', 'tanist_xdp'] as const
const OBJECT = fileURLToPath(new URL('./bpf/tanist.bpf.o', import.meta.url))

/** Those that grow with the number of connections. */
const TABLES = ['connections', 'connections6', 'replies', 'replies6'] as const

/** An interface that packets come in by. */
export interface Port {
  readonly index: number
  readonly mac: Uint8Array
  readonly xdp: boolean
}

export interface CoreOptions {
  readonly hook?: Hook
  /** Connections that the table of each family has room for. */
  readonly maxConnections?: number
}

/** Throws SystemError; or an Error that says what the kernel lacks, if that is why. */
function load(options: ObjectOptions): BpfObject {
  try {
    return new BpfObject(OBJECT, options)
  } catch (error) {
    const [lacking] = lackingFeatures()
    throw lacking === undefined ? error : new Error(lacking, { cause: error })
  }
}

/**
 * The forwarding core of one director: the loaded program and its maps. Opening takes over what an earlier daemon of the
 * same name has left, traffic and all.
 */
export class Core {
  readonly #name: string
  readonly #home: string
  readonly #directory: string
  readonly #object: BpfObject
  readonly #maps: Readonly<Record<(typeof PINNED_MAPS)[number], BpfMap>>
  readonly #localPools: LocalPools
  /** Who may open connections. */
  readonly access: AccessLists
  /** From which nobody else may open connections. */
  readonly ownAddresses: OwnAddresses
  readonly #attachment: Attachment
  readonly #xdp: XdpAttachment
  readonly #sweepProgram: number
  readonly #forgetProgram: number
  readonly #dests = new Map<number, DestEntry>()
  /** What was written, and the cursor that it began with. */
  readonly #tables = new Map<number, { readonly table: LaidTable; readonly begun: number }>()
  readonly #cpus = possibleCpus()
  readonly #settings: CoreSettings
  #markIfindex: number | undefined
  #acceptLocalWasOff = false
  /** Whether the maps of an earlier daemon were taken over. */
  readonly adopted: boolean

  /**
   * `name` tells directors on one machine apart; `hook` is the preferred way to attach; a table that an earlier daemon has
   * left keeps its size. Throws SystemError.
   */
  constructor(name: string, { hook = 'tcx', maxConnections = DEFAULT_MAX_CONNECTIONS }: CoreOptions = {}) {
    this.#name = name
    this.#home = bpfDirectory('tanist', name)
    const version = `v${LAYOUT_VERSION}`
    // Maps of another layout cannot be read, and two programs must not answer for one packet.
    for (const other of readdirSync(this.#home)) {
      if (other !== version) removeVersion(`${this.#home}/${other}`)
    }
    this.#directory = bpfDirectory('tanist', name, version)
    const pinned = new Map<string, number>()
    for (const map of PINNED_MAPS) {
      const fd = openPinned(`${this.#directory}/${map}`)
      if (fd !== undefined) pinned.set(map, fd)
    }
    this.adopted = pinned.size === PINNED_MAPS.length
    this.#object = load({
      reuse: this.adopted ? pinned : new Map(),
      sizes: new Map(TABLES.map((table) => [table, maxConnections])),
      without: ['tanist_trace', 'tanist_xdp'],
    })
    for (const fd of pinned.values()) calls.close(fd)
    const object = this.#object
    // Object.fromEntries cannot know that PINNED_MAPS names every key.
    this.#maps = Object.fromEntries(PINNED_MAPS.map((map) => [map, object.map(map)])) as Record<
      (typeof PINNED_MAPS)[number],
      BpfMap
    >
    this.#settings = new CoreSettings(this.#maps.settings, this.#defendFrom, this.adopted)
    this.#markIfindex = this.#settings.markIfindex
    this.#localPools = new LocalPools(this.#maps.local_pools)
    this.access = new AccessLists(this.#maps.access_lists, this.#maps.access_hits)
    this.ownAddresses = new OwnAddresses(this.#maps.own_addresses)
    if (this.adopted) {
      this.#readDests()
      this.#localPools.read()
      this.access.read()
    } else this.#pinMaps()
    this.#attachment = new Attachment(this.program, `${this.#directory}/links`, hook)
    this.#xdp = new XdpAttachment(`${this.#directory}/xdp`, () => this.#alone('tanist_xdp').program('tanist_xdp'))
    this.#sweepProgram = object.program('tanist_sweep')
    this.#forgetProgram = object.program('tanist_forget')
  }

  /**
   * Has the program on exactly these interfaces, and on the link by which packets with a firewall's mark come in, if there is
   * one; and XDP on those that are to have it. Returns the ones among them that cannot.
   */
  attach(interfaces: readonly Port[], markIfindex: number | undefined): XdpRefusal[] {
    if (markIfindex !== this.#markIfindex) {
      this.#markIfindex = markIfindex
      this.#settings.change({ markIfindex: markIfindex ?? 0 })
    }
    const ifindexes = interfaces.map(({ index }) => index)
    const ownClients = ifindexes.includes(LOOPBACK_IFINDEX)
    if (ownClients) this.#acceptLocalWasOff = serveOwnClients(this.#directory, this.#acceptLocalWasOff)
    else leaveOwnClients(this.#directory)
    this.#settings.change({ ownClients })
    this.#attachment.follow(markIfindex === undefined ? ifindexes : [...ifindexes, markIfindex])
    const refused = this.#xdp.follow(interfaces.flatMap(({ index, xdp }) => (xdp && index < MAX_LINKS ? [index] : [])))
    for (const { index, mac } of interfaces) {
      if (index >= MAX_LINKS) continue
      if (this.#xdp.has(index)) this.#maps.transmit_ports.update(u32(index), u32(index))
      this.#maps.interfaces.update(u32(index), encodeLink(mac, this.#xdp.has(index)))
    }
    return refused
  }

  /** The interfaces that programs of the core are on. */
  get attached(): readonly { readonly ifindex: number; readonly hook: Hook | 'xdp' }[] {
    const tc = [...this.#attachment.hooks].map(([ifindex, hook]) => ({ ifindex, hook }))
    return [...tc, ...[...this.#xdp.interfaces].map((ifindex) => ({ ifindex, hook: 'xdp' as const }))]
  }

  /**
   * Makes the core do what the plan says; says what it wrote. Throws CoreFullError before the first write. With `partly` servers that
   * there is no room for are left out instead.
   */
  apply(plan: ForwardPlan, hops: Hops, partly = false): Difference {
    const state = { services: this.services(), dests: this.destinations() }
    const { writes, leftOut } = difference(state, plan, hops)
    if (leftOut.length > 0 && !partly) throw new CoreFullError('real servers', MAX_DESTS)
    const tables = writes.filter((write) => write.type === 'table')
    const lists = writes.filter((write) => write.type === 'access')
    for (const write of writes) {
      if (write.type !== 'table' && write.type !== 'access') this.#write(write)
      else if (write === tables[0]) this.#writeTables(tables)
      else if (write === lists[0]) this.access.write(lists)
    }
    return { writes, leftOut }
  }

  /**
   * Makes pins of maps again that somebody has removed, or a later daemon would find nothing. True when there were any, or when a
   * link has lost its pin; `attach` makes that one again. Throws SystemError.
   */
  restorePins(): boolean {
    bpfDirectory('tanist', this.#name, `v${LAYOUT_VERSION}`)
    const hadToPin = pinMissing(this.#directory, this.#maps)
    return hadToPin || !this.#attachment.isWhole || !this.#xdp.isWhole
  }

  /** Frees expired connections. Returns after how long the next sweep is due. */
  sweep(): Millis {
    const result = new Uint32Array(SIZE.sweep / 4) // struct sweep_result
    const begun = performance.now() // the kernel does not say how long a syscall program ran
    testRun(this.#sweepProgram, { context: new Uint8Array(result.buffer) })
    return nextSweep(millis(performance.now() - begun), result[0] ?? 0, this.#defendFrom)
  }

  /** Counters of services or real servers, by slot. */
  counters(of: 'service' | 'dest', slots: Iterable<number>): ReadonlyMap<number, Traffic> {
    const wanted = [...slots]
    const read = this.#bySlot(this.#maps[`${of}_counters`], wanted, SIZE.counters * this.#cpus)
    return new Map(wanted.map((slot) => [slot, sumCounters(read(slot))]))
  }

  /** Every real server that the core knows, and its connections. One that is gone is known until its last one has ended. */
  destinations(): CoreState['dests'] {
    const found = new Map<number, { dest: DestEntry; load: Load }>()
    const read = this.#bySlot(this.#maps.loads, this.#dests.keys(), SIZE.load)
    for (const [slot, dest] of this.#dests) {
      const load = decodeLoad(read(slot))
      if (dest.state === 'present' || load.active > 0 || load.inactive > 0) found.set(slot, { dest, load })
      else this.#dests.delete(slot)
    }
    return found
  }

  /** Every service that the core has, one for each key that leads to it. */
  services(): CoreState['services'] {
    return [...this.#maps.services.entries(SIZE.serviceKey, SIZE.service)].map(([key, value]) => {
      const entry = decodeService(value)
      return {
        key: decodeServiceKey(key),
        entry,
        table: this.#tables.get(entry.slot)?.table,
        localAddresses: this.#localPools.addresses(entry.slot),
        access: this.access.entries(entry.slot),
      }
    })
  }

  /** Connections, then templates, as they are while the list is read. */
  *connections(): Generator<Connection> {
    const nowNs = process.hrtime.bigint()
    const destOf = (slot: number) => this.#dests.get(slot)
    for (const [map, keySize, family] of [
      ['connections', SIZE.flow4, 4],
      ['connections6', SIZE.flow, 6],
    ] as const) {
      for (const [key, value] of this.#maps[map].entries(keySize, SIZE.connection)) {
        const connection = decodeConnection({ family, key, value }, destOf, nowNs)
        if (connection !== undefined) yield connection
      }
    }
    for (const [key, value] of this.#maps.templates.entries(SIZE.templateKey, SIZE.template)) {
      const call = new Uint8Array(SIZE.callId)
      const named = key.subarray(20).some((byte) => byte !== 0) && this.#maps.call_ids.lookup(key, call)
      const template = decodeTemplate({ key, value, call: named ? call : undefined }, destOf, nowNs)
      if (template !== undefined) yield template
    }
  }

  /** Runs the program on a packet that came in, without a trace of it. Throws SystemError. */
  trace(frame: Uint8Array, mark: number): Traced {
    const object = this.#alone('tanist_trace')
    try {
      const context = new Uint8Array(new Uint32Array([0, 0, mark]).buffer) // struct __sk_buff: len, pkt_type, mark
      const run = testRun(object.program('tanist_trace'), { packet: frame, context, answers: true })
      const [rule = 0, slot = 0, access = 0] = run.answers
      const decided = access === 0 ? undefined : this.access.at(access - 1)
      return decodeTrace(run, rule, rule === 0 ? undefined : this.#dests.get(slot), decided)
    } finally {
      object.close()
    }
  }

  /** One more program on the same maps. Throws SystemError. */
  #alone(program: 'tanist_trace' | 'tanist_xdp'): BpfObject {
    const reuse = new Map(PINNED_MAPS.map((map) => [map, this.#maps[map].fd]))
    return new BpfObject(OBJECT, { reuse, without: PROGRAMS.filter((other) => other !== program) })
  }

  /** Takes a connection out of the table; its client must open a new one. False when it is gone already. */
  forget(connection: Pick<Connection, 'protocol' | 'client' | 'virtual'>): boolean {
    const request = encodeForget(connection)
    testRun(this.#forgetProgram, { context: request })
    return request[SIZE.forget - 4] === 1
  }

  /** The program on tc, by its file descriptor, to be run on made packets. */
  get program(): number {
    return this.#object.program('tanist_ingress')
  }

  /** Connections that the table of one family has room for. */
  get maxConnections(): number {
    return this.#object.maxEntries('connections')
  }

  get #defendFrom(): number {
    return Math.floor(this.maxConnections * DEFENCE_SHARE)
  }

  get timeouts(): Timeouts {
    return this.#settings.timeouts
  }

  /** Connections that are armed from now on have these. */
  setTimeouts(timeouts: Timeouts): void {
    this.#settings.change({ timeouts })
  }

  setSwitches(switches: Switches): void {
    this.#settings.change({ switches })
  }

  /** How many ICMP errors the program makes. Until this is called there is no limit. */
  setErrorRate(limits: IcmpLimits): void {
    this.#object.map('error_rates').update(u32(0), encodeErrorRate(limits))
  }

  /**
   * When it is to become inert, on the kernel's monotonic clock; 0: never. Until then it works as ever, with nobody to steer it. A
   * core that is taken over keeps what an earlier daemon has set until this is called.
   */
  setInertAt(inertAtNs: bigint): void {
    this.#settings.change({ inertAtNs })
  }

  /** Packets dropped so far, by reason. */
  drops(): Readonly<Record<(typeof DROP_REASONS)[number], bigint>> {
    const entries = DROP_REASONS.map((reason, i): [(typeof DROP_REASONS)[number], bigint] => {
      const value = new Uint8Array(8 * this.#cpus)
      this.#maps.drops.lookup(u32(i), value)
      return [reason, sumU64(value)]
    })
    // fromEntries forgets that every reason is there.
    return Object.fromEntries(entries) as Record<(typeof DROP_REASONS)[number], bigint>
  }

  /** Gives the files back; the program and its maps go on working. */
  close(): void {
    this.#object.close()
  }

  /** Takes the program off every interface and forgets everything, as keepalived empties LVS. */
  remove(): void {
    this.close()
    removeCore(this.#name)
  }

  #pinMaps(): void {
    for (const map of PINNED_MAPS) {
      const path = `${this.#directory}/${map}`
      rmSync(path, { force: true })
      pin(this.#maps[map].fd, path)
    }
  }

  #readDests(): void {
    const all = [...Array(MAX_DESTS).keys()]
    const read = this.#bySlot(this.#maps.dests, all, SIZE.dest)
    for (const slot of all) {
      const dest = decodeDest(read(slot))
      if (dest !== undefined) this.#dests.set(slot, dest)
    }
  }

  /** The values of an array map at some of its slots; those before them are read with them. */
  #bySlot(map: BpfMap, slots: Iterable<number>, size: number): (slot: number) => Uint8Array {
    const values = map.first(Math.max(-1, ...slots) + 1, size)
    return (slot) => values.subarray(slot * size, (slot + 1) * size)
  }

  /** Where a service's round robin goes on with a new table. */
  #resumedCursor(slot: number, table: LaidTable): number {
    const known = this.#tables.get(slot)
    if (known === undefined) return table.start
    const value = new Uint8Array(8)
    this.#maps.cursors.lookup(u32(slot), value)
    const cursor = new DataView(value.buffer).getBigUint64(0, true)
    const { length } = known.table.slots
    const next = length === 0 ? 0 : Number(cursor % BigInt(length))
    return resume(known.table, next, cursor !== BigInt(known.begun), table)
  }

  /**
   * Puts tables into place, each in one step. When it returns, no packet uses one from before any more: the kernel waits for those
   * that do.
   */
  #writeTables(writes: readonly Extract<Write, { type: 'table' }>[]): void {
    const laid = writes.map(({ slot, table }) => ({
      slot,
      table,
      begun: this.#resumedCursor(slot, table),
      inner: createInnerArray(encodeTable(table)),
    }))
    this.#maps.tables.updateAll(laid.map(({ slot, inner }) => [u32(slot), u32(inner.fd)]))
    for (const { slot, table, begun, inner } of laid) {
      this.#maps.cursors.update(u32(slot), new Uint8Array(BigUint64Array.of(BigInt(begun)).buffer))
      calls.close(inner.fd)
      this.#tables.set(slot, { table, begun })
    }
  }

  #writeDest({ slot, dest, fresh }: Extract<Write, { type: 'dest' }>): void {
    const before = new Uint8Array(SIZE.dest)
    this.#maps.dests.lookup(u32(slot), before)
    for (const value of layDest(dest, before, fresh)) this.#maps.dests.update(u32(slot), value)
    this.#dests.set(slot, dest)
  }

  #write(write: Exclude<Write, { type: 'table' | 'access' }>): void {
    switch (write.type) {
      case 'dest':
        if (write.fresh) {
          this.#maps.loads.update(u32(write.slot), new Uint8Array(SIZE.load))
          this.#maps.overloads.update(u32(write.slot), u32(0))
          this.#maps.dest_counters.update(u32(write.slot), new Uint8Array(SIZE.counters * this.#cpus))
        }
        this.#writeDest(write)
        break
      case 'pool':
        this.#localPools.write(write.slot, write.addresses)
        break
      case 'overload':
        this.#maps.overloads.update(u32(write.slot), u32(Number(write.is)))
        break
      case 'service':
        if (write.fresh) {
          const nothing = new Uint8Array(SIZE.counters * this.#cpus)
          this.#maps.service_counters.update(u32(write.entry.slot), nothing)
          for (const slot of write.left) this.#maps.dest_counters.update(u32(slot), nothing)
        }
        this.#maps.services.update(encodeServiceKey(write.key), encodeService(write.entry))
        break
      case 'delete-service':
        if (write.last) {
          this.#tables.delete(write.slot)
          this.#localPools.write(write.slot, [])
        }
        this.#maps.services.delete(encodeServiceKey(write.key))
        if (write.last) this.access.delete(write.slot)
        break
    }
  }
}
