import { DgramAsPromised, TimeoutError } from 'dgram-as-promised'
import type { Check } from '../config/model.ts'
import { isIpv4 } from '../net/address.ts'
import { ProbeError, probeFailure } from './probe-error.ts'

/**
 * A datagram is sent from a connected socket, so that a port that nobody listens on shows as ECONNREFUSED. Without
 * `require_reply` silence until the deadline is good, as in keepalived.
 */
export async function probeUdp(check: Extract<Check, { type: 'UDP_CHECK' }>): Promise<string> {
  const { target, timeout, payload, requireReply } = check
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
    if (reply === undefined) throw new ProbeError('socket was closed')
    return `${reply.msg.length} bytes in reply`
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw probeFailure(error, timeout)
    if (!requireReply) return 'not refused'
    throw new ProbeError(`no answer within ${timeout / 1000} s`)
  } finally {
    socket.destroy()
  }
}
