/**
 * The outage probe of an election: an ICMP echo request to each of several addresses every millisecond, on a schedule by the monotonic
 * clock that waits for nobody (open loop). The kernel answers, so that nothing but the election is in the way.
 *
 *     ping-probe-process.ts ADDRESS...
 *
 * Any message asks for a report of what was sent since the last one. It sleeps in the kernel between two turns, not in the event loop, and has
 * real-time priority where that is allowed: timers of Node are a millisecond or two late even on an idle machine.
 */
import { setImmediate as turn } from 'node:timers/promises'
import koffi from 'koffi'
import { schedule } from '../../src/linux/scheduling.ts'
import { AF_INET, Socket, SOCK_RAW } from '../../src/linux/socket.ts'
import { checksum } from '../../src/net/checksum.ts'
import type { PingReport } from './reporter.ts'

const PERIOD_MS = 1
/** An answer that has not come after that is lost. */
const PATIENCE_MS = 200
/** BOUNDED: what is reported at most; older ones are forgotten. */
const REMEMBERED = 2 ** 17
/** So many turns until messages are looked at. */
const TURNS = 20

const IPPROTO_ICMP = 1
const ECHO_REQUEST = 8
const ECHO_REPLY = 0
const IP_HEADER = 20
const ICMP_HEADER = 8
const CLOCK_MONOTONIC = 1
const TIMER_ABSTIME = 1

const sleepUntil = koffi.load('libc.so.6').func('int clock_nanosleep(int clock, int flags, const void *at, void *left)')

const identification = process.pid & 0xffff
const socket = new Socket('ICMP socket', AF_INET, SOCK_RAW, IPPROTO_ICMP)
const targets = process.argv.slice(2).map((address) => {
  const to = Buffer.alloc(16) // struct sockaddr_in
  to.writeUInt16LE(AF_INET)
  to.set(address.split('.').map(Number), 4)
  return { to, answered: new Uint8Array(REMEMBERED) }
})
/** When the probes of a number were sent, in ms; the same for all targets. */
const sentAt = new Float64Array(REMEMBERED)
const lateness = new Float64Array(REMEMBERED)
let sent = 0
let first = 0

/** An echo request whose payload says which target it is for, and its number. */
function request(target: number, number: number): Uint8Array {
  const packet = Buffer.alloc(ICMP_HEADER + 8)
  packet.writeUInt8(ECHO_REQUEST)
  packet.writeUInt16BE(identification, 4)
  packet.writeUInt16BE(number & 0xffff, 6)
  packet.writeUInt32LE(target, ICMP_HEADER)
  packet.writeUInt32LE(number, ICMP_HEADER + 4)
  packet.writeUInt16BE(checksum(packet), 2)
  return packet
}

function receive(): void {
  for (let packet = socket.receive(); packet !== undefined; packet = socket.receive()) {
    const bytes = Buffer.from(packet.buffer, packet.byteOffset + IP_HEADER, packet.byteLength - IP_HEADER)
    if (bytes.length < ICMP_HEADER + 8 || bytes[0] !== ECHO_REPLY || bytes.readUInt16BE(4) !== identification) continue
    const number = bytes.readUInt32LE(ICMP_HEADER + 4)
    const target = targets[bytes.readUInt32LE(ICMP_HEADER)]
    if (target !== undefined && number >= sent - REMEMBERED) target.answered[number % REMEMBERED] = 1
  }
}

/** `performance.now()` when the monotonic clock was 0. */
const origin = performance.now() - Number(process.hrtime.bigint()) / 1e6

function waitUntil(at: number): void {
  const time = new BigInt64Array(2) // struct timespec
  const nanoseconds = BigInt(Math.round((at - origin) * 1e6))
  time[0] = nanoseconds / 1_000_000_000n
  time[1] = nanoseconds % 1_000_000_000n
  sleepUntil(CLOCK_MONOTONIC, TIMER_ABSTIME, new Uint8Array(time.buffer), null)
}

function probe(due: number): void {
  const now = performance.now()
  const slot = sent % REMEMBERED
  sentAt[slot] = now
  lateness[slot] = now - due
  for (const [i, { to, answered }] of targets.entries()) {
    answered[slot] = 0
    socket.send(request(i, sent), to) // unreachable for a moment: a lost probe
  }
  sent++
}

function report(): PingReport {
  receive()
  const now = performance.now()
  const from = Math.max(first, sent - REMEMBERED)
  let end = sent
  while (end > from && (sentAt[(end - 1) % REMEMBERED] ?? 0) > now - PATIENCE_MS) end--
  first = end
  let latest = 0
  for (let i = from; i < end; i++) latest = Math.max(latest, lateness[i % REMEMBERED] ?? 0)
  return { sent: end - from, lateness: latest, targets: targets.map(({ answered }) => seen(answered, from, end)) }
}

/** From the last answered probe before a gap to the first answered one after it, less the period. */
function seen(answered: Uint8Array, from: number, end: number): PingReport['targets'][number] {
  let [lost, longest, gaps] = [0, 0, 0]
  let before = from
  for (let i = from; i < end; i++) {
    const isLast = i === end - 1
    if (answered[i % REMEMBERED] === 0) lost++
    if (answered[i % REMEMBERED] === 0 && !isLast) continue
    if (i - before > 1 || (isLast && answered[i % REMEMBERED] === 0)) {
      const gap = (sentAt[i % REMEMBERED] ?? 0) - (sentAt[before % REMEMBERED] ?? 0) - PERIOD_MS
      longest = Math.max(longest, gap)
      if (gap > 10) gaps++
    }
    before = i
  }
  return { lost, longest, gaps }
}

async function run(): Promise<never> {
  let due = performance.now()
  for (;;) {
    for (let i = 0; i < TURNS; i++) {
      due += PERIOD_MS
      waitUntil(due)
      probe(due)
      receive()
    }
    // oxlint-disable-next-line no-await-in-loop -- lets messages in
    await turn()
  }
}

for (const { message } of schedule(process.pid, { nice: undefined, realtime: 2, cpus: undefined }))
  process.stderr.write(`ping probe: ${message}\n`)
process.on('message', () => process.send?.(report()))
process.send?.('ready')
void run()
