import type { Way } from '../../drill/language/words.ts'
import { becomeRealtime } from '../../linux/process.ts'
import { Poller } from '../../linux/poller.ts'
import { openWireEnd, VNET_HEADER, type WireEnd } from '../../linux/wire-end.ts'
import { dice } from '../../simulate/dice.ts'
import { work } from '../program.ts'

/**
 * A bad wire between a machine and its switch: what comes in by one interface goes out by the other, late, twice, changed, or not at all.
 * In user space, since many kernels lack the emulator that `tc` has for it.
 *
 *     wire.ts PORT INNER SEED BADNESS    PORT leads to the machine, INNER to the switch
 */
interface Badness {
  readonly way: Way
  /** In per cent. */
  readonly lose?: number
  readonly duplicate?: number
  readonly corrupt?: number
  readonly reorder?: number
  /** In ms. */
  readonly delay?: number
  readonly jitter?: number
}

const ETHERNET_HEADER = 14
/** BOUNDED: frames on their way; more are lost, as by a real wire that is full. */
const MOST_ON_THE_WAY = 20_000

const [port = '', inner = '', seed = '1', badness = '{}'] = process.argv.slice(2)
const { way, lose = 0, duplicate = 0, corrupt = 0, reorder = 0, delay = 0, jitter = 0 } = JSON.parse(badness) as Badness
const roll = dice(Number(seed))
const random = () => roll(1_000_000) / 1_000_000
const happens = (percent: number) => percent > 0 && random() * 100 < percent
let onTheWay = 0

/** Another bit somewhere behind the addresses, and a checksum that nobody makes right. */
function damaged(frame: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(frame)
  const first = VNET_HEADER + ETHERNET_HEADER
  const place = first + Math.floor(random() * Math.max(1, copy.length - first))
  copy[place] = (copy[place] ?? 0) ^ (1 << Math.floor(random() * 8))
  copy.fill(0, 0, VNET_HEADER)
  return copy
}

function send(to: WireEnd, frame: Uint8Array): void {
  // What does not fit any more is lost.
  to.socket.send(frame, to.address)
}

function pass(frame: Uint8Array, to: WireEnd): void {
  if (happens(lose)) return
  const sent = happens(corrupt) ? damaged(frame) : frame
  const late = happens(reorder) ? 0 : Math.max(0, delay + (random() * 2 - 1) * jitter)
  for (let copies = happens(duplicate) ? 2 : 1; copies > 0; copies--) {
    if (late < 1) send(to, sent)
    else if (onTheWay < MOST_ON_THE_WAY) {
      onTheWay++
      setTimeout(() => {
        onTheWay--
        send(to, sent)
      }, late)
    }
  }
}

const machine = openWireEnd(port, true)
const network = openWireEnd(inner, true)

function forward(from: WireEnd, to: WireEnd, isBad: boolean): void {
  for (let frame = from.socket.receive(); frame !== undefined; frame = from.socket.receive()) {
    if (isBad) pass(frame, to)
    else send(to, frame)
  }
}

becomeRealtime()
new Poller(() => {
  forward(network, machine, way !== 'out')
  forward(machine, network, way !== 'in')
}).watch([machine.socket.fd, network.socket.fd])
work(() => {
  throw new Error('a wire answers nothing')
})
