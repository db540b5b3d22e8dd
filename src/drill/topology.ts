import type { Address } from '../net/address.ts'
import { Networks, type Pair } from './lans.ts'
import { Machines } from './machines.ts'
import { plannedServers } from './real-servers.ts'
import type { DirectorName } from './recording.ts'
import { sayNotPlayed } from './not-played.ts'
import { Roles } from './roles.ts'
import type { Talks } from './talks.ts'
import { targetsOf } from './targets.ts'

/** A machine of the lab: what is plugged in, and what is set there. */
export interface Machine {
  /** At most 11 characters. */
  readonly name: string
  readonly ports: readonly MachinePort[]
  /** Further commands of `ip`, when the ports are up. */
  readonly ip: readonly string[]
  /** Below /proc/sys/net, as `ipv4/ip_forward`. */
  readonly settings: Readonly<Record<string, string>>
}

export interface MachinePort {
  readonly lan: string
  /** Of the interface. */
  readonly name: string
  /** With prefix lengths; the first is the primary one. */
  readonly addresses: readonly string[]
}

export interface ServerMachine extends Machine {
  /** `server 1`, or `sorry 1`: as it calls itself. */
  readonly title: string
  readonly isSorry: boolean
  /** Its checks cannot be answered, so that it is down. */
  readonly isDown: boolean
  readonly address: Address
  /** All that it answers at. */
  readonly addresses: readonly Address[]
  /** It takes headers off what comes by tunnels. */
  readonly decapsulates: boolean
  readonly talks: Talks
}

/** What a client can ask. */
export interface PlannedTarget {
  readonly address: Address
  readonly port: number
  readonly talk: 'http' | 'https' | 'udp'
}

export interface PlannedTargets {
  readonly udp: readonly PlannedTarget[]
  readonly tcp: readonly PlannedTarget[]
  readonly icmp: readonly Address[]
}

/** A lab for two configurations, before it is built. */
export interface Topology {
  readonly lans: readonly string[]
  readonly directors: Readonly<Record<DirectorName, Machine>>
  readonly servers: readonly ServerMachine[]
  readonly client: Machine
  /** Where the client or a server is on none of the directors' networks. */
  readonly router: Machine | undefined
  /** A machine beside the client, which answers UDP at port 7 past the directors. */
  readonly beside: (Machine & { readonly address: Address }) | undefined
  /** On the network of the first instance. */
  readonly stranger: (Machine & { readonly interface: string }) | undefined
  /** Those that both are to have by turns. */
  readonly virtualAddresses: readonly Address[]
  readonly targets: PlannedTargets
  /** A sentence each. */
  readonly cannotPlay: readonly string[]
}

/** The lab for two configurations. There is always one; what of them is not played in it is said. */
export function topologyOf(pair: Pair): Topology {
  const said = new Set<string>()
  const say = (sentence: string): void => void said.add(sentence)
  const networks = new Networks(pair)
  const roles = new Roles(pair, networks, say)
  const servers = plannedServers(pair, (address) => roles.whose(address), say)
  for (const { address, more } of servers) for (const each of [address, ...more]) networks.use(each)
  placeOnNetworks(servers, roles, networks)
  roles.giveAddresses()
  sayNotPlayed(pair, roles, say)
  const machines = new Machines(networks, roles, servers, say)
  const directors = { director1: machines.director('director1'), director2: machines.director('director2') }
  return {
    lans: [...networks.lans.map(({ name }) => name), ...machines.furtherLans],
    directors,
    servers: machines.servers,
    client: machines.client,
    router: machines.router,
    beside: machines.beside,
    stranger: machines.stranger,
    virtualAddresses: roles.shared,
    targets: targetsOf(pair, roles, machines, say),
    cannotPlay: [...said],
  }
}

/** Direct routing is on one network: a server that is in none of its subnets is on that of its virtual server. */
function placeOnNetworks(servers: ReturnType<typeof plannedServers>, roles: Roles, networks: Networks): void {
  for (const { address, uses } of servers) {
    const direct = uses.find(({ forwarding }) => forwarding.method === 'DR')
    const vip = direct?.services.find((id) => id.by === 'address')?.vip.address
    if (direct !== undefined) networks.surround((vip && roles.lanOf(vip)) ?? roles.main, address)
  }
}
