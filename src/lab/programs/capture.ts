/**
 * Keeps what VRRP packets pass by an interface, in either direction.
 *
 *     capture.ts INTERFACE
 *
 * Asked with anything, it answers with a Captured. Times are those of this machine's monotonic clock.
 */
import { FrameReceiver } from '../../linux/frame-receiver.ts'
import { Poller } from '../../linux/poller.ts'
import { Rtnetlink } from '../../linux/rtnetlink.ts'
import { type Address, ipv6At } from '../../net/address.ts'
import { ipv4Packet } from '../../net/ip-packet.ts'
import { assemble, OP } from '../../net/packet-filter.ts'
import type { Millis } from '../../time.ts'
import { HEADER_LENGTH, VRRP_PROTOCOL } from '../../vrrp/packet/advertisement.ts'
import { monotonicNow } from '../monotonic.ts'
import { work } from '../program.ts'

/** BOUNDED: frames, and adverts; the oldest ones are forgotten. */
const MOST_FRAMES = 1000
const MOST_ADVERTS = 100_000

export interface CapturedFrame {
  readonly at: Millis
  readonly source: Address
  /** Whole, in base64. */
  readonly frame: string
}

export interface SeenAdvert {
  readonly at: Millis
  readonly source: Address
  readonly version: number
  readonly vrid: number
  readonly priority: number
}

export interface Captured {
  /** In their order. */
  readonly frames: readonly CapturedFrame[]
  readonly adverts: readonly SeenAdvert[]
}

const ETHERNET = 14
const IPV6 = { next: ETHERNET + 6, source: ETHERNET + 8, payload: ETHERNET + 40 } as const
const IPV4_PROTOCOL = ETHERNET + 9

const ONLY_VRRP = assemble([
  { op: OP.loadByte, k: 12 },
  { op: OP.ifEqual, k: 0x08, no: 'not IPv4' },
  { op: OP.loadByte, k: 13 },
  { op: OP.ifEqual, k: 0x00, no: 'drop' },
  { op: OP.loadByte, k: IPV4_PROTOCOL },
  { op: OP.ifEqual, k: VRRP_PROTOCOL, yes: 'keep', no: 'drop' },
  { label: 'not IPv4' },
  { op: OP.ifEqual, k: 0x86, no: 'drop' },
  { op: OP.loadByte, k: 13 },
  { op: OP.ifEqual, k: 0xdd, no: 'drop' },
  { op: OP.loadByte, k: IPV6.next },
  { op: OP.ifEqual, k: VRRP_PROTOCOL, no: 'drop' },
  { label: 'keep' },
  { op: OP.answer, k: 0xffff },
  { label: 'drop' },
  { op: OP.answer, k: 0 },
])

const [name = ''] = process.argv.slice(2)
const link = new Rtnetlink().links().find((each) => each.name === name)
if (link === undefined) throw new Error(`there is no interface ${name}`)
const receiver = new FrameReceiver(link.index, ONLY_VRRP)
const frames: CapturedFrame[] = []
const adverts: SeenAdvert[] = []

function keep<T>(all: T[], one: T, most: number): void {
  all.push(one)
  if (all.length > most) all.splice(0, all.length - most + Math.floor(most / 10))
}

function drain(): void {
  for (let frame = receiver.receive(); frame !== undefined; frame = receiver.receive()) take(frame)
}

function take(frame: Uint8Array): void {
  const packet = frame[12] === 0x08 ? ipv4Of(frame) : ipv6Of(frame)
  if (packet === undefined) return
  const { source, payload } = packet
  const at = monotonicNow()
  keep(frames, { at, source, frame: Buffer.from(frame).toString('base64') }, MOST_FRAMES)
  if (payload.length < HEADER_LENGTH) return
  const [first = 0, vrid = 0, priority = 0] = payload
  keep(adverts, { at, source, version: first >> 4, vrid, priority }, MOST_ADVERTS)
}

interface Packet {
  readonly source: Address
  readonly payload: Uint8Array
}

function ipv4Of(frame: Uint8Array): Packet | undefined {
  const packet = ipv4Packet(frame.subarray(ETHERNET))
  return packet && { source: packet.header.source, payload: packet.payload }
}

function ipv6Of(frame: Uint8Array): Packet | undefined {
  if (frame.length < IPV6.payload) return undefined
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  return { source: ipv6At(view, IPV6.source), payload: frame.subarray(IPV6.payload) }
}

new Poller(drain).watch([receiver.fd])
work((): Captured => {
  drain()
  return { frames, adverts }
})
