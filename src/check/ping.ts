import ping from 'ping'
import type { CheckSchedule } from '../config/model.ts'
import { isIpv4 } from '../net/address.ts'
import { ProbeError } from './probe-error.ts'

/** One ICMP echo by the system's ping, which may open the socket that this process may not. */
export async function probePing({ target, timeout }: CheckSchedule): Promise<string> {
  const seconds = Math.max(1, Math.ceil(timeout / 1000))
  const answer = await ping.promise.probe(target.address, {
    v6: !isIpv4(target.address),
    timeout: seconds,
    deadline: seconds,
    min_reply: 1,
  })
  if (!answer.alive) throw new ProbeError(`no echo reply from ${target.address} within ${seconds} s`)
  return `echo reply after ${answer.time} ms`
}
