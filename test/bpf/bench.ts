import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Counters } from '../../src/model/counters.ts'
import { type PlannedDestination, type PlannedService, planService } from '../../src/balance/plan.ts'
import type {
  AccessEntry,
  AddressService,
  Forwarding,
  Persistence,
  Protocol,
  Scheduler,
  SchedulerFlags,
  ServiceId,
} from '../../src/model/service.ts'
import { Core, type CoreOptions } from '../../src/forward/ebpf/core.ts'
import { LAYOUT_VERSION } from '../../src/forward/ebpf/layout/bounds.ts'
import { CONNECTION, FLOW, FLOW4 } from '../../src/forward/ebpf/layout/connection-layout.ts'
import { encodeLink } from '../../src/forward/ebpf/layout/link-layout.ts'
import { encodeServiceKey, SERVICE } from '../../src/forward/ebpf/layout/service-layout.ts'
import { WAY } from '../../src/forward/ebpf/layout/way-layout.ts'
import { PINNED_MAPS } from '../../src/forward/ebpf/pins.ts'
import { removeCore } from '../../src/forward/ebpf/removal.ts'
import { encodeSettings, NO_SWITCHES } from '../../src/forward/ebpf/layout/settings-layout.ts'
import type { Switches } from '../../src/model/ipvs.ts'
import type { Hop, Hops } from '../../src/model/next-hop.ts'
import { type Address, isIpv4 } from '../../src/net/address.ts'
import { BpfObject } from '../../src/linux/bpf-object.ts'
import { BpfMap, openInner, openPinned, testRun, u32 } from '../../src/linux/libbpf.ts'
import { calls } from '../../src/linux/libc.ts'
import { address, type Ends, FLAG, parse, tcp } from './packets.ts'
import { emptyProgram } from './shared-program.ts'

export const PASS = -1
export const DROP = 2
export const REDIRECT = 7
export const NAME = `test-${process.pid}`
const OBJECT = join(import.meta.dirname, '../../src/forward/ebpf/bpf/tanist.bpf.o')
/** 02:00:00:00:00:05 and 02:00:00:00:00:06, as the program holds them. */
export const SERVER_MAC = 0x0500_0000_0002n
export const CLIENT_MAC = 0x0600_0000_0002n
const PINS = `/sys/fs/bpf/tanist/${NAME}/v${LAYOUT_VERSION}`
export const VIP = '10.0.0.100'

/** The virtual address, the first servers and this director's address towards them, by family. */
export const NETWORK = {
  ipv4: { vip: VIP, servers: '192.168.1.', local: '192.168.1.1' },
  ipv6: { vip: '2001:db8::100', servers: '2001:db8:1::', local: '2001:db8:1::1' },
} as const
export type Family = keyof typeof NETWORK

const NO_FLAGS: SchedulerFlags = { port: false, fallback: false, third: false }

/** Of every server of some services. */
export const hopsTo = (services: readonly PlannedService[], hop: (address: Address) => Hop): Hops =>
  new Map(
    services.flatMap(({ destinations }) =>
      destinations.map(({ endpoint }): [Address, Hop] => [endpoint.address, hop(endpoint.address)]),
    ),
  )

/** The loaded program on hand-made packets. The core is set up through its own code; only the packets are made up. */
export class Bench {
  readonly core: Core
  readonly #program: number
  readonly #maps: ReadonlyMap<string, number>
  #offset = 0n
  #switches = NO_SWITCHES
  #inertAtNs = 0n
  #xdp: BpfObject | undefined
  readonly #isShared: boolean

  /** With options the program is loaded for this bench alone. */
  constructor(options?: CoreOptions) {
    this.#isShared = options === undefined
    this.core = new Core(NAME, options ?? { loaded: emptyProgram() })
    this.#program = this.core.program
    this.#maps = new Map(PINNED_MAPS.map((name) => [name, openPinned(`${PINS}/${name}`) ?? -1]))
  }

  serve(
    weights: readonly number[],
    options: {
      scheduler?: Scheduler
      flags?: SchedulerFlags
      forwarding?: Forwarding
      family?: Family
      /** Of the servers; the same as the virtual address's unless said. */
      serverFamily?: Family
      /** The servers are this director itself. */
      local?: boolean
      protocol?: Protocol
      port?: number
      mtu?: number
    } = {},
  ): this {
    const { scheduler = 'rr', forwarding = { method: 'NAT' }, protocol = 'TCP', port = 8080, mtu = 1500 } = options
    const { family = 'ipv4', serverFamily = family } = options
    const servers = weights.map((weight, i) => ({
      endpoint: { address: address(`${NETWORK[serverFamily].servers}${11 + i}`), port },
      forwarding,
      weight,
      fullWeight: weight,
      thresholds: { upper: 0, lower: 0 },
    }))
    return this.lay(servers, {
      scheduler,
      schedulerFlags: options.flags ?? NO_FLAGS,
      protocol,
      mtu,
      family,
      local: options.local ?? false,
    })
  }

  /** Puts servers behind the virtual address, in the order in which they were added. */
  lay(
    servers: readonly PlannedDestination[],
    options: {
      scheduler: Scheduler
      schedulerFlags?: SchedulerFlags
      persistence?: Persistence
      protocol?: Protocol
      mtu?: number
      /** Of the virtual address; 0 for every port. */
      port?: number
      family?: Family
      local?: boolean
      /** Another service than the virtual address. */
      id?: ServiceId
      onePacket?: boolean
      marked?: readonly AddressService[]
      localAddresses?: readonly string[]
      idleSeconds?: number
      access?: readonly AccessEntry[]
      throughFirewall?: boolean
    },
  ): this {
    const {
      scheduler,
      schedulerFlags = NO_FLAGS,
      persistence,
      protocol = 'TCP',
      mtu = 1500,
      port = 80,
      family = 'ipv4',
    } = options
    const service = planService(
      {
        id: options.id ?? { by: 'address', vip: { address: address(NETWORK[family].vip), port }, protocol },
        marked: options.marked ?? [],
        scheduler,
        schedulerFlags,
        persistence,
        onePacket: options.onePacket ?? false,
        localAddresses: options.localAddresses?.map(address) ?? [],
        idleSeconds: options.idleSeconds,
        access: options.access ?? [],
        throughFirewall: options.throughFirewall ?? false,
      },
      servers,
    )
    const hop = (neighbour: Address): Hop => {
      const source = address(NETWORK[isIpv4(neighbour) ? 'ipv4' : 'ipv6'].local)
      return options.local === true ? 'local' : { ifindex: 1, neighbour, mtu, source }
    }
    this.core.apply({ services: [service] }, hopsTo([service], hop))
    return this
  }

  /** Has a frame come in, whatever becomes of it; the verdict. `gsoSize`: it is yet to be cut into segments. */
  run(frame: Uint8Array, gsoSize = 0): number {
    const context = new Uint8Array(180)
    new DataView(context.buffer).setUint32(176, gsoSize, true) // struct __sk_buff
    return testRun(this.#program, { packet: frame, context }).result
  }

  /** The frame that leaves, as bytes. */
  sendRaw(frame: Uint8Array): Uint8Array {
    return testRun(this.#program, { packet: frame }).packet
  }

  /** What becomes of a frame, and its bytes, whatever they are. */
  pass(frame: Uint8Array): { readonly verdict: number; readonly frame: Uint8Array } {
    const { result, packet } = testRun(this.#program, { packet: frame })
    return { verdict: result, frame: packet }
  }

  /** What becomes of a frame that comes in. */
  send(frame: Uint8Array, mark = 0): { verdict: number; packet: ReturnType<typeof parse> } {
    // struct __sk_buff: u32 len, pkt_type, mark, …
    const context = new Uint8Array(new Uint32Array([0, 0, mark]).buffer)
    const { result, packet } = testRun(this.#program, { packet: frame, context })
    return { verdict: result, packet: parse(packet) }
  }

  /**
   * What XDP on this interface, which has no MAC, makes of a frame. The neighbours are as if the program had found them:
   * the first server's and the client's next hop, unless `unresolved`.
   */
  sendXdp(frame: Uint8Array, unresolved = false): { verdict: number; packet: Uint8Array } {
    const map = (name: (typeof PINNED_MAPS)[number]) => new BpfMap(this.#maps.get(name) ?? -1, name)
    map('interfaces').update(u32(1), encodeLink(new Uint8Array(6), true))
    const way = new Uint8Array(WAY.bytes)
    map('first_ways').lookup(u32(0), way)
    const mac = unresolved ? [0n, 0n] : [SERVER_MAC, 2n ** 62n]
    way.set(new Uint8Array(new BigUint64Array([...mac, ...mac]).buffer), WAY.at.macs)
    map('first_ways').update(u32(0), way)
    for (const [name, size] of [
      ['connections', FLOW4.bytes],
      ['connections6', FLOW.bytes],
    ] as const) {
      for (const [key, value] of map(name).entries(size, CONNECTION.bytes)) {
        const view = new DataView(value.buffer, value.byteOffset)
        view.setBigUint64(
          CONNECTION.at.back_at_ns,
          unresolved ? 0n : process.hrtime.bigint() + this.#offset - 100_000_000n,
          true,
        )
        view.setUint16(CONNECTION.at.back_mtu, 1500, true)
        view.setUint32(CONNECTION.at.back_ifindex, 1, true)
        view.setBigUint64(CONNECTION.at.back_mac, CLIENT_MAC, true)
        map(name).update(key, value)
      }
    }
    this.#xdp ??= new BpfObject(OBJECT, {
      reuse: this.#maps,
      without: ['tanist_ingress', 'tanist_sweep', 'tanist_forget', 'tanist_trace'],
    })
    const { result, packet } = testRun(this.#xdp.program('tanist_xdp'), { packet: frame })
    return { verdict: result, packet }
  }

  /** Opens a connection; says which server gets it, as a letter. */
  pick(port: number, from = '10.0.9.1', to = 80): string {
    const { verdict, packet } = this.send(tcp({ source: [from, port], destination: [VIP, to] }, FLAG.syn))
    const host = Number(packet.ends.destination[0].split('.').at(-1))
    return verdict === REDIRECT && packet.icmp === undefined ? String.fromCodePoint(65 + host - 11) : '-'
  }

  setSwitches(switches: Partial<Switches>): void {
    this.#switches = { ...NO_SWITCHES, ...switches }
    this.core.setSwitches(this.#switches)
  }

  /** Lets the program's clock run ahead. */
  wait(seconds: number): this {
    this.#offset += BigInt(seconds) * 1_000_000_000n
    const [switches, inertAtNs] = [this.#switches, this.#inertAtNs]
    new BpfMap(this.#maps.get('settings') ?? -1, 'settings').update(
      u32(0),
      encodeSettings({ defendFrom: 2 ** 32, clockOffsetNs: this.#offset, switches, inertAtNs }),
    )
    return this
  }

  /** The core goes on for so long by itself. */
  leave(seconds: number): this {
    this.#inertAtNs = process.hrtime.bigint() + BigInt(seconds) * 1_000_000_000n
    this.core.setInertAt(this.#inertAtNs)
    return this
  }

  /** The two numbers that `twos` has drawn for a service's last pick. */
  draws(id: ServiceId): readonly [number, number] {
    const map = (name: 'services' | 'cursors') => new BpfMap(this.#maps.get(name) ?? -1, name)
    const service = new Uint32Array(SERVICE.bytes / 4)
    map('services').lookup(encodeServiceKey(id), new Uint8Array(service.buffer))
    const drawn = new Uint32Array(2)
    map('cursors').lookup(u32(service[0] ?? 0), new Uint8Array(drawn.buffer))
    return [drawn[0] ?? 0, drawn[1] ?? 0]
  }

  /** Of the first service or server. */
  counters(of: 'service' | 'dest'): Counters {
    const counters = this.core.counters(of, [0]).get(0)
    if (counters === undefined) throw new Error(`no counters of a ${of}`)
    return counters
  }

  /** Active and inactive connections of a server by letter. */
  load(letter = 'A'): readonly [number, number] {
    const last = `${11 + (letter.codePointAt(0) ?? 0) - 65}`
    const found = [...this.core.destinations().values()].find(({ dest }) => dest.endpoint.address.endsWith(last))
    return [found?.load.active ?? -1, found?.load.inactive ?? -1]
  }

  /** The only connection's entry in the table. */
  #entry(): readonly [BpfMap, Uint8Array, Uint8Array] {
    const map = new BpfMap(this.#maps.get('connections') ?? -1, 'connections')
    const [entry] = map.entries(FLOW4.bytes, CONNECTION.bytes)
    if (entry === undefined) throw new Error('there is no connection')
    return [map, ...entry]
  }

  /** Puts the only connection into a state, whatever the counts say then. */
  setState(state: number): void {
    const [map, key, value] = this.#entry()
    new DataView(value.buffer, value.byteOffset).setUint32(CONNECTION.at.state, state, true)
    map.update(key, value)
  }

  /** The state of the only connection, as a number. */
  state(): number {
    const [, , value] = this.#entry()
    return new DataView(value.buffer, value.byteOffset).getUint32(CONNECTION.at.state, true)
  }

  /** Bytes that the kernel charges for a map. */
  bytesOf(map: (typeof PINNED_MAPS)[number]): number {
    return chargedFor(this.#maps.get(map) ?? -1)
  }

  /** Bytes that the kernel charges for all maps that live on, those within others among them. */
  memory(): number {
    // First chunks are within others, too.
    let sum = [...this.#maps].reduce((bytes, [name, fd]) => bytes + (name.startsWith('first_') ? 0 : chargedFor(fd)), 0)
    for (const name of ['dests', 'ways', 'dest_counters', 'service_counters', 'tables', 'access_lists'] as const) {
      for (const [, id] of new BpfMap(this.#maps.get(name) ?? -1, name).entries(4, 4)) {
        const inner = openInner(new DataView(id.buffer, id.byteOffset).getUint32(0, true), name)
        if (inner === undefined) continue
        sum += chargedFor(inner.fd)
        calls.close(inner.fd)
      }
    }
    return sum
  }

  close(): void {
    this.#xdp?.close()
    for (const fd of this.#maps.values()) calls.close(fd)
    if (this.#isShared) removeCore(NAME)
    else this.core.remove()
  }
}

function chargedFor(map: number): number {
  return Number(/^memlock:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${map}`, 'utf8'))?.[1])
}

export const client = (port = 40000): Ends => ({ source: ['10.0.9.1', port], destination: [VIP, 80] })
