/**
 * A bad wire between two switches: what comes in by one interface goes out by the other. Adverts from eth0 to eth1 are held up, each for a
 * time of its own, and so may overtake each other; everything else passes at once. `late-wire-process.ts SEED DELAY...`: the longest delays,
 * in ms, of equal ranges of VRIDs from 1 on, `RANGE` of them each.
 *
 *     late-wire-process.ts SEED RANGE DELAY...
 */
import { becomeRealtime } from '../../src/linux/process.ts'
import { Poller } from '../../src/linux/poller.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'
import { AF_PACKET, Socket, SOCK_RAW } from '../../src/linux/socket.ts'
import { dice } from '../../src/simulate/dice.ts'

const ETH_P_ALL = 0x0003
const SOL_PACKET = 263
const PACKET_IGNORE_OUTGOING = 23
const IPV4 = 0x0800
const VRRP = 112
const ETHERNET_HEADER = 14

const [seed = 1, range = 1, ...longest] = process.argv.slice(2).map(Number)
const roll = dice(seed)

interface End {
  readonly socket: Socket
  readonly address: Uint8Array
}

function open(name: string): End {
  const link = new Rtnetlink().links().find((each) => each.name === name)
  if (link === undefined) throw new Error(`this host has no ${name}`)
  const socket = new Socket('packet socket', AF_PACKET, SOCK_RAW, 0)
  socket.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
  const address = Buffer.alloc(20) // struct sockaddr_ll
  address.writeUInt16LE(AF_PACKET)
  address.writeUInt16BE(ETH_P_ALL, 2)
  address.writeInt32LE(link.index, 4)
  socket.bind(address)
  return { socket, address }
}

/** How long a frame may be held up, in ms. */
function longestDelay(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < ETHERNET_HEADER + 20 || view.getUint16(12) !== IPV4 || view.getUint8(23) !== VRRP) return 0
  const header = (view.getUint8(ETHERNET_HEADER) & 0xf) * 4
  const vrid = frame[ETHERNET_HEADER + header + 1] ?? 0
  return longest[Math.floor((vrid - 1) / range)] ?? 0
}

const [from, to] = [open('eth0'), open('eth1')]

function forward(): void {
  for (let frame = from.socket.receive(); frame !== undefined; frame = from.socket.receive()) {
    const bytes = frame
    const limit = longestDelay(bytes)
    const delay = limit === 0 ? 0 : (roll(1_000_000) / 1_000_000) * limit
    if (delay < 1) to.socket.send(bytes, to.address)
    else setTimeout(() => to.socket.send(bytes, to.address), delay)
  }
  for (let frame = to.socket.receive(); frame !== undefined; frame = to.socket.receive())
    from.socket.send(frame, from.address)
}

becomeRealtime()
new Poller(forward).watch([from.socket.fd, to.socket.fd])
process.send?.('ready')
