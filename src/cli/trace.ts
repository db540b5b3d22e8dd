import { serviceName } from '../model/service.ts'
import { endpointName } from '../model/endpoint.ts'
import type { SeenHeader, Traced, TracePacket } from '../model/trace.ts'

const RULES = {
  connection: 'existing connection',
  template: 'persistence template of the client',
  scheduler: 'scheduler',
  reply: 'reply of a real server',
  denied: 'access list',
  closed: 'no_accept of its vrrp_instance',
  ended: 'a connection by NAT whose time is over',
} as const

const OUTCOMES = {
  forwarded: 'forwarded',
  stack: "not forwarded: it goes to this host's own stack",
  dropped: 'dropped',
  refused: 'refused: the client gets an ICMP error',
} as const

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  58: 'ICMPv6',
}

/** What would become of a packet, for people. */
export function formatTrace({ protocol, client, virtual }: TracePacket, traced: Traced): string {
  const { outcome, rule, access, server, leaves } = traced
  const rows: [string, string][] = [
    ['packet', `${protocol} ${endpointName(client)} to ${endpointName(virtual)}`],
    ['outcome', OUTCOMES[outcome]],
  ]
  if (server !== undefined) {
    const { service, endpoint, forwarding, hop } = server
    rows.push(['service', serviceName(service)], ['server', `${endpointName(endpoint)} by ${forwarding.method}`])
    if (hop === 'local') rows.push(['next hop', 'this director itself'])
    else if (hop !== undefined) rows.push(['next hop', `${hop.neighbour} on interface ${hop.ifindex}`])
  }
  if (access !== undefined) {
    const { verdict, prefix } = access
    const by = prefix === undefined ? 'the client is in no prefix of its lists' : `by ${verdict} { ${prefix} }`
    rows.push(['access', `${verdict === 'allow' ? 'allowed' : 'denied'}: ${by}`])
  }
  if (rule !== undefined) rows.push(['chosen by', RULES[rule]])
  for (const [i, header] of (outcome === 'forwarded' || outcome === 'refused' ? leaves : []).entries()) {
    rows.push([i === 0 ? 'leaves as' : 'within', headerText(header)])
  }
  return rows.map(([name, text]) => `${name.padEnd(10)} ${text}\n`).join('')
}

function headerText({ protocol, source, destination, ttl, ports }: SeenHeader): string {
  const [from, to] = ports ?? []
  const end = (address: SeenHeader['source'], port: number | undefined) =>
    port === undefined ? address : endpointName({ address, port })
  return `${PROTOCOLS[protocol] ?? protocol} ${end(source, from)} to ${end(destination, to)}, TTL ${ttl}`
}
