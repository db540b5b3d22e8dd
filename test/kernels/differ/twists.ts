import { counting, type Extension, packetsOf, type Parts, type Piece, PROTOCOL } from './packet.ts'
import { DIRECTOR, type Family, type Service, type Side, VIPS } from './world.ts'

/** A random number below a limit. */
export type Roll = (limit: number) => number

export const pick = <T>(roll: Roll, list: readonly T[]): T => list[roll(list.length)] as T

/** Something that is odd about a packet. */
export interface Twist {
  readonly name: string
  readonly apply: (parts: Parts) => Parts
}

/** Makes one; undefined where it makes no sense. Everything random is drawn here. */
type Maker = (roll: Roll, on: { readonly service: Service; readonly side: Side }) => Twist | undefined

const twist = (name: string, apply: (parts: Parts) => Parts): Twist => ({ name, apply })
const change = (name: string, change: Partial<Parts>) => twist(name, (parts) => ({ ...parts, ...change }))
const wrong = (name: string, wrong: Parts['wrong']) =>
  twist(name, (parts) => ({ ...parts, wrong: { ...parts.wrong, ...wrong } }))

/** Options of IPv4, as they stand in the header. */
const OPTIONS: Readonly<Record<string, readonly number[]>> = {
  'no-operations': [1, 1, 1, 1],
  'end of options': [0, 0, 0, 0],
  'router alert': [148, 4, 0, 0],
  'record route': [7, 7, 4, 0, 0, 0, 0, 1],
  'full record route': [7, 7, 8, 10, 0, 0, 1, 1],
  // None that asks for the time, which is never the same.
  'full timestamps': [68, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8],
  'full timestamps, counted to the end': [68, 12, 13, 0xf1, 1, 2, 3, 4, 5, 6, 7, 8],
  'timestamp of another': [68, 12, 5, 3, 10, 1, 2, 3, 0, 0, 0, 0],
  'loose source route': [131, 7, 4, 192, 168, 10, 11, 0],
  'strict source route': [137, 7, 4, 192, 168, 10, 11, 0],
  'used up source route': [131, 7, 8, 192, 168, 10, 11, 0],
  'stream identifier': [136, 4, 0, 1],
  security: [130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  'unknown option': [222, 4, 1, 2],
  'option of length 0': [7, 0, 4, 0],
  'option beyond the header': [7, 39, 4, 0],
  'forty bytes': Array.from({ length: 40 }, () => 1),
}

const padN = (length: number) => Uint8Array.from({ length }, (_, i) => (i === 0 ? 1 : i === 1 ? length - 2 : 0))

const EXTENSIONS: Readonly<Record<string, readonly Extension[]>> = {
  'hop-by-hop options': [{ protocol: 0, body: padN(6) }],
  'router alert': [{ protocol: 0, body: Uint8Array.from([5, 2, 0, 0, 1, 0]) }],
  'hop-by-hop option to be refused': [{ protocol: 0, body: Uint8Array.from([0x80 | 30, 4, 0, 0, 0, 0]) }],
  'destination options': [{ protocol: 60, body: padN(6) }],
  'long destination options': [{ protocol: 60, body: padN(246) }],
  'six destination options': Array.from({ length: 6 }, () => ({ protocol: 60, body: padN(6) })),
  'seven destination options': Array.from({ length: 7 }, () => ({ protocol: 60, body: padN(6) })),
  'routing header, used up': [{ protocol: 43, body: Uint8Array.from([4, 0, 0, 0, 0, 0]) }],
  'routing header of type 0': [
    {
      protocol: 43,
      body: Buffer.concat([Uint8Array.from([0, 1, 0, 0, 0, 0]), Buffer.from('fd001000'.padEnd(32, '1'), 'hex')]),
    },
  ],
  'routing header of type 200': [{ protocol: 43, body: Uint8Array.from([200, 1, 0, 0, 0, 0]) }],
  'atomic fragment': [{ protocol: 44, body: Uint8Array.from([0, 0, 1, 2, 3, 4]) }],
  'hop-by-hop options in the second place': [
    { protocol: 60, body: padN(6) },
    { protocol: 0, body: padN(6) },
  ],
  mobility: [{ protocol: 135, body: counting(6) }],
  'no next header': [{ protocol: 59, body: padN(6) }],
  'authentication header': [{ protocol: PROTOCOL.ah, body: counting(22) }],
  'options of all kinds': [
    { protocol: 0, body: padN(6) },
    { protocol: 60, body: padN(14) },
    { protocol: 43, body: Uint8Array.from([4, 0, 0, 0, 0, 0]) },
    { protocol: 60, body: padN(6) },
  ],
}

/** How the data of `length` bytes is cut. */
const SHAPES: Readonly<Record<string, (length: number) => readonly Piece[]>> = {
  'two fragments': (length) => halves(length),
  'reversed fragments': (length) => halves(length).toReversed(),
  'three fragments, mixed': (length) => {
    const [a, b] = [floor8(length / 3), floor8((2 * length) / 3)]
    const [first, second, third] = [piece(0, a, true), piece(a, b, true), piece(b, length, false)]
    return [second, third, first]
  },
  'first fragment of 8 bytes': (length) => [piece(0, 8, true), piece(8, length, false)],
  'first fragment of 16 bytes': (length) => [piece(0, 16, true), piece(16, length, false)],
  'first fragment of 8 bytes, last': (length) => [piece(8, length, false), piece(0, 8, true)],
  'only the first fragment': (length) => halves(length).slice(0, 1),
  'only the last fragment': (length) => halves(length).slice(1),
  'the first fragment twice': (length) => {
    const [first, second] = halves(length)
    return [first, first, second]
  },
  'the last fragment twice': (length) => {
    const [first, second] = halves(length)
    return [first, second, second]
  },
  'overlapping fragments': (length) => [
    piece(0, floor8(length / 2) + 8, true),
    piece(floor8(length / 2), length, false),
  ],
  'overlapping fragments, reversed': (length) => [
    piece(floor8(length / 2), length, false),
    piece(0, floor8(length / 2) + 8, true),
  ],
  'a fragment within another': (length) => [
    piece(0, length - 8, true),
    piece(8, 16, true),
    piece(floor8(length - 8), length, false),
  ],
  'a fragment that ends at an odd byte': (length) => [
    piece(0, floor8(length / 2) + 3, true),
    piece(floor8(length / 2) + 8, length, false),
  ],
  'an empty last fragment': (length) => [piece(0, floor8(length), true), piece(floor8(length), floor8(length), false)],
  'two last fragments': (length) => [piece(floor8(length / 2), length - 1, false), ...halves(length)],
  'pieces of 8 bytes': (length) =>
    Array.from({ length: Math.ceil(length / 8) }, (_, i) =>
      piece(8 * i, Math.min(length, 8 * i + 8), 8 * i + 8 < length),
    ),
}

const piece = (from: number, to: number, more: boolean): Piece => ({ from, to, more })
const floor8 = (length: number) => Math.max(8, length & ~7)
const halves = (length: number) => {
  const half = floor8(length / 2)
  return [piece(0, half, true), piece(half, length, false)] as const
}

const SOURCES: Readonly<Record<Family, Readonly<Record<string, string>>>> = {
  ipv4: {
    loopback: '127.0.0.1',
    zero: '0.0.0.0',
    'this network': '0.1.2.3',
    multicast: '224.0.0.5',
    'the broadcast address': '255.255.255.255',
    'its subnet’s broadcast address': '172.18.255.255',
    'class E': '240.0.0.1',
    'the director’s address': DIRECTOR.ipv4.client,
    'the director’s address for servers': DIRECTOR.ipv4.server,
    'the VIP': VIPS.ipv4[0],
    'the other VIP': VIPS.ipv4[1],
    'link-local': '169.254.1.1',
  },
  ipv6: {
    loopback: '::1',
    zero: '::',
    multicast: 'ff02::5',
    'the director’s address': DIRECTOR.ipv6.client,
    'the director’s address for servers': DIRECTOR.ipv6.server,
    'the VIP': VIPS.ipv6[0],
    'the other VIP': VIPS.ipv6[1],
    'an IPv4 address': '::ffff:10.1.2.3',
    'a compatible IPv4 address': '::a01:203',
  },
}

/** What a packet carries besides the pieces that it will be cut into. */
const lengthOf = (parts: Parts) => {
  const [packet] = packetsOf({ ...parts, pieces: [], extensions: [], options: [], wrong: {} })
  return (packet?.length ?? 0) - (parts.source.includes(':') ? 40 : 20)
}

const withPort = (parts: Parts, which: 0 | 1, port: number): Parts => {
  const { segment } = parts
  if (segment.kind === 'icmp' || segment.kind === 'other') return parts
  const ports = which === 0 ? ([port, segment.ports[1]] as const) : ([segment.ports[0], port] as const)
  return { ...parts, segment: { ...segment, ports } }
}

const isV4 = ({ service }: { readonly service: Service }) => service.family === 'ipv4'
const named = <T>(roll: Roll, of: Readonly<Record<string, T>>): readonly [string, T] => pick(roll, Object.entries(of))

/** Each with how often it is drawn. */
const MAKERS: readonly (readonly [number, Maker])[] = [
  [6, (roll) => ((ttl) => change(`TTL ${ttl}`, { ttl }))(pick(roll, [0, 1, 1, 2, 2, 255]))],
  [2, (roll) => ((tos) => change(`traffic class ${tos}`, { tos }))(roll(256))],
  [2, (_, on) => (isV4(on) ? change('don’t fragment', { bits: 2 }) : undefined)],
  [2, (_, on) => (isV4(on) ? change('reserved bit', { bits: 4 }) : undefined)],
  [1, () => change('identification 0', { id: 0 })],
  [
    12,
    (roll, on) => {
      if (isV4(on)) {
        const [name, options] = named(roll, OPTIONS)
        return change(name, { options })
      }
      const [name, extensions] = named(roll, EXTENSIONS)
      return change(name, { extensions })
    },
  ],
  [
    14,
    (roll) => {
      const [name, shape] = named(roll, SHAPES)
      const [id, bits] = [1 + roll(0xffff), roll(8) === 0 ? 2 : 0]
      // Less than two blocks cannot be cut.
      return twist(name, (parts) => {
        const length = lengthOf(parts)
        return length < 17 ? parts : { ...parts, id, bits, pieces: shape(length) }
      })
    },
  ],
  [
    6,
    (roll, on) => {
      const [name, source] = named(roll, SOURCES[on.service.family])
      return change(`from ${name}`, { source })
    },
  ],
  [2, (_, on) => (isV4(on) ? wrong('wrong IP checksum', { ipChecksum: true }) : undefined)],
  [3, () => wrong('wrong checksum', { segmentChecksum: 'wrong' })],
  [2, () => wrong('no checksum', { segmentChecksum: 'zero' })],
  [
    4,
    (roll) =>
      ((length) => wrong(`IP length ${length > 0 ? '+' : ''}${length}`, { length }))(
        pick(roll, [-1, -4, -9, -13, -21, -40, 1, 8, 1000, 60_000]),
      ),
  ],
  [
    2,
    (roll) =>
      ((length) =>
        twist('padding, and IP length as if it were none', (parts) => ({
          ...parts,
          padding: length,
          wrong: { ...parts.wrong, length },
        })))(1 + roll(30)),
  ],
  [
    2,
    (roll, on) =>
      isV4(on) ? ((words) => wrong(`IP header of ${words} words`, { headerWords: words }))(roll(16)) : undefined,
  ],
  [1, (roll) => ((version) => wrong(`version ${version}`, { version }))(roll(16))],
  [3, (roll) => ((cut) => wrong(`only ${cut} bytes`, { cut }))(1 + roll(80))],
  [3, (roll) => ((padding) => change(`${padding} bytes of padding`, { padding }))(1 + roll(40))],
  [2, () => change('VLAN 0', { vlan: 0 })],
  [1, () => change('VLAN 0 with a priority', { vlan: 0x6000 })],
  [1, () => change('VLAN 5', { vlan: 5 })],
  [1, () => change('frame for all', { broadcast: true })],
  [2, (_, { side }) => twist('client port 20', (parts) => withPort(parts, side === 'client' ? 0 : 1, 20))],
  [1, (_, { side }) => twist('client port 0', (parts) => withPort(parts, side === 'client' ? 0 : 1, 0))],
  [1, () => twist('to port 0', (parts) => withPort(parts, 1, 0))],
  [1, () => twist('to another port', (parts) => withPort(parts, 1, 4444))],
  [
    3,
    (roll) => {
      const claimed = pick(roll, [0, 7, 8, 9, 12, 1000, 65_535])
      return twist(`UDP length ${claimed}`, (parts) =>
        parts.segment.kind === 'udp' ? { ...parts, segment: { ...parts.segment, claimed } } : parts,
      )
    },
  ],
  [
    3,
    (roll) => {
      const words = roll(16)
      return twist(`TCP header of ${words} words`, (parts) =>
        parts.segment.kind === 'tcp' ? { ...parts, segment: { ...parts.segment, words } } : parts,
      )
    },
  ],
  [
    2,
    () =>
      twist('TCP options', (parts) => {
        const options = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]
        return parts.segment.kind === 'tcp' ? { ...parts, segment: { ...parts.segment, options } } : parts
      }),
  ],
]

const DRAWN = MAKERS.flatMap(([weight, maker]) => Array.from({ length: weight }, () => maker))

export function drawTwist(roll: Roll, on: { readonly service: Service; readonly side: Side }): Twist {
  for (;;) {
    const made = pick(roll, DRAWN)(roll, on)
    if (made !== undefined) return made
  }
}
