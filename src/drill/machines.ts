import { type Address, addressBits, isIpv4, parseAddress } from '../net/address.ts'
import { holds, type Prefix } from '../net/address-range.ts'
import { type Lan, type Networks, usualSubnet } from './lans.ts'
import type { PlannedServer } from './real-servers.ts'
import type { DirectorName } from './recording.ts'
import type { Roles } from './roles.ts'
import type { Machine, MachinePort, ServerMachine, Topology } from './topology.ts'

/** Behind all routes that a configuration may have. */
const LAST_METRIC = 4_000_000_000
const CLIENT_LAN = 'outside'
const SERVER_LAN = 'beyond'
/** Where a client is that is on none of the directors' networks. */
const CLIENT_SUBNETS: readonly Prefix[] = [
  { address: parsed('198.18.255.0'), length: 24 },
  { address: parsed('2001:2:0:ff::'), length: 64 },
]
/** The routing table of what comes from servers behind the router by NAT. */
const NAT_TABLE = 100
/** Virtual addresses on the loopback interface of one server. */
const MOST_VIPS = 256
const FORWARDS = { 'ipv4/ip_forward': '1', 'ipv6/conf/all/forwarding': '1' } as const
/** A virtual address on a server is kept from ARP, see conf/real-server-dr.sh. */
const KEPT_FROM_ARP = {
  'ipv4/conf/all/arp_ignore': '1',
  'ipv4/conf/all/arp_announce': '2',
  'ipv4/conf/lo/arp_ignore': '1',
  'ipv4/conf/lo/arp_announce': '2',
} as const

function parsed(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is no address`)
  return address
}

const family = (address: Address): string => (isIpv4(address) ? '-4' : '-6')
const withLength = (address: Address, length: number): string => `${address}/${length}`
const isSame = (one: Address, other: Address): boolean => isIpv4(one) === isIpv4(other)
/** `ip` takes the family from the destination. */
const defaultRoute = (of: Address, by: string): string => `route add ${isIpv4(of) ? '0.0.0.0/0' : '::/0'} ${by}`

interface Router {
  /** On the clients' network, by family. */
  readonly near: readonly Address[]
  readonly ports: readonly MachinePort[]
  /** On that of the client. */
  readonly client: readonly Address[]
  /** Of servers, with their subnets. */
  readonly beyond: readonly { readonly address: Address; readonly subnet: Prefix }[]
}

/** The machines around two directors. */
export class Machines implements Pick<Topology, 'servers' | 'client' | 'router' | 'beside' | 'stranger'> {
  readonly #networks: Networks
  readonly #roles: Roles
  readonly #say: (sentence: string) => void
  /** Without: behind the router. */
  readonly #clientLans: readonly Lan[]
  readonly #router: Router | undefined
  readonly servers: readonly ServerMachine[]
  readonly client: Machine
  readonly router: Machine | undefined
  readonly beside: Topology['beside']
  readonly stranger: Topology['stranger']
  readonly furtherLans: readonly string[]

  constructor(networks: Networks, roles: Roles, servers: readonly PlannedServer[], say: (sentence: string) => void) {
    this.#networks = networks
    this.#roles = roles
    this.#say = say
    const lans = this.#lansOfClient(servers)
    // What comes back from such a server would go to the client directly, past the director.
    const isBypassed = servers.some(({ address, uses }) => isNat(uses) && lans.some((lan) => hasSubnet(lan, address)))
    this.#clientLans = isBypassed ? [] : lans
    const far = servers.filter(({ address }) => networks.holding(address) === undefined)
    this.#router = isBypassed || far.length > 0 ? this.#planRouter(isBypassed, far) : undefined
    this.furtherLans = [...(isBypassed ? [CLIENT_LAN] : []), ...(far.length > 0 ? [SERVER_LAN] : [])]
    this.client = this.#makeClient()
    this.beside = this.#makeBeside()
    this.stranger = this.#makeStranger()
    let reals = 0
    let sorries = 0
    this.servers = servers.map((server) => this.#makeServer(server, server.isSorry ? ++sorries : ++reals))
    this.router = this.#makeRouter(far)
  }

  /** Networks of virtual servers, and of servers that answer the client themselves; the clients' one first. */
  #lansOfClient(servers: readonly PlannedServer[]): readonly Lan[] {
    const served = servers.flatMap(({ address, uses }) =>
      uses.flatMap(({ forwarding, services }) => [
        ...services.map((id) => (id.by === 'address' ? this.#roles.lanOf(id.vip.address) : undefined)),
        forwarding.method === 'DR' || forwarding.method === 'TUN' ? this.#networks.holding(address)?.lan : undefined,
      ]),
    )
    const others = servers.length > 0 ? [] : this.#roles.held.map((vip) => this.#roles.lanOf(vip))
    return [...new Set([this.#roles.main, ...served, ...others].filter((lan) => lan !== undefined))]
  }

  #free(subnets: readonly Prefix[]): MachinePort['addresses'] {
    return subnets.flatMap((subnet) => {
      const address = this.#networks.free(subnet)
      return address === undefined ? [] : [withLength(address, subnet.length)]
    })
  }

  #planRouter(isForClient: boolean, far: readonly PlannedServer[]): Router {
    const { main } = this.#roles
    const near = [...this.#gatewaysOn(main, far), ...this.#free(main.subnets)]
    const client = isForClient ? this.#free(CLIENT_SUBNETS) : []
    const subnets = new Map(
      far
        .flatMap(({ address, more }) => [address, ...more])
        .map((each) => [usualSubnet(each).address, usualSubnet(each)]),
    )
    const beyond = [...subnets.values()].flatMap((subnet) => {
      const address = this.#networks.free(subnet)
      return address === undefined ? [] : [{ address, subnet }]
    })
    const ports = [
      { lan: main.name, name: 'eth0', addresses: near },
      ...(isForClient ? [{ lan: CLIENT_LAN, name: 'client', addresses: client }] : []),
      ...(far.length > 0
        ? [
            {
              lan: SERVER_LAN,
              name: 'servers',
              addresses: beyond.map((each) => withLength(each.address, each.subnet.length)),
            },
          ]
        : []),
    ]
    return { near: near.map(bare), ports, client: client.map(bare), beyond }
  }

  /** Next hops of the configurations' routes: nobody else has these addresses. */
  #gatewaysOn(lan: Lan, servers: readonly PlannedServer[]): readonly string[] {
    const taken = new Set(servers.flatMap(({ address, more }) => [address, ...more]))
    return this.#networks.nextHops.flatMap((address) => {
      const subnet = lan.subnets.find((each) => holds(each, address))
      const isFree = subnet !== undefined && this.#roles.whose(address) === undefined && !taken.has(address)
      return isFree ? [withLength(address, subnet.length)] : []
    })
  }

  #makeRouter(far: readonly PlannedServer[]): Machine | undefined {
    const router = this.#router
    if (router === undefined) return undefined
    const nat = far.filter(({ uses }) => isNat(uses)).map(({ address }) => address)
    const families = [...new Map(nat.map((address) => [family(address), address])).values()]
    // What servers send by NAT goes the way of the virtual address; what is for the directors themselves does not.
    const back = families.flatMap((of) => {
      const by = this.#gateway(this.#roles.main.subnets.filter(({ address }) => isSame(address, of)))
      if (by === undefined) return []
      const directors = (['director1', 'director2'] as const).flatMap((each) => this.#roles.addresses(each))
      return [
        `${defaultRoute(of, `via ${by}`)} table ${NAT_TABLE}`,
        ...directors.filter((each) => isSame(each, of)).map((each) => `rule add to ${each} lookup main pref 100`),
      ]
    })
    const rules = nat.map((each) => `rule add from ${each} lookup ${NAT_TABLE} pref 200`)
    return {
      name: 'router',
      ports: router.ports,
      ip: [...back, ...rules],
      settings: { ...FORWARDS, ...NO_REDIRECTS, ...rememberingNeighbours(router.ports) },
    }
  }

  /** A virtual address of one of these subnets, else the first director's own. */
  #gateway(subnets: readonly Prefix[]): Address | undefined {
    for (const subnet of subnets) {
      const vip = this.#roles.gatewayIn(subnet)
      if (vip !== undefined) return vip
    }
    const own = this.#roles.addresses('director1').find((each) => subnets.some((subnet) => holds(subnet, each)))
    if (own !== undefined) {
      this.#say(
        `lb_kind NAT: no virtual address is in the network that real servers answer by; in the lab ${own} of director1 is their gateway, so that answers are lost while director2 is master.`,
      )
    }
    return own
  }

  #makeClient(): Machine {
    const outside = { lan: CLIENT_LAN, name: 'eth0', addresses: this.#free(CLIENT_SUBNETS) }
    const inside = this.#clientLans.map(({ name, subnets }, i) => ({
      lan: name,
      name: `eth${i}`,
      addresses: this.#free(subnets),
    }))
    if (inside.length > 0) return { name: 'client', ports: inside, ip: [], settings: rememberingNeighbours(inside) }
    const routes = (this.#router?.client ?? []).map((by) => defaultRoute(by, `via ${by}`))
    return { name: 'client', ports: [outside], ip: routes, settings: rememberingNeighbours([outside]) }
  }

  get clientAddresses(): readonly Address[] {
    return this.client.ports.flatMap(({ addresses }) => addresses.map(bare))
  }

  /** Whether the client has a way to a virtual address that does not lead through a director. */
  reaches(vip: Address): boolean {
    const lan = this.#roles.lanOf(vip)
    return this.#clientLans.some((each) => each === lan) || (this.#clientLans.length === 0 && lan === this.#roles.main)
  }

  #makeBeside(): Topology['beside'] {
    const [port] = this.client.ports
    const [lan] = this.#clientLans
    const [address] = this.#free((lan?.subnets ?? CLIENT_SUBNETS).slice(0, 1))
    if (port === undefined || address === undefined) return undefined
    const ports = [{ lan: port.lan, name: 'eth0', addresses: [address] }]
    return { name: 'beside', ports, ip: [], settings: {}, address: bare(address) }
  }

  #makeStranger(): Topology['stranger'] {
    const { lanOfFirst: first } = this.#roles
    if (first === undefined) return undefined
    const ports = [{ lan: first.name, name: 'eth0', addresses: this.#free(first.subnets) }]
    return { name: 'stranger', ports, ip: [], settings: {}, interface: 'eth0' }
  }

  #makeServer({ address, more, uses, talks, isSorry, isDown }: PlannedServer, number: number): ServerMachine {
    const found = this.#networks.holding(address)
    const subnet = found?.subnet ?? usualSubnet(address)
    const direct = uses.filter(({ forwarding: { method } }) => method === 'DR' || method === 'TUN')
    const vips = direct
      .flatMap(({ services }) => services.flatMap((id) => (id.by === 'address' ? [id.vip.address] : [])))
      .filter((vip, i, all) => all.indexOf(vip) === i)
      .slice(0, MOST_VIPS)
    return {
      name: `${isSorry ? 'sorry' : 'server'}${number}`,
      title: `${isSorry ? 'sorry' : 'server'} ${number}`,
      isSorry,
      isDown,
      address,
      addresses: [address, ...more, ...vips],
      ports: [
        {
          lan: found?.lan.name ?? SERVER_LAN,
          name: 'eth0',
          addresses: [
            withLength(address, subnet.length),
            ...more.map((each) => withLength(each, holds(subnet, each) ? subnet.length : addressBits(each))),
          ],
        },
      ],
      ip: [
        ...vips.map((vip) => `addr add ${vip}/${addressBits(vip)} dev lo${isIpv4(vip) ? '' : ' nodad'}`),
        ...this.#routesOf(address, isNat(uses), subnet, found?.lan),
      ],
      settings: vips.length > 0 ? KEPT_FROM_ARP : {},
      decapsulates: uses.some(({ forwarding: { method } }) => method === 'TUN'),
      talks,
    }
  }

  #routesOf(address: Address, isByNat: boolean, subnet: Prefix, lan: Lan | undefined): readonly string[] {
    const far = this.#router?.beyond.find((each) => holds(each.subnet, address))
    if (lan === undefined) return far === undefined ? [] : [defaultRoute(address, `via ${far.address}`)]
    if (isByNat) {
      const by = this.#gateway([subnet])
      return by === undefined ? [] : [defaultRoute(address, `via ${by}`)]
    }
    const near = lan === this.#roles.main ? this.#router?.near.find((each) => isSame(each, address)) : undefined
    const other = isIpv4(address) ? '2001:2::' : '192.0.2.0'
    // The client is on the same network, whatever its address.
    const own = near === undefined ? 'dev eth0' : `via ${near} dev eth0 onlink`
    return [defaultRoute(address, own), defaultRoute(parsed(other), 'dev eth0')]
  }

  director(name: DirectorName): Machine {
    const ports = this.#networks.lans.flatMap((lan) => {
      const device = lan.interfaces[name]
      const own = this.#roles.onLan(name, lan).map(({ address, length }) => withLength(address, length))
      return device === undefined ? [] : [{ lan: lan.name, name: device, addresses: own }]
    })
    const device = this.#roles.main.interfaces[name]
    const ownIn = (near: Address) => this.#roles.addresses(name).some((each) => isSame(each, near))
    const near = (this.#router?.near ?? []).filter(
      (each, i, all) => ownIn(each) && all.findIndex((one) => isSame(one, each)) === i,
    )
    const homeless = name === 'director1' && device !== undefined ? this.#roles.homeless : []
    return {
      name,
      ports,
      ip: [
        ...homeless.map((vip) => `addr add ${vip}/${addressBits(vip)} dev ${device}${isIpv4(vip) ? '' : ' nodad'}`),
        ...near.map((by) => `${defaultRoute(by, `via ${by}`)} metric ${LAST_METRIC}`),
      ],
      settings: { ...FORWARDS, ...NO_REDIRECTS },
    }
  }
}

/** Clients and servers on one network would be told to speak past a director. */
const NO_REDIRECTS = { 'ipv4/conf/all/send_redirects': '0', 'ipv4/conf/default/send_redirects': '0' } as const

/**
 * Routers remember for hours who has an address. Who asks again after half a minute, as Linux does, would find a new master that has not
 * said so by chance.
 */
const rememberingNeighbours = (ports: Machine['ports']): Machine['settings'] =>
  Object.fromEntries(
    ports.flatMap(({ name }) =>
      ['ipv4', 'ipv6'].map((family) => [`${family}/neigh/${name}/base_reachable_time_ms`, '3600000']),
    ),
  )

const isNat = (uses: PlannedServer['uses']): boolean => uses.some(({ forwarding }) => forwarding.method === 'NAT')
const hasSubnet = ({ subnets }: Lan, address: Address): boolean => subnets.some((subnet) => holds(subnet, address))
const bare = (text: string): Address => parsed(text.replace(/\/.*/, ''))
