import { compileFrames, type FrameCounter, generatorCommand, linkOf, wire } from '../support/frames.ts'
import { Lab } from '../support/lab.ts'

/** A client, a director and a server, joined by cables; frames are made on one core. */
export const CORE = '1'
export const SERVER = '192.168.10.11'
export const VIP = '172.18.100.6'
export const FLAG = { syn: 2, ack: 16 } as const
/** Connections whose packets are measured. */
const FLOWS = 64

export const lab = new Lab()
export const object = compileFrames(lab)
const mac = (host: string, device: string) => linkOf(lab, host, device).address

export function build(): void {
  for (const host of ['client', 'director', 'server']) lab.addHost(host, [])
  // Cables without a switch: every nanosecond counts here.
  wire(lab, 'client', '172.18.0.10/16', 'director', 'eth0', '172.18.100.1/16')
  wire(lab, 'server', `${SERVER}/24`, 'director', 'eth1', '192.168.10.254/24')
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0'])
  lab.run('client', ['ip', 'route', 'add', 'default', 'via', '172.18.100.1'])
  lab.run('server', ['ip', 'route', 'add', 'default', 'via', '192.168.10.254'])
  // The frames' sources are anywhere; nothing answers to them.
  lab.run('director', ['ip', 'route', 'add', '10.0.0.0/9', 'via', '172.18.0.10'])
  // The server is many servers.
  lab.run('director', ['ip', 'route', 'add', '10.128.0.0/16', 'via', SERVER])
  lab.run('server', ['ip', 'route', 'add', 'local', '10.128.0.0/16', 'dev', 'lo'])
  // What comes in must be taken up in bursts, as a card's driver does it.
  lab.run('director', ['ethtool', '-K', 'eth0', 'gro', 'on'])
  lab.run('director', ['ip', 'neighbour', 'replace', SERVER, 'lladdr', mac('server', 'eth0'), 'dev', 'eth1'])
  lab.run('director', ['ip', 'neighbour', 'replace', '172.18.0.10', 'lladdr', mac('client', 'eth0'), 'dev', 'eth0'])
}

/** Sends frames through the director. Returns nanoseconds a packet, the generator's share and all. */
export function send(destination: string, flags: number, flows: number, count: number, first = 0): number {
  const frames = { object, to: mac('director', 'eth0'), destination, flags, flows, packets: count, first }
  const took = lab.run('client', ['taskset', '-c', CORE, ...generatorCommand(lab, 'client', 'eth0', frames)])
  return Number(took) / count
}

export interface Measured {
  readonly ns: number
  readonly lost: number
}

/** What packets of established connections cost. `begun`: their SYNs come first. */
export async function known(sink: FrameCounter, destination: string, packets: number, begun = true): Promise<Measured> {
  if (begun) send(destination, FLAG.syn, FLOWS, FLOWS)
  send(destination, FLAG.ack, FLOWS, FLOWS * 2)
  const before = await sink.count()
  const ns = send(destination, FLAG.ack, FLOWS, packets)
  return { ns, lost: packets - ((await sink.count()) - before) }
}

export interface Load {
  readonly services: number
  readonly servers: number
  readonly scheduler?: string
}

/** The service that is measured, on port 80 and 5201, and others beside it; all servers are behind one gateway. */
export function config(method: string, { services, servers, scheduler = 'rr' }: Load, xdp: boolean): string {
  const pool = (count: number, subnet: number, port: number) =>
    Array.from({ length: count }, (_, i) => {
      const address = count === 1 ? SERVER : `10.128.${subnet + (i >> 8)}.${i & 255}`
      return `  real_server ${address} ${port} {\n  }\n`
    }).join('')
  const service = (address: string, port: number, body: string) => `virtual_server ${address} ${port} {
  lb_algo ${scheduler}
  lb_kind ${method}
  protocol TCP
${body}}
`
  const others = Array.from({ length: services - 1 }, (_, i) =>
    service(`172.19.${i >> 8}.${i & 255}`, 80, pool(2, 128 + (i >> 8), 80)),
  )
  const interfaces = xdp ? 'global_defs {\n  xdp_interfaces {\n    eth0\n    eth1\n  }\n}\n' : ''
  return [interfaces, service(VIP, 80, pool(servers, 0, 80)), service(VIP, 5201, pool(1, 0, 5201)), ...others].join('')
}
