import { DgramAsPromised, TimeoutError } from 'dgram-as-promised'
import type { Check, UdpReply } from '../../model/check.ts'
import { isIpv4 } from '../../net/address.ts'
import { bad, type Finding, good } from './finding.ts'

/**
 * A datagram is sent from a connected socket, so that a port that nobody listens on shows as ECONNREFUSED. Without
 * `require_reply` silence until the deadline is good, as in keepalived; with it, the first datagram decides.
 */
export async function probeUdp(check: Extract<Check, { type: 'UDP_CHECK' }>): Promise<Finding> {
  const { target, timeout, payload, reply: wanted } = check
  const socket = DgramAsPromised.createSocket(isIpv4(target.address) ? 'udp4' : 'udp6')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.socket.once('error', reject)
      socket.socket.connect(target.port, target.address, resolve)
    })
    socket.setTimeout(timeout)
    await new Promise<void>((resolve, reject) => {
      socket.socket.send(Buffer.from(payload, 'hex'), (error) => (error === null ? resolve() : reject(error)))
    })
    const reply = await socket.recv()
    if (reply === undefined) return bad('socket was closed')
    const fault = wanted === undefined ? undefined : replyFault(reply.msg, wanted)
    return fault === undefined ? good(`${reply.msg.length} bytes in reply`) : bad(fault)
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    return wanted === undefined ? good('not refused') : bad(`no answer within ${timeout / 1000} s`)
  } finally {
    socket.destroy()
  }
}

/** Bytes of a reply that a reason shows. */
const SHOWN_BYTES = 16

/**
 * Why a reply is not the one that is wanted. As in keepalived, a reply and a pattern are compared as far as both go;
 * `min_reply_length` is for those who want all of it.
 */
export function replyFault(reply: Uint8Array, { pattern, minLength, maxLength }: UdpReply): string | undefined {
  if (reply.length < minLength) return `a reply of ${reply.length} bytes: fewer than ${minLength}`
  if (reply.length > maxLength) return `a reply of ${reply.length} bytes: more than ${maxLength}`
  const shown = Buffer.from(reply).toString('hex').toUpperCase()
  const digits = (pattern ?? '').slice(0, shown.length).split('')
  if (digits.every((digit, index) => digit === 'X' || digit === shown[index])) return undefined
  const start = shown.length > SHOWN_BYTES * 2 ? `${shown.slice(0, SHOWN_BYTES * 2)}…` : shown
  return `the reply is ${start}, not ${pattern}`
}
