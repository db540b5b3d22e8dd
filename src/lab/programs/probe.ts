/**
 * The outage probe: a numbered packet each millisecond, on a schedule by the monotonic clock that waits for nobody (open loop).
 *
 *     probe.ts ADDRESS PORT udp|beside|tcp|icmp
 *
 * IPv4 and IPv6. `beside` is UDP by another name. Any question is answered with a ProbeRecord of all that was sent until then; its times are
 * those of this machine's monotonic clock. It sleeps in the kernel, and has real-time priority where that is allowed.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { ProbeRecord } from '../../drill/recording.ts'
import { schedule } from '../../linux/scheduling.ts'
import { sleepUntil } from '../../linux/sleep.ts'
import { type Address, parseAddress } from '../../net/address.ts'
import { after, type Millis, millis } from '../../time.ts'
import { monotonicNow } from '../monotonic.ts'
import { LATE, PERIOD, ProbeTally } from '../probe-tally.ts'
import { icmpWay, type ProbeWay, tcpWay, udpWay } from '../probe-ways.ts'
import { tell, work } from '../program.ts'

/** Before all that has no real-time priority, and behind a director's election. */
const REALTIME = 1
/** So many packets until questions are looked at. */
const TURNS = 20

const [addressText = '', portText = '', by = ''] = process.argv.slice(2)
const address = parseAddress(addressText)
if (address === undefined) throw new Error(`${addressText} is no address`)
if (!isWay(by)) throw new Error(`there is no probe by ${by}`)
const target =
  by === 'icmp' ? addressText : address.includes(':') ? `[${address}]:${portText}` : `${address}:${portText}`
const way = wayOf(by, address, Number(portText))
const tally = new ProbeTally()
/** Who has asked, and how much is to be judged before. */
let asked: { readonly upTo: number; readonly resolve: (record: ProbeRecord) => void }[] = []

function isWay(text: string): text is ProbeRecord['by'] {
  return text === 'udp' || text === 'tcp' || text === 'icmp' || text === 'beside'
}

function wayOf(by: ProbeRecord['by'], to: Address, port: number): ProbeWay {
  switch (by) {
    case 'udp':
    case 'beside':
      return udpWay(to, port)
    case 'tcp':
      return tcpWay(to, port)
    case 'icmp':
      return icmpWay(to)
  }
}

let lookedAt = monotonicNow()

function look(): void {
  const now = monotonicNow()
  const waited = millis(now - lookedAt)
  lookedAt = now
  way.receive((number) => tally.answer(number, now, waited))
  tally.judge(now, waited)
}

async function run(): Promise<never> {
  let due: Millis = monotonicNow()
  for (;;) {
    for (let i = 0; i < TURNS; i++) {
      due = after(due, PERIOD)
      sleepUntil(due)
      const now = monotonicNow()
      if (now - due >= LATE) {
        tally.late(due, now - due)
        // What was missed is not sent all at once: it would be lost in buffers.
        due = now
      }
      tally.send(now)
      way.send(tally.sent - 1)
      look()
    }
    const ready = asked.filter(({ upTo }) => tally.judged >= upTo)
    asked = asked.filter((each) => !ready.includes(each))
    for (const { resolve } of ready) resolve(tally.record(by as ProbeRecord['by'], target))
    // Lets questions in.
    await turn()
  }
}

for (const { message } of schedule(process.pid, { nice: undefined, realtime: REALTIME, cpus: undefined })) {
  tell({ notice: message })
}
work(() => new Promise<ProbeRecord>((resolve) => asked.push({ upTo: tally.sent, resolve })))
void run()
