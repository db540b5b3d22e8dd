import ping from 'ping'
import type { CheckSchedule } from '../../model/check.ts'
import { isIpv4 } from '../../net/address.ts'
import { bad, type Finding, good, notAsked } from './finding.ts'

/** What ping prints when it may not open its socket: `ping: socktype: SOCK_RAW`, `ping: socket: Operation not permitted`. */
const NO_SOCKET = /^ping6?: sock(?:et|type): .*$/m

/** One ICMP echo by the system's ping, which may open the socket that this process may not. */
export async function probePing({ target, timeout }: CheckSchedule): Promise<Finding> {
  const seconds = Math.max(1, Math.ceil(timeout / 1000))
  const probed = ping.promise.probe(target.address, {
    v6: !isIpv4(target.address),
    timeout: seconds,
    deadline: seconds,
    min_reply: 1,
  })
  const answer = await probed.catch(() => undefined)
  if (answer === undefined) return notAsked('cannot start the program `ping`')
  if (answer.alive) return good(`echo reply after ${answer.time} ms`)
  const [refused] = NO_SOCKET.exec(answer.output) ?? []
  if (refused !== undefined) return notAsked(refused)
  return bad(`no echo reply from ${target.address} within ${seconds} s`)
}
