import type { Machine, Topology } from '../../src/drill/topology.ts'

const portText = ({ lan, name, addresses }: Machine['ports'][number]): string =>
  `${name} on ${lan}: ${addresses.join(', ') || 'no address'}`

function machineText(machine: Machine | undefined): readonly string[] {
  if (machine === undefined) return []
  const { name, ports, ip } = machine
  return [`${name}: ${ports.map(portText).join('; ')}`, ...ip.map((command) => `  ip ${command}`)]
}

/** A lab in words, a line each, for comparison. */
export function topologyText(topology: Topology): readonly string[] {
  const { directors, servers, client, router, beside, stranger, targets, virtualAddresses, cannotPlay } = topology
  return [
    ...machineText(directors.director1),
    ...machineText(directors.director2),
    ...servers.flatMap((server) => [
      ...machineText(server),
      ...server.talks.tcp.map(({ port, talk, paths }) =>
        [`  tcp ${port} ${talk}`, ...paths.map(({ path, status }) => `${path} ${status}`)].join(', '),
      ),
      ...server.talks.udp.map(({ port }) => `  udp ${port}`),
    ]),
    ...[client, router, beside, stranger].flatMap(machineText),
    `by turns: ${virtualAddresses.join(', ')}`,
    ...[...targets.tcp, ...targets.udp].map(({ address, port, talk }) => `asked: ${talk} ${address} ${port}`),
    `pinged: ${targets.icmp.join(', ')}`,
    ...cannotPlay,
  ]
}
