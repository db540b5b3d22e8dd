/**
 * A bad wire between two switches: what comes in by one interface goes out by the other. Adverts from eth0 to eth1 are held up, each for a
 * time of its own, and so may overtake each other; everything else passes at once. `late-wire-process.ts SEED DELAY...`: the longest delays,
 * in ms, of equal ranges of VRIDs from 1 on, `RANGE` of them each.
 *
 *     late-wire-process.ts SEED RANGE DELAY...
 */
import { becomeRealtime } from '../../src/linux/process.ts'
import { Poller } from '../../src/linux/poller.ts'
import { openWireEnd } from '../../src/linux/wire-end.ts'
import { dice } from '../../src/simulate/dice.ts'

const IPV4 = 0x0800
const VRRP = 112
const ETHERNET_HEADER = 14

const [seed = 1, range = 1, ...longest] = process.argv.slice(2).map(Number)
const roll = dice(seed)

/** How long a frame may be held up, in ms. */
function longestDelay(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < ETHERNET_HEADER + 20 || view.getUint16(12) !== IPV4 || view.getUint8(23) !== VRRP) return 0
  const header = (view.getUint8(ETHERNET_HEADER) & 0xf) * 4
  const vrid = frame[ETHERNET_HEADER + header + 1] ?? 0
  return longest[Math.floor((vrid - 1) / range)] ?? 0
}

const [from, to] = [openWireEnd('eth0', false), openWireEnd('eth1', false)]

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
