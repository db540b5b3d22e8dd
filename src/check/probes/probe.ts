import type { Check } from '../../model/check.ts'
import { probeHttp } from './http.ts'
import { probePing } from './ping.ts'
import { probeTcp } from './tcp.ts'
import { probeUdp } from './udp.ts'

/**
 * Asks a server once. Resolves with what is worth knowing about a good answer; rejects with ProbeError when there is
 * none before the deadline, and with NotAskedError when this host could not ask. Counts nothing and remembers nothing.
 */
export async function probe(check: Check): Promise<string> {
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
