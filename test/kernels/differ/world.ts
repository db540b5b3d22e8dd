/** The addresses and services that both directors have. */

export type Family = 'ipv4' | 'ipv6'
export type Protocol = 'tcp' | 'udp' | 'sctp'
export type Method = 'nat' | 'dr' | 'tun'
export type Side = 'client' | 'server'

export const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp']

/** What a server has at the end of its address. `mtu` is that of the director's route to it. */
const HOSTS = { nat: 11, dr: 12, tun: 13, narrow: 14, any: 15 } as const

export interface Service {
  readonly family: Family
  readonly protocol: Protocol
  readonly vip: string
  /** 0: every port, and persistent. */
  readonly port: number
  readonly onePacket: boolean
  /** Undefined: the service has no server. */
  readonly server: { readonly address: string; readonly port: number; readonly method: Method } | undefined
}

export const DIRECTOR = {
  ipv4: { client: '172.18.100.1', server: '192.168.10.1' },
  ipv6: { client: 'fd00:18::1', server: 'fd00:10::1' },
} as const

export const VIPS = {
  ipv4: ['172.18.100.6', '172.18.100.7'],
  ipv6: ['fd00:18::6', 'fd00:18::7'],
} as const

/** The director has a route to it that says so. */
const UNREACHABLE = { ipv4: '203.0.113.1', ipv6: 'fd00:113::1' } as const
export const NEAR_CLIENT = { ipv4: '172.18.0.10', ipv6: 'fd00:18::10' } as const
export const GATEWAY = { ipv4: '172.18.0.254', ipv6: 'fd00:18::fe' } as const
export const ROUTER = { ipv4: '10.99.9.9', ipv6: 'fd00:99::9' } as const
/** The frames that end a step go from one of these to the other. */
export const MARKERS = { client: '172.18.0.9', server: '192.168.10.99' } as const

export const serverAddress = (family: Family, host: number) =>
  family === 'ipv4' ? `192.168.10.${host}` : `fd00:10::${host}`

export const CLIENT_NETS = ['far', 'narrow', 'lost'] as const
export type ClientNet = (typeof CLIENT_NETS)[number]

/** A client that no other case has; `number` is below 65 536. */
export function clientAddress(family: Family, net: ClientNet, number: number): string {
  const index = 66 + CLIENT_NETS.indexOf(net)
  return family === 'ipv4' ? `10.${index}.${number >> 8}.${number & 0xff}` : `fd00:${index}::1:${number.toString(16)}`
}

function servicesOf(family: Family, protocol: Protocol): Service[] {
  const [vip, second] = VIPS[family]
  const at = (host: keyof typeof HOSTS) => serverAddress(family, HOSTS[host])
  const make = (port: number, method: Method, address: string, other: Partial<Service> & { to?: number } = {}) => {
    const { to = port, ...rest } = other
    const server = { address, port: to, method }
    return { family, protocol, vip, port, onePacket: false, server, ...rest } satisfies Service
  }
  const services: Service[] = [
    make(80, 'nat', at('nat')),
    make(81, 'nat', at('nat'), { to: 9081 }),
    make(82, 'dr', at('dr')),
    make(83, 'tun', at('tun')),
    make(84, 'nat', at('narrow')),
    make(85, 'dr', at('narrow')),
    make(86, 'tun', at('narrow')),
    { ...make(87, 'nat', at('nat')), server: undefined },
    make(88, 'nat', UNREACHABLE[family]),
    make(89, 'dr', UNREACHABLE[family]),
    make(0, 'nat', at('any'), { vip: second }),
  ]
  if (protocol !== 'udp') return services
  return [
    ...services,
    make(500, 'nat', at('nat')),
    make(500, 'dr', at('dr'), { vip: second }),
    make(91, 'nat', at('nat'), { onePacket: true }),
  ]
}

export const SERVICES: readonly Service[] = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  PROTOCOLS.flatMap((protocol) => servicesOf(family, protocol)),
)

/** As `ipvsadm -R` reads them. */
export function rules(): string {
  const options = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const
  const methods = { nat: '-m', dr: '-g', tun: '-i' } as const
  const text = (address: string, port: number) =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const lines = SERVICES.flatMap(({ protocol, vip, port, onePacket, server }) => {
    const name = `${options[protocol]} ${text(vip, port)}`
    const add = `-A ${name} -s rr${port === 0 ? ' -p 300' : ''}${onePacket ? ' -o' : ''}`
    if (server === undefined) return [add]
    return [add, `-a ${name} -r ${text(server.address, server.port)} ${methods[server.method]}`]
  })
  return `${lines.join('\n')}\n`
}

/** Frames of a side's own hosts have this source, and the director's interface there the other. */
export const MAC = {
  client: { host: '02:00:00:00:01:ff', director: '02:00:00:00:01:01' },
  server: { host: '02:00:00:00:02:ff', director: '02:00:00:00:02:01' },
} as const

export const macBytes = (mac: string) => Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16))

/** Each has a MAC of its own, so that frames show the next hop that was chosen. */
const NEIGHBOURS: readonly (readonly [side: Side, address: string])[] = [
  ...Object.values(GATEWAY).map((address) => ['client', address] as const),
  ...Object.values(NEAR_CLIENT).map((address) => ['client', address] as const),
  ['client', MARKERS.client],
  ['server', MARKERS.server],
  ...(['ipv4', 'ipv6'] as const).flatMap((family) =>
    Object.values(HOSTS).map((host) => ['server', serverAddress(family, host)] as const),
  ),
]

const DEVICES = { client: 'eth0', server: 'eth1' } as const

/**
 * The commands that make a director's end of the world, in its namespace. Frames as long as 2000 come in from clients, 1500 go to
 * servers. Nothing is limited by rate and nothing waits: each packet's outcome is there at once.
 */
export function directorCommands(wires: string): string {
  const link = (side: Side, mtu: number) =>
    `ip link add ${DEVICES[side]} address ${MAC[side].director} mtu ${mtu} type veth peer name ${side} address ${MAC[side].host} mtu 9000 netns ${wires}`
  const address = (text: string, side: Side) =>
    `ip address add ${text} dev ${DEVICES[side]}${text.includes(':') ? ' nodad' : ''}`
  const narrow = HOSTS.narrow
  return [
    'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0',
    'sysctl -qw net.ipv6.conf.default.router_solicitations=0 net.ipv6.auto_flowlabels=0',
    'sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratelimit=0 net.ipv4.ipfrag_time=3600',
    'sysctl -qw net.ipv4.ipfrag_max_dist=0 net.ipv6.ip6frag_time=3600',
    'sysctl -qew net.netfilter.nf_conntrack_frag6_timeout=3600',
    link('client', 2000),
    link('server', 1500),
    address(`${DIRECTOR.ipv4.client}/16`, 'client'),
    address(`${DIRECTOR.ipv6.client}/64`, 'client'),
    address(`${DIRECTOR.ipv4.server}/24`, 'server'),
    address(`${DIRECTOR.ipv6.server}/64`, 'server'),
    ...VIPS.ipv4.map((vip) => address(`${vip}/32`, 'client')),
    ...VIPS.ipv6.map((vip) => address(`${vip}/128`, 'client')),
    // What the director makes itself leaves with its checksum in it.
    ...Object.values(DEVICES).flatMap((device) => [`ethtool -K ${device} tx off`, `ip link set ${device} up`]),
    ...NEIGHBOURS.map(
      ([side, text], i) =>
        `ip neighbour add ${text} lladdr 02:00:00:00:0${side === 'client' ? 1 : 2}:${(16 + i).toString(16)} dev ${DEVICES[side]} nud permanent`,
    ),
    `ip route add default via ${GATEWAY.ipv4}`,
    `ip -6 route add default via ${GATEWAY.ipv6}`,
    `ip route add 10.67.0.0/16 via ${GATEWAY.ipv4} mtu 1300`,
    `ip -6 route add fd00:67::/32 via ${GATEWAY.ipv6} mtu 1300`,
    'ip route add blackhole 10.68.0.0/16',
    'ip -6 route add blackhole fd00:68::/32',
    `ip route add unreachable ${UNREACHABLE.ipv4}`,
    `ip -6 route add unreachable ${UNREACHABLE.ipv6}`,
    `ip route add ${serverAddress('ipv4', narrow)} dev eth1 mtu 1400`,
    `ip -6 route add ${serverAddress('ipv6', narrow)} dev eth1 mtu 1400`,
  ].join('\n')
}

/** And those of the other ends, before they are there: nobody but the test sends there. */
export const WIRES_COMMANDS = 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1'
