import type { Check } from '../../model/check.ts'
import { millis } from '../../time.ts'
import type { Answer } from '../health.ts'
import { failureOf, type Finding } from './finding.ts'
import { probeHttp } from './http.ts'
import { probePing } from './ping.ts'
import { probeTcp } from './tcp.ts'
import { probeUdp } from './udp.ts'

/** Asks a server once, and has the answer before the deadline of the check. Counts nothing and remembers nothing. */
export async function probe(check: Check): Promise<Answer> {
  const begun = performance.now()
  const finding = await ask(check).catch((error: unknown) => failureOf(error, check.timeout))
  return { ...finding, duration: millis(performance.now() - begun) }
}

/** Rejects with what a connection fails with. */
async function ask(check: Check): Promise<Finding> {
  switch (check.type) {
    case 'PING_CHECK':
      return probePing(check)
    case 'TCP_CHECK':
      return probeTcp(check)
    case 'UDP_CHECK':
      return probeUdp(check)
    case 'HTTP_GET':
      return probeHttp(check)
  }
}
