import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { SOCK_DGRAM } from '../../linux/socket.ts'
import { openFrom } from '../../linux/source-socket.ts'
import type { CheckSchedule, CheckSource } from '../../model/check.ts'
import { isIpv4 } from '../../net/address.ts'
import { adopt, sourceText } from '../source.ts'
import type { Note } from '../steps.ts'
import { type Finding, good } from './finding.ts'

const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
/** Types of echo requests, and of replies. */
const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const
/** Nothing to ICMP, and wanted by Node. */
const ANY_PORT = 1

/**
 * One ICMP echo from the source of a check, by a socket of its own (icmp(7): the kernel fills in identifier and checksum, and hands over
 * nobody else's replies). Rejects with SystemError where this process may not open it (`net.ipv4.ping_group_range`).
 */
export async function pingFrom(
  { target, timeout }: CheckSchedule,
  { port: _none, ...source }: CheckSource,
  note?: Note,
): Promise<Finding> {
  const family = isIpv4(target.address) ? 4 : 6
  const { request, reply } = ECHO[family]
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
  const signal = AbortSignal.timeout(timeout)
  try {
    // To Node it is a UDP socket: both are datagrams.
    adopt(socket, openFrom(source, target.address, SOCK_DGRAM, family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
    const connected = once(socket, 'connect', { signal })
    socket.connect(ANY_PORT, target.address)
    await connected
    note?.(`sends an echo request to ${target.address}${sourceText(source)}, by a socket of its own`)
    const begun = performance.now()
    const first = once(socket, 'message', { signal })
    socket.send(Uint8Array.of(request, 0, 0, 0, 0, 0, 0, 1))
    for (let next = first; ; next = once(socket, 'message', { signal })) {
      const [answer] = (await next) as [Buffer]
      if (answer[0] === reply) return good(`echo reply after ${(performance.now() - begun).toFixed(2)} ms`)
    }
  } finally {
    socket.close()
  }
}
