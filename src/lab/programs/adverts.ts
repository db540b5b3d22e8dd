/**
 * A stranger on a network, who sends adverts and floods.
 *
 *     adverts.ts INTERFACE
 *
 * Asked with an Order, it answers with what it has sent, when it is done: a Sent. Orders go on side by side. It sends frames as they are,
 * past this machine's own stack, but for SYNs, which take its routes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { FrameSender } from '../../linux/frame-sender.ts'
import { type Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import { AF_INET, AF_INET6, Socket, SOCK_RAW } from '../../linux/socket.ts'
import { familyOf, socketAddress } from '../../linux/udp-socket.ts'
import type { Address } from '../../net/address.ts'
import { advertFrame, drawing, floodFrame, type StrangeAdvert, synPacket, turnToNextPort } from '../attacks.ts'
import { monotonicNow } from '../monotonic.ts'
import { work } from '../program.ts'

export type Order =
  | ({ readonly what: 'adverts'; readonly times: number; readonly everyMs: number } & StrangeAdvert)
  /** Whole frames in base64, as `capture` has them, one after the other. */
  | { readonly what: 'replay'; readonly frames: readonly string[]; readonly times: number; readonly everyMs: number }
  | AdvertFlood
  | SynFlood
  /** Ends all that goes on. */
  | { readonly what: 'stop' }

interface Flood {
  readonly what: 'flood'
  /** Packets a second, or as many as this machine can. */
  readonly rate: number
  readonly forMs: number
  /** The same packets for the same seed. */
  readonly seed?: number
}

interface AdvertFlood extends Flood {
  readonly with: 'adverts'
  /** What they resemble. */
  readonly like: StrangeAdvert
}

interface SynFlood extends Flood {
  readonly with: 'syn'
  readonly address: Address
  readonly port: number
}

export interface Sent {
  readonly sent: number
  /** Packets that the kernel has refused, such as for want of room. */
  readonly refused: number
}

/** So many packets until orders are looked at. */
const BATCH = 256
/** Frames of a flood are made before, and sent by turns: making one takes longer than sending it. */
const PREPARED = 4096
/** All of the packet is ours, with its IP header. */
const IPPROTO_RAW = 255

const [name = ''] = process.argv.slice(2)
const netlink = new Rtnetlink()
const frames = new FrameSender()
/** Of all orders that go on. */
let going = new AbortController()

/** An interface may have been made anew. */
function link(): Link {
  const found = netlink.links().find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no interface ${name}`)
  return found
}

async function paced(times: number, everyMs: number, send: (i: number) => Error | undefined): Promise<Sent> {
  const [begin, { signal }] = [monotonicNow(), going]
  let refused = 0
  for (let i = 0; i < times; i++) {
    await sleep(Math.max(0, begin + i * everyMs - monotonicNow()))
    if (signal.aborted) return { sent: i - refused, refused }
    if (send(i) !== undefined) refused++
  }
  return { sent: times - refused, refused }
}

async function flood({ rate, forMs }: Flood, send: (i: number) => Error | undefined): Promise<Sent> {
  const [begin, { signal }] = [monotonicNow(), going]
  let [count, refused, missed] = [0, 0, 0]
  for (let now = begin; now - begin < forMs && !signal.aborted; now = monotonicNow()) {
    const due = Math.floor(((now - begin) * rate) / 1000) - missed
    // What this machine cannot send in a tenth of a second is not made up for.
    missed += Math.max(0, due - count - Math.max(BATCH, rate / 10))
    const upTo = Math.min(due, count + BATCH)
    for (; count < upTo; count++) if (send(count) !== undefined) refused++
    await sleep(count < due ? 0 : 1)
  }
  return { sent: count - refused, refused }
}

async function carryOut(order: Order): Promise<Sent> {
  switch (order.what) {
    case 'adverts': {
      const { index, mac } = link()
      const frame = advertFrame(mac, order)
      return await paced(order.times, order.everyMs, () => frames.send(index, frame))
    }
    case 'replay': {
      const { index } = link()
      const all = order.frames.map((each) => Buffer.from(each, 'base64'))
      const send = (i: number) => {
        const frame = all[i % all.length]
        return frame && frames.send(index, frame)
      }
      return await paced(all.length * order.times, order.everyMs, send)
    }
    case 'flood':
      return await (order.with === 'adverts' ? floodAdverts(order) : floodSyns(order))
    case 'stop':
      going.abort()
      going = new AbortController()
      return { sent: 0, refused: 0 }
  }
}

async function floodAdverts(order: AdvertFlood): Promise<Sent> {
  const { index, mac } = link()
  const draw = drawing(order.seed ?? 1)
  const prepared = Array.from({ length: PREPARED }, (_, i) => floodFrame(mac, order.like, draw, i))
  return await flood(order, (i) => frames.send(index, prepared[i % PREPARED] ?? new Uint8Array()))
}

async function floodSyns(order: SynFlood): Promise<Sent> {
  const draw = drawing(order.seed ?? 1)
  const family = familyOf(order.address)
  const prepared = Array.from({ length: PREPARED }, () => synPacket(order.address, order.port, draw))
  const socket = new Socket('flood', family === 'IPv4' ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW)
  try {
    const to = socketAddress(family, order.address, 0)
    return await flood(order, (i) => {
      const packet = prepared[i % PREPARED] ?? new Uint8Array()
      // None of them twice: what is known already wants no place in a table.
      if (i >= PREPARED) turnToNextPort(packet)
      return socket.send(packet, to)
    })
  } finally {
    socket.close()
  }
}

link()
work((question) => carryOut(question as Order))
