import type { RealServerSettings } from './keywords/root.ts'

/** All checkers of a real server that ask over the network, but agents, which say something of their own. */
export const networkCheckers = (real: RealServerSettings) => [...real.PING_CHECK, ...clientCheckers(real)]

/** Those that ask what clients do. */
export const clientCheckers = (real: RealServerSettings) => [
  ...real.TCP_CHECK,
  ...real.UDP_CHECK,
  ...real.HTTP_GET,
  ...real.SSL_GET,
  ...real.SMTP_CHECK,
  ...real.DNS_CHECK,
]

/** All checkers of a real server. */
export const checkersOf = (real: RealServerSettings) => [
  ...networkCheckers(real),
  ...real.MISC_CHECK,
  ...real.FILE_CHECK,
  ...real.BFD_CHECK,
  ...real.AGENT_CHECK,
]
