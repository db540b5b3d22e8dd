import type { Check, UdpReply } from '../../model/check.ts'
import type { Note } from '../steps.ts'
import { exchange, hexStart } from './datagrams.ts'
import { bad, type Finding, good } from './finding.ts'

/**
 * Without `require_reply` silence until the deadline is good, as in keepalived, and so is any answer; with it, the first datagram decides.
 * A refusal by ICMP that comes behind the deadline is nobody's.
 */
export const probeUdp = (check: Extract<Check, { type: 'UDP_CHECK' }>, note?: Note): Promise<Finding> =>
  exchange(check, note, {
    request: Buffer.from(check.payload, 'hex'),
    judge(reply) {
      note?.(`compares with ${wantedText(check.reply)}`)
      const fault = check.reply === undefined ? undefined : replyFault(reply, check.reply)
      return fault === undefined ? good(`${reply.length} bytes in reply`) : bad(fault)
    },
    silence: () =>
      check.reply === undefined ? good('not refused') : bad(`no answer within ${check.timeout / 1000} s`),
  })

function wantedText(reply: UdpReply | undefined): string {
  if (reply === undefined) return 'nothing: any answer is good'
  const { pattern, minLength, maxLength } = reply
  return `${minLength} to ${maxLength} bytes${pattern === undefined ? '' : ` that begin with ${pattern}`}`
}

/**
 * Why a reply is not the one that is wanted. As in keepalived, a reply and a pattern are compared as far as both go, so that an empty one
 * passes; `min_reply_length` is for those who want all of it.
 */
export function replyFault(reply: Uint8Array, { pattern, minLength, maxLength }: UdpReply): string | undefined {
  if (reply.length < minLength) return `a reply of ${reply.length} bytes: fewer than ${minLength}`
  if (reply.length > maxLength) return `a reply of ${reply.length} bytes: more than ${maxLength}`
  const shown = Buffer.from(reply).toString('hex').toUpperCase()
  const digits = (pattern ?? '').slice(0, shown.length).split('')
  if (digits.every((digit, index) => digit === 'X' || digit === shown[index])) return undefined
  return `the reply is ${hexStart(reply)}, not ${pattern}`
}
