import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ForwardPlan } from '../../balance/plan.ts'
import { bpfDirectory } from '../../linux/bpffs.ts'
import type { IcmpLimits } from '../../linux/icmp-limits.ts'
import { BpfObject, type ObjectOptions } from '../../linux/bpf-object.ts'
import { openPinned, pin, testRun, u32 } from '../../linux/libbpf.ts'
import type { LibbpfLog } from '../../linux/libbpf-log.ts'
import { calls, SystemError } from '../../linux/libc.ts'
import { LOOPBACK_IFINDEX } from '../../linux/loopback.ts'
import type { Connection } from '../../model/connection.ts'
import type { Counters } from '../../model/counters.ts'
import type { Switches, Timeouts } from '../../model/ipvs.ts'
import type { Hops } from '../../model/next-hop.ts'
import type { OtherDirector } from '../../model/other-director.ts'
import type { Traced } from '../../model/trace.ts'
import type { Address } from '../../net/address.ts'
import { type Millis, millis } from '../../time.ts'
import { CoreFullError } from '../backend.ts'
import type { AccessLists } from './access-lists.ts'
import { AddressSet } from './address-set.ts'
import { Attachment, type Hook } from './attachment.ts'
import { type CoreMaps, type CoreMemory, emptyMemory } from './core-memory.ts'
import { CoreReader, type Drops } from './core-reader.ts'
import type { CoreState } from './core-state.ts'
import { CoreWriter } from './core-writer.ts'
import { type Difference, difference } from './difference.ts'
import { lackingFeatures } from './kernel.ts'
import { checkLayout } from './layout-check.ts'
import { DEFAULT_MAX_CONNECTIONS, LAYOUT_VERSION, MAX_DESTS, MAX_LINKS } from './layout/bounds.ts'
import { encodeForget, FORGET_REQUEST } from './layout/connection-layout.ts'
import { encodeErrorRate } from './layout/error-rate-layout.ts'
import { encodeLink } from './layout/link-layout.ts'
import { viewOf } from './layout/struct.ts'
import { SWEEP_RESULT } from './layout/sweep-layout.ts'
import { NatServers } from './nat-servers.ts'
import { OtherDirectors } from './other-directors.ts'
import { leaveOwnClients, serveOwnClients } from './own-clients.ts'
import { PINNED_MAPS, pinMissing } from './pins.ts'
import { removeCore, removeVersion } from './removal.ts'
import { CoreSettings } from './settings.ts'
import { nextSweep } from './sweep.ts'
import { decodeTrace } from './trace.ts'
import { XdpAttachment, type XdpRefusal } from './xdp.ts'

const PROGRAMS = ['tanist_ingress', 'tanist_sweep', 'tanist_forget', 'tanist_trace', 'tanist_xdp'] as const
const OBJECT = fileURLToPath(new URL('./bpf/tanist.bpf.o', import.meta.url))

/** Those that grow with the number of connections. */
const TABLES = ['connections', 'connections6', 'replies', 'replies6'] as const

/** Share of a full table from which on half-open connections are dropped. */
const DEFEND_FROM_SHARE = 0.75

/** A link of this host by which packets come in. */
export interface IngressLink {
  readonly index: number
  readonly mac: Uint8Array
  readonly xdp: boolean
}

export interface CoreOptions {
  readonly hook?: Hook
  /** Connections that the table of each family has room for. */
  readonly maxConnections?: number
  /** Is told what libbpf and the verifier say. */
  readonly log?: LibbpfLog
  /** From `loadProgram`, with empty maps: one that is used instead of loading another one. */
  readonly loaded?: BpfObject
}

/**
 * The program, and maps of its own but for those that it takes over. Throws LayoutError; SystemError; or an Error that says what the kernel
 * lacks, if that is why.
 */
export function loadProgram(
  maxConnections = DEFAULT_MAX_CONNECTIONS,
  reuse: ObjectOptions['reuse'] = new Map(),
  log?: LibbpfLog,
): BpfObject {
  const sizes = new Map(TABLES.map((table) => [table, maxConnections]))
  try {
    return new BpfObject(OBJECT, { reuse, sizes, without: ['tanist_trace', 'tanist_xdp'], log, check: checkLayout })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    const [lacking] = lackingFeatures()
    throw lacking === undefined ? error : new Error(lacking, { cause: error })
  }
}

/**
 * The loaded program and its maps, of one director. Opening takes over what an earlier daemon of the same name has left,
 * connections and all.
 */
export class Core {
  readonly #name: string
  readonly #log: LibbpfLog | undefined
  readonly #directory: string
  readonly #object: BpfObject
  readonly #maps: CoreMaps
  readonly #memory: CoreMemory
  readonly #reader: CoreReader
  readonly #writer: CoreWriter
  /** From which nobody else may open connections. */
  readonly ownAddresses: AddressSet
  readonly #closedAddresses: AddressSet
  readonly #otherDirectors: OtherDirectors
  readonly #natServers: NatServers
  #knowsNatServers: boolean
  readonly #attachment: Attachment
  readonly #xdp: XdpAttachment
  readonly #sweepProgram: number
  readonly #forgetProgram: number
  readonly #settings: CoreSettings
  #markIfindex: number | undefined
  #acceptLocalWasOff = false
  /** Whether the maps of an earlier daemon were taken over. */
  readonly adopted: boolean

  /**
   * `name` tells directors on one machine apart; `hook` is the preferred way to attach; a table that an earlier daemon has
   * left keeps its size. Throws SystemError or LayoutError.
   */
  constructor(name: string, { hook = 'tcx', maxConnections, log, loaded }: CoreOptions = {}) {
    this.#name = name
    this.#log = log
    const home = bpfDirectory('tanist', name)
    const version = `v${LAYOUT_VERSION}`
    // Maps of another layout cannot be read, and two programs must not answer for one packet.
    for (const other of readdirSync(home)) {
      if (other !== version) removeVersion(`${home}/${other}`)
    }
    this.#directory = bpfDirectory('tanist', name, version)
    const pinned = new Map<string, number>()
    for (const map of PINNED_MAPS) {
      const fd = openPinned(`${this.#directory}/${map}`)
      if (fd !== undefined) pinned.set(map, fd)
    }
    this.adopted = pinned.size === PINNED_MAPS.length
    this.#object = loaded ?? loadProgram(maxConnections, this.adopted ? pinned : new Map(), log)
    for (const fd of pinned.values()) calls.close(fd)
    const object = this.#object
    // Object.fromEntries cannot know that PINNED_MAPS names every key.
    this.#maps = Object.fromEntries(PINNED_MAPS.map((map) => [map, object.map(map)])) as CoreMaps
    this.#settings = new CoreSettings(this.#maps.settings, this.#defendFrom, this.adopted)
    this.#markIfindex = this.#settings.markIfindex
    this.ownAddresses = new AddressSet(this.#maps.own_addresses)
    this.#closedAddresses = new AddressSet(this.#maps.closed_addresses)
    this.#otherDirectors = new OtherDirectors(this.#maps.other_directors)
    this.#natServers = new NatServers(this.#maps.nat_servers)
    this.#knowsNatServers = this.#settings.switches.natIcmpSend
    this.#memory = emptyMemory(this.#maps)
    this.#reader = new CoreReader(this.#maps, this.#memory)
    this.#writer = new CoreWriter(this.#maps, this.#memory)
    if (this.adopted) this.#reader.recall()
    else this.#pinMaps()
    this.#attachment = new Attachment(this.program, `${this.#directory}/links`, hook)
    this.#xdp = new XdpAttachment(`${this.#directory}/xdp`, () => this.#alone('tanist_xdp').program('tanist_xdp'))
    this.#sweepProgram = object.program('tanist_sweep')
    this.#forgetProgram = object.program('tanist_forget')
  }

  /**
   * Has the program on exactly these links, and on the one by which packets with a firewall's mark come in, if there is one; and XDP
   * on those that are to have it. Returns the ones among them that cannot.
   */
  attach(links: readonly IngressLink[], markIfindex: number | undefined): XdpRefusal[] {
    if (markIfindex !== this.#markIfindex) {
      this.#markIfindex = markIfindex
      this.#settings.change({ markIfindex: markIfindex ?? 0 })
    }
    const ifindexes = links.map(({ index }) => index)
    const ownClients = ifindexes.includes(LOOPBACK_IFINDEX)
    if (ownClients) this.#acceptLocalWasOff = serveOwnClients(this.#directory, this.#acceptLocalWasOff)
    else leaveOwnClients(this.#directory)
    this.#settings.change({ ownClients })
    this.#attachment.follow(markIfindex === undefined ? ifindexes : [...ifindexes, markIfindex])
    const refused = this.#xdp.follow(links.flatMap(({ index, xdp }) => (xdp && index < MAX_LINKS ? [index] : [])))
    for (const { index, mac } of links) {
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
    const found = difference({ services: this.services(), dests: this.destinations() }, plan, hops)
    if (found.leftOut.length > 0 && !partly) throw new CoreFullError('real servers', MAX_DESTS)
    this.#writer.write(found.writes)
    this.#followNatServers()
    return found
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
    const result = new Uint8Array(SWEEP_RESULT.bytes)
    const begun = performance.now() // the kernel does not say how long a syscall program ran
    testRun(this.#sweepProgram, { context: result })
    const visited = viewOf(result).getUint32(SWEEP_RESULT.at.visited, true)
    return nextSweep(millis(performance.now() - begun), visited, this.#defendFrom)
  }

  /** See CoreReader, as for the next four. */
  services(): CoreState['services'] {
    return this.#reader.services()
  }

  destinations(): CoreState['dests'] {
    return this.#reader.destinations()
  }

  counters(of: 'service' | 'dest', slots: Iterable<number>): ReadonlyMap<number, Counters> {
    return this.#reader.counters(of, slots)
  }

  connections(): Generator<Connection> {
    return this.#reader.connections()
  }

  drops(): Drops {
    return this.#reader.drops()
  }

  /** Who may open connections, and what they have decided. */
  get access(): Pick<AccessLists, 'readings'> {
    return this.#memory.access
  }

  /** Runs the program on a packet that came in, without a trace of it. Throws SystemError. */
  trace(frame: Uint8Array, mark: number): Traced {
    const object = this.#alone('tanist_trace')
    try {
      const context = new Uint8Array(new Uint32Array([0, 0, mark]).buffer) // struct __sk_buff: len, pkt_type, mark
      const run = testRun(object.program('tanist_trace'), { packet: frame, context, answers: true })
      const [rule = 0, slot = 0, access = 0] = run.answers
      const decided = access === 0 ? undefined : this.#memory.access.at(access - 1)
      return decodeTrace(run, rule, rule === 0 ? undefined : this.#memory.dests.get(slot), decided)
    } finally {
      object.close()
    }
  }

  /** One more program on the same maps. Throws SystemError. */
  #alone(program: 'tanist_trace' | 'tanist_xdp'): BpfObject {
    const reuse = new Map(PINNED_MAPS.map((map) => [map, this.#maps[map].fd]))
    return new BpfObject(OBJECT, { reuse, without: PROGRAMS.filter((other) => other !== program), log: this.#log })
  }

  /** Takes a connection out of the table; its client must open a new one. False when it is gone already. */
  forget(connection: Pick<Connection, 'protocol' | 'client' | 'virtual'>): boolean {
    const request = encodeForget(connection)
    testRun(this.#forgetProgram, { context: request })
    return viewOf(request).getUint32(FORGET_REQUEST.at.found, true) === 1
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
    return Math.floor(this.maxConnections * DEFEND_FROM_SHARE)
  }

  get timeouts(): Timeouts {
    return this.#settings.timeouts
  }

  /** Connections that are armed from now on have these. */
  setTimeouts(timeouts: Timeouts): void {
    this.#settings.change({ timeouts })
  }

  setSwitches(switches: Switches): void {
    this.#knowsNatServers = switches.natIcmpSend
    this.#followNatServers()
    this.#settings.change({ switches })
  }

  /** What these have balanced is not balanced again; what any other host sends is. Throws SystemError. */
  setOtherDirectors(directors: readonly OtherDirector[]): void {
    this.#settings.change({ directorMacs: this.#otherDirectors.follow(directors) })
  }

  /** What comes for one of these, while this host has it, and is no service's is dropped. Throws SystemError. */
  setClosedAddresses(addresses: readonly Address[]): void {
    this.#closedAddresses.follow(addresses)
    this.#settings.change({ closed: addresses.length > 0 })
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

  /** Gives the files back; the program and its maps go on working. */
  close(): void {
    for (const map of Object.values(this.#memory.chunked)) map.close()
    this.#object.close()
  }

  /** Takes the program off every interface and forgets everything, as keepalived empties LVS. */
  remove(): void {
    this.close()
    removeCore(this.#name)
  }

  #followNatServers(): void {
    this.#natServers.follow(this.#knowsNatServers ? this.#memory.dests : [])
  }

  #pinMaps(): void {
    for (const map of PINNED_MAPS) {
      const path = `${this.#directory}/${map}`
      rmSync(path, { force: true })
      pin(this.#maps[map].fd, path)
    }
  }
}
