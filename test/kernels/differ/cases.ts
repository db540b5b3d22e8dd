import { dice } from '../../../src/simulate/dice.ts'
import { counting, framesOf, packetsOf, type Parts, PROTOCOL, type Segment, whole } from './packet.ts'
import { drawTwist, pick, type Roll, type Twist } from './twists.ts'
import {
  clientAddress,
  type ClientNet,
  DIRECTOR,
  type Family,
  MAC,
  macBytes,
  ROUTER,
  type Service,
  SERVICES,
  type Side,
} from './world.ts'

/** Who talks to whom: a client to a service, and the director to the server. */
export interface Talk {
  readonly service: Service
  readonly client: string
  readonly clientPort: number
  readonly vip: string
  /** Of the service; drawn when it takes every port. */
  readonly port: number
  readonly server: string
  readonly serverPort: number
}

/** A packet as it is drawn; what it says in the end depends on the client. */
export interface Recipe {
  readonly side: Side
  readonly name: string
  readonly make: (talk: Talk) => Parts
  readonly twists: readonly Twist[]
}

/** Some packets between one client and one service. */
export interface Case {
  readonly index: number
  readonly service: Service
  readonly net: ClientNet
  readonly clientPort: number
  readonly port: number
  readonly recipes: readonly Recipe[]
}

/** Its frames: more than one where it is cut up. */
export interface Step {
  readonly side: Side
  readonly name: string
  readonly frames: readonly Uint8Array[]
}

const FLAGS = { fin: 1, syn: 2, rst: 4, push: 8, ack: 16 } as const
/** Cases that share a number of clients: see `talkOf`. */
export const ATTEMPTS = 32
export const MOST_CASES = 0x10000 / ATTEMPTS

/** The same case for the same seed and index, whatever else is drawn. */
export function makeCase(seed: number, index: number): Case {
  const roll = dice(seed * MOST_CASES + index)
  const service = pick(roll, SERVICES)
  const net = pick(roll, ['far', 'far', 'far', 'far', 'far', 'narrow', 'lost'] as const satisfies readonly ClientNet[])
  const clientPort = service.port === 500 ? 500 : 1024 + roll(60_000)
  const port = service.port === 0 ? 1 + roll(60_000) : service.port
  // Most begin in order, so that there is a connection to be hostile to.
  const recipes = [
    roll(2) === 0
      ? recipe(roll, service, 'client', 'open', [0])
      : recipe(roll, service, 'client', roll(3) === 0 ? draw(roll, CLIENT_BASES) : 'open'),
  ]
  const more = roll(7)
  for (let i = 0; i < more; i++) {
    const side = roll(2) === 0 ? 'client' : 'server'
    recipes.push(recipe(roll, service, side, draw(roll, side === 'client' ? CLIENT_BASES : SERVER_BASES)))
  }
  return { index, service, net, clientPort, port, recipes }
}

/** Each attempt at a case is by another client, so that no attempt meets connections of one before. */
export function stepsOf(one: Case, attempt: number): Step[] {
  const talk = talkOf(one, attempt)
  return one.recipes.map(({ side, name, make, twists }) => {
    const parts = twists.reduce((parts, twist) => twist.apply(parts), make(talk))
    const frames = framesOf(parts, macBytes(MAC[side].host), macBytes(MAC[side].director))
    return { side, name: [name, ...twists.map((twist) => twist.name)].join(', '), frames }
  })
}

function talkOf({ index, service, net, clientPort, port }: Case, attempt: number): Talk {
  const { family, vip, server } = service
  return {
    service,
    client: clientAddress(family, net, (index % MOST_CASES) * ATTEMPTS + (attempt % ATTEMPTS)),
    clientPort,
    vip,
    port,
    server: server?.address ?? vip,
    serverPort: server === undefined || server.port === 0 ? port : server.port,
  }
}

type Base = 'open' | 'data' | 'end' | 'reset' | 'flags' | 'long' | 'error' | 'ask' | 'ipsec' | 'odd' | 'tunnel error'

const CLIENT_BASES: readonly (readonly [number, Base])[] = [
  [3, 'open'],
  [5, 'data'],
  [2, 'end'],
  [1, 'reset'],
  [3, 'flags'],
  [3, 'long'],
  [6, 'error'],
  [1, 'ask'],
  [1, 'ipsec'],
  [1, 'odd'],
]
const SERVER_BASES: readonly (readonly [number, Base])[] = [
  [4, 'open'],
  [5, 'data'],
  [2, 'end'],
  [1, 'reset'],
  [3, 'flags'],
  [3, 'long'],
  [6, 'error'],
  [1, 'tunnel error'],
  [1, 'ask'],
  [1, 'ipsec'],
]

function draw(roll: Roll, bases: readonly (readonly [number, Base])[]): Base {
  return pick(
    roll,
    bases.flatMap(([weight, base]) => Array.from({ length: weight }, () => base)),
  )
}

/** `odd`: how many twists it may have, each as likely. */
function recipe(roll: Roll, service: Service, side: Side, base: Base, odd = [0, 0, 1, 1, 1, 2]): Recipe {
  // IPsec follows its key exchange, so that belongs there.
  const kind = service.port === 500 && base === 'data' && roll(2) === 0 ? 'ipsec' : base
  const make = maker(roll, service, side, kind)
  const count = pick(roll, odd)
  const twists = Array.from({ length: count }, () => drawTwist(roll, { service, side }))
  return { side, name: `${side}: ${kind}`, make, twists }
}

/** A packet of the conversation with this in it. */
function conversation(talk: Talk, side: Side, segment: (ports: readonly [number, number]) => Segment): Parts {
  const { client, clientPort, vip, port, server, serverPort, service } = talk
  if (side === 'client') return whole(client, vip, segment([clientPort, port]))
  // By DR and TUN servers answer as the VIP.
  return service.server?.method === 'nat'
    ? whole(server, client, segment([serverPort, clientPort]))
    : whole(vip, client, segment([port, clientPort]))
}

/** A segment of the service's protocol: TCP with these flags, SCTP with such a chunk. */
const segment =
  (service: Service, flags: number, chunk: number, length: number) =>
  (ports: readonly [number, number]): Segment => {
    switch (service.protocol) {
      case 'tcp':
        return { kind: 'tcp', ports, flags, options: [], length }
      case 'udp':
        return { kind: 'udp', ports, length }
      case 'sctp':
        return { kind: 'sctp', ports, chunks: [chunk], length: length + ((4 - (length % 4)) % 4) }
    }
  }

function maker(roll: Roll, service: Service, side: Side, base: Base): (talk: Talk) => Parts {
  const { fin, syn, rst, push, ack } = FLAGS
  const of = (flags: number, chunk: number, length: number) => (talk: Talk) =>
    conversation(talk, side, segment(service, flags, chunk, length))
  switch (base) {
    case 'open':
      return of(side === 'client' ? syn : syn | ack, side === 'client' ? 1 : 2, 16 + roll(40))
    case 'data':
      return of(push | ack, pick(roll, [0, 3, 10, 11]), roll(100))
    case 'end':
      return of(fin | ack, pick(roll, [7, 8, 14]), roll(8))
    case 'reset':
      return of(pick(roll, [rst, rst | ack]), pick(roll, [6, 9]), 0)
    case 'flags':
      return of(roll(256), roll(16), roll(30))
    case 'long': {
      const [length, bits] = [1200 + roll(780), pick(roll, [0, 0, 2])]
      const make = of(push | ack, 0, side === 'client' ? length : Math.min(length, 1440))
      return (talk) => ({ ...make(talk), bits })
    }
    case 'error':
      return error(roll, service, side)
    case 'tunnel error':
      return tunnelError(roll, service)
    case 'ask': {
      // No request for the time: its answer is never the same.
      const [type, code, rest] = [
        pick(roll, [8, 8, 0, 17, 128, 129, 130, 133, 135, 200, 255]),
        roll(4),
        roll(0x7fff_ffff),
      ]
      return (talk) => conversation(talk, side, () => ({ kind: 'icmp', type, code, rest, body: counting(24) }))
    }
    case 'ipsec': {
      const protocol = pick(roll, [PROTOCOL.esp, PROTOCOL.ah])
      const bytes = Uint8Array.from({ length: 40 }, () => roll(256))
      if (protocol === PROTOCOL.ah) bytes.set([17, 4])
      return (talk) => conversation(talk, side, () => ({ kind: 'other', protocol, bytes }))
    }
    case 'odd': {
      const protocol = pick(roll, [4, 41, 47, 103, 136, 253, 255])
      return (talk) => conversation(talk, side, () => ({ kind: 'other', protocol, bytes: counting(40) }))
    }
  }
}

const ERRORS: Readonly<Record<Family, readonly (readonly [type: number, code: number])[]>> = {
  ipv4: [
    [3, 0],
    [3, 1],
    [3, 2],
    [3, 3],
    [3, 4],
    [3, 5],
    [3, 13],
    [3, 15],
    [4, 0],
    [5, 1],
    [11, 0],
    [11, 1],
    [12, 0],
    [12, 1],
  ],
  ipv6: [
    [1, 0],
    [1, 1],
    [1, 3],
    [1, 4],
    [1, 6],
    [2, 0],
    [3, 0],
    [3, 1],
    [4, 0],
    [4, 1],
    [5, 0],
    [127, 0],
  ],
}

/** The second word of an error: an MTU, or nothing. */
function restOf(roll: Roll, service: Service, type: number, code: number): number {
  const isTooBig = service.family === 'ipv6' ? type === 2 : type === 3 && code === 4
  return isTooBig ? pick(roll, [0, 68, 576, 1280, 1400, 1492, 1500, 9000]) : pick(roll, [0, 0, 0, 0x0800_0000])
}

/** An ICMP error about a packet that has come to this side. */
function error(roll: Roll, service: Service, side: Side): (talk: Talk) => Parts {
  const [type, code] = pick(roll, ERRORS[service.family])
  const rest = restOf(roll, service, type, code)
  const quoted = maker(
    roll,
    service,
    side === 'client' ? 'server' : 'client',
    pick(roll, ['open', 'data', 'data', 'end', 'long']),
  )
  const fromRouter = roll(2) === 0
  const known = roll(6) > 0
  const most = pick(roll, [8, 8, 20, 28, 64, 548, 2000, 4, 0, 7])
  const twists = roll(3) === 0 ? [drawTwist(roll, { service, side })] : []
  return (talk) => {
    // As it has left the director: from the VIP to a client, from the client to a server.
    const { vip, port, server, serverPort, client, clientPort } = talk
    const isNat = service.server?.method === 'nat'
    const [there, portThere] = side === 'server' && isNat ? [server, serverPort] : [vip, known ? port : 4444]
    const ends = side === 'client' ? ([there, client] as const) : ([client, there] as const)
    const ports = side === 'client' ? ([portThere, clientPort] as const) : ([clientPort, portThere] as const)
    const made = quoted(talk)
    const segment =
      made.segment.kind === 'icmp' || made.segment.kind === 'other' ? made.segment : { ...made.segment, ports }
    const about = twists.reduce<Parts>((parts, twist) => twist.apply(parts), {
      ...made,
      source: ends[0],
      destination: ends[1],
      segment,
      ttl: 61,
    })
    const [packet = Buffer.alloc(0)] = packetsOf(about)
    const header = service.family === 'ipv6' ? 40 : 20 + about.options.length
    const body = packet.subarray(0, header + most)
    const from = fromRouter ? ROUTER[service.family] : ends[1]
    return { ...whole(from, ends[0], { kind: 'icmp', type, code, rest, body }), tos: 0xc0 }
  }
}

/** An ICMP error about a packet in a tunnel from the director to a server. */
function tunnelError(roll: Roll, service: Service): (talk: Talk) => Parts {
  const v6 = service.family === 'ipv6'
  const [type, code] = pick(roll, ERRORS[service.family])
  const inner = maker(roll, service, 'client', 'data')
  const most = pick(roll, [28, 48, 100, 548])
  return (talk) => {
    const [bytes = Buffer.alloc(0)] = packetsOf(inner(talk))
    const from = DIRECTOR[service.family].server
    const outer: Segment = { kind: 'other', protocol: v6 ? 41 : 4, bytes }
    const [packet = Buffer.alloc(0)] = packetsOf({ ...whole(from, talk.server, outer), ttl: 61 })
    const body = packet.subarray(0, (v6 ? 40 : 20) + most)
    return whole(ROUTER[service.family], from, { kind: 'icmp', type, code, rest: 1500, body })
  }
}
