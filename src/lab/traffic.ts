import type { Drill } from '../drill/drill.ts'
import type { Traffic } from '../drill/language/traffic.ts'
import type { ConnectionsRecord, ProbeRecord, RequestsRecord, TrafficRecord } from '../drill/recording.ts'
import type { Address } from '../net/address.ts'
import { isIpv4 } from '../net/address.ts'
import type { Working } from './place.ts'
import type { Site, Target } from './site.ts'

/** What the client does all through a drill. Times in its records are those of the client's place. */
export class ClientTraffic {
  readonly #programs: readonly { readonly name: string; readonly program: Working }[]

  private constructor(programs: readonly { readonly name: string; readonly program: Working }[]) {
    this.#programs = programs
  }

  /** `answers`: virtual servers are served, as keepalived does not in a lab. Throws what a drill asks for and this pair does not have. */
  static async start(drill: Drill, site: Site, answers: boolean): Promise<ClientTraffic> {
    const { place } = site.client
    const orders = drill.traffic.map((traffic) => orderOf(traffic, site, answers))
    const { beside } = site.targets
    if (beside !== undefined && drill.traffic.some(({ type }) => type === 'probe')) {
      orders.push(['probe', beside.address, String(beside.port), 'beside'])
    }
    const programs = await Promise.all(
      orders.map(async ([name, ...args]) => ({ name, program: await place.work(name, args) })),
    )
    return new ClientTraffic(programs)
  }

  /** All that was seen until now. */
  async records(): Promise<readonly TrafficRecord[]> {
    return Promise.all(
      this.#programs.map(
        async ({ program }) =>
          (await program.ask({ what: 'report' })) as ProbeRecord | RequestsRecord | ConnectionsRecord,
      ),
    )
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map(({ program }) => program.end()))
  }
}

type Order = readonly [string, ...string[]]

function orderOf(traffic: Traffic, site: Site, answers: boolean): Order {
  switch (traffic.type) {
    case 'probe':
      return probeOf(traffic.arguments, site, answers)
    case 'requests': {
      const { every, service } = traffic.arguments
      const { address, port, talk } = nth(site.targets.tcp, service, 'virtual server that answers requests')
      return ['requests', address, String(port), talk, String(every)]
    }
    case 'connections': {
      const { count, every, service } = traffic.arguments
      const { address, port, talk } = nth(site.targets.tcp, service, 'virtual server that answers requests')
      return ['connections', address, String(port), talk, String(count), String(every)]
    }
  }
}

function probeOf(
  { through, service }: Extract<Traffic, { readonly type: 'probe' }>['arguments'],
  site: Site,
  answers: boolean,
): Order {
  const { udp, tcp, icmp } = site.targets
  const v4 = tcp.filter(({ address }) => isIpv4(address))
  const ways = {
    udp: () => aimed(nth(udp, service, 'virtual server for UDP'), 'udp'),
    tcp: () => aimed(nth(v4, service, 'virtual server for TCP over IPv4'), 'tcp'),
    icmp: (): Order => ['probe', nth<Address>(icmp, service, 'virtual address that the client reaches'), '0', 'icmp'],
  }
  if (through !== 'auto') return ways[through]()
  if (!answers) return ways.icmp()
  return udp.length >= service ? ways.udp() : v4.length >= service ? ways.tcp() : ways.icmp()
}

const aimed = ({ address, port }: Target, by: 'udp' | 'tcp'): Order => ['probe', address, String(port), by]

function nth<T>(list: readonly T[], number: number, what: string): T {
  const found = list[number - 1]
  if (found !== undefined) return found
  throw new Error(list.length === 0 ? `this pair has no ${what}` : `this pair has ${list.length} of the kind: ${what}`)
}
