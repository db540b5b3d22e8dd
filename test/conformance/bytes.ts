/** Packets as the RFCs lay them out, made and read without a line of ours. */

const OWN_LENGTH = 20

/** What a test says of a packet; the rest is as it should be. */
export interface Said {
  readonly source?: string
  readonly destination?: string
  readonly ttl?: number
  readonly version?: number
  readonly type?: number
  readonly vrid?: number
  readonly priority?: number
  /** Version 3: centiseconds; version 2: seconds. */
  readonly interval?: number
  readonly addresses?: readonly string[]
  /** Version 3: the four bits before the interval. */
  readonly reserved?: number
  /** Version 2. */
  readonly authType?: number
  readonly authData?: string
  /** Over what: the message alone (RFC 9568 §5.2.8, RFC 3768 §5.3.8), or the IPv4 pseudo-header before it, too. */
  readonly checksum?: 'message' | 'pseudo-header' | 'wrong'
  /** Another count than there are addresses. */
  readonly count?: number
  /** Only so many bytes of the message. */
  readonly cut?: number
  /** Ethernet's padding behind the packet, in bytes. */
  readonly padding?: number
}

const quad = (address: string) => address.split('.').map(Number)

/** A whole IPv4 packet. */
export function packet(said: Said = {}): Uint8Array {
  const { source = '10.0.0.2', destination = '224.0.0.18', ttl = 255, padding = 0 } = said
  const whole = message(said)
  const payload = said.cut === undefined ? whole : whole.slice(0, said.cut)
  const length = OWN_LENGTH + payload.length
  const header = [
    0x45,
    0xc0,
    length >> 8,
    length & 255,
    0,
    0,
    0,
    0,
    ttl,
    112,
    0,
    0,
    ...quad(source),
    ...quad(destination),
  ]
  return Uint8Array.from([...header, ...payload, ...Array.from({ length: padding }, () => 0)])
}

function message(said: Said): number[] {
  const { version = 3, type = 1, vrid = 51, priority = 200, addresses = ['10.0.0.100'], reserved = 0 } = said
  const { interval = version === 2 ? 1 : 100, count = addresses.length, authType = 0, authData = '' } = said
  const time = version === 2 ? [authType, interval] : [(reserved << 4) | (interval >> 8), interval & 255]
  const tail = version === 2 ? [...Buffer.from(authData.padEnd(8, '\0'))] : []
  const bytes = [(version << 4) | type, vrid, priority, count, ...time, 0, 0, ...addresses.flatMap(quad), ...tail]
  const { source = '10.0.0.2', destination = '224.0.0.18', checksum = 'message' } = said
  const pseudo = [...quad(source), ...quad(destination), 0, 112, bytes.length >> 8, bytes.length & 255]
  const sum =
    onesComplement(checksum === 'pseudo-header' ? [...pseudo, ...bytes] : bytes) ^ (checksum === 'wrong' ? 1 : 0)
  bytes[6] = sum >> 8
  bytes[7] = sum & 255
  return bytes
}

/** RFC 1071: the sum of 16-bit words with end-around carry, complemented. */
export function onesComplement(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return ~sum & 0xffff
}

/** A packet that was sent, in its fields. */
export interface Seen {
  readonly source: string
  readonly destination: string
  readonly protocol: number
  readonly version: number
  readonly type: number
  readonly vrid: number
  readonly priority: number
  readonly count: number
  readonly reserved: number
  readonly interval: number
  readonly authType: number
  readonly addresses: readonly string[]
  readonly tail: readonly number[]
  readonly length: number
  /** What its checksum covers. */
  readonly checksum: 'message' | 'pseudo-header' | 'wrong'
}

export function read(bytes: Uint8Array): Seen {
  const payload = Array.from(bytes.subarray(OWN_LENGTH))
  const at = (i: number) => payload[i] ?? 0
  const version = at(0) >> 4
  const end = 8 + 4 * at(3)
  const dotted = (from: readonly number[], i: number) => from.slice(i, i + 4).join('.')
  const header = Array.from(bytes.subarray(0, OWN_LENGTH))
  const pseudo = [...header.slice(12, 20), 0, 112, payload.length >> 8, payload.length & 255]
  const isPlain = onesComplement(payload) === 0
  return {
    source: dotted(header, 12),
    destination: dotted(header, 16),
    protocol: header[9] ?? 0,
    version,
    type: at(0) & 15,
    vrid: at(1),
    priority: at(2),
    count: at(3),
    reserved: version === 3 ? at(4) >> 4 : 0,
    interval: version === 3 ? ((at(4) & 15) << 8) | at(5) : at(5),
    authType: version === 2 ? at(4) : 0,
    addresses: Array.from({ length: at(3) }, (_, i) => dotted(payload, 8 + 4 * i)),
    tail: payload.slice(end),
    length: payload.length,
    checksum: isPlain ? 'message' : onesComplement([...pseudo, ...payload]) === 0 ? 'pseudo-header' : 'wrong',
  }
}
