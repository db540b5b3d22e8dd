import { DgramAsPromised, TimeoutError } from 'dgram-as-promised'
import type { CheckSchedule } from '../../model/check.ts'
import { endpointName } from '../../model/endpoint.ts'
import { isIpv4 } from '../../net/address.ts'
import { bindUdp, sourceText } from '../source.ts'
import type { Note } from '../steps.ts'
import { bad, type Finding } from './finding.ts'

/**
 * BOUNDED: datagrams of one probe that are looked at. Whoever sends more that are no answer makes the probe fail, instead of keeping this
 * process busy.
 */
const LOOKED_AT = 64

export interface Dialogue {
  readonly request: Uint8Array
  /** What a datagram says of the server; undefined: it is no answer, and the next one is waited for. */
  readonly judge: (reply: Uint8Array) => Finding | undefined
  /** What it says that there was no answer until the deadline, behind so many datagrams that were none. */
  readonly silence: (ignored: number) => Finding
}

/**
 * Sends one datagram from a connected socket, so that only the server's own datagrams come back, and ICMP errors: a port that nobody
 * listens on shows as ECONNREFUSED, a server that is not there as EHOSTUNREACH. Has an answer by the deadline of the check; what comes later is for nobody. Rejects with what the socket fails with.
 */
export async function exchange(
  check: CheckSchedule,
  note: Note,
  { request, judge, silence }: Dialogue,
): Promise<Finding> {
  const { target, timeout, source } = check
  note?.(`sends ${request.length} bytes to ${endpointName(target)}${sourceText(source)}`)
  const end = performance.now() + timeout
  const promised = DgramAsPromised.createSocket(isIpv4(target.address) ? 'udp4' : 'udp6')
  const { socket } = promised
  try {
    bindUdp(socket, check)
    await new Promise<void>((resolve, reject) => {
      // Node calls it with an error, too, when there is no way to the server.
      socket.connect(target.port, target.address, (error?: Error) => (error === undefined ? resolve() : reject(error)))
    })
    await new Promise<void>((resolve, reject) => {
      socket.send(request, (error) => (error === null ? resolve() : reject(error)))
    })
    note?.(`sent, from ${socket.address().address} port ${socket.address().port}`)
    for (let ignored = 0; ignored < LOOKED_AT; ignored++) {
      const left = end - performance.now()
      if (left <= 0) return silence(ignored)
      try {
        const reply = await promised.setTimeout(left).recv()
        if (reply !== undefined) note?.(`${reply.msg.length} bytes came: ${hexStart(reply.msg)}`)
        const finding = reply === undefined ? bad('socket was closed') : judge(reply.msg)
        if (finding !== undefined) return finding
        note?.('these are no answer; waits for others')
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error
        return silence(ignored)
      }
    }
    return bad(`none of ${LOOKED_AT} datagrams was an answer`)
  } finally {
    socket.close()
  }
}

/** Bytes of a datagram that are shown. */
const SHOWN_BYTES = 16

/** For people: its beginning in hexadecimal. */
export function hexStart(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex').toUpperCase()
  return bytes.length > SHOWN_BYTES ? `${hex}…` : hex
}
