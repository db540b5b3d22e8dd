/**
 * Both links of a director, from their other ends: sends what it is told, step by step, and says what the director has sent on each
 * link for it. Each step ends with a frame on each link that the director forwards to the other one; nothing is in flight behind it.
 */
import { AF_PACKET, Socket, SOCK_RAW } from '../../src/linux/socket.ts'

/** Frames in base64. */
export interface WireStep {
  readonly side: 'client' | 'server'
  readonly frames: readonly string[]
}
export interface WireOutcome {
  readonly client: readonly string[]
  readonly server: readonly string[]
}
export interface WireOrder {
  readonly steps: readonly WireStep[]
  /** What ends a step if it comes in by this link. */
  readonly markers: { readonly client: string; readonly server: string }
}

const ETH_P_ALL = 3
const ARP = 0x0806
const PATIENCE_MS = 20_000
/** Behind Ethernet's header the bytes that are the same in every marker, wherever it is: the identification, and the addresses. */
const MARKER_FIELDS = [
  [18, 20],
  [26, 34],
] as const

const [clientIndex, serverIndex] = process.argv.slice(2).map(Number)
const sockets = { client: open(clientIndex ?? 0), server: open(serverIndex ?? 0) }

function open(ifindex: number): { readonly socket: Socket; readonly address: Uint8Array } {
  const socket = new Socket('packet socket', AF_PACKET, SOCK_RAW, 0)
  const address = new DataView(new ArrayBuffer(20)) // struct sockaddr_ll
  address.setUint16(0, AF_PACKET, true)
  address.setUint16(2, ETH_P_ALL)
  address.setInt32(4, ifindex, true)
  const bytes = new Uint8Array(address.buffer)
  socket.bind(bytes)
  return { socket, address: bytes }
}

function send(side: 'client' | 'server', frame: Uint8Array): void {
  const { socket, address } = sockets[side]
  const error = socket.send(frame, address)
  // The device refuses what is too long for its peer.
  if (error !== undefined && error.code !== 'ENOBUFS') throw error
}

const isMarker = (frame: Uint8Array, marker: Uint8Array) =>
  MARKER_FIELDS.every(([from, to]) => Buffer.compare(frame.subarray(from, to), marker.subarray(from, to)) === 0)

/** Neighbour discovery and what hosts say of their groups: the director's own talk. */
function isOwnTalk(frame: Buffer): boolean {
  const type = frame.readUInt16BE(12)
  if (type === ARP) return true
  const isLinkLocal = frame[22] === 0xfe || frame.subarray(22, 38).every((byte) => byte === 0)
  return type === 0x86dd && isLinkLocal && (frame[20] === 58 || frame[20] === 0)
}

/** What has come in by a link before the marker. */
function until(side: 'client' | 'server', marker: Uint8Array): string[] {
  const frames: string[] = []
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const frame = sockets[side].socket.receive()
    if (frame === undefined) {
      if (performance.now() > deadline) throw new Error(`no marker on the ${side} side`)
      continue
    }
    if (isMarker(frame, marker)) return frames
    const bytes = Buffer.from(frame)
    if (!isOwnTalk(bytes)) frames.push(bytes.toString('base64'))
  }
}

/** Twice: what was to come in again, as parts of a long packet do, may stand in line behind the first marker. */
function outcomeOf(step: WireStep, markers: { readonly client: Buffer; readonly server: Buffer }): WireOutcome {
  for (const frame of step.frames) send(step.side, Buffer.from(frame, 'base64'))
  const seen = { client: [] as string[], server: [] as string[] }
  for (let round = 0; round < 2; round++) {
    send('client', markers.client)
    send('server', markers.server)
    seen.server.push(...until('server', markers.client))
    seen.client.push(...until('client', markers.server))
  }
  return seen
}

process.on('message', ({ steps, markers }: WireOrder) => {
  const decoded = { client: Buffer.from(markers.client, 'base64'), server: Buffer.from(markers.server, 'base64') }
  process.send?.(steps.map((step) => outcomeOf(step, decoded)))
})
process.send?.('ready')
