import { once } from 'node:events'
import { join } from 'node:path'
import { DirectorHost } from './director.ts'
import { Lab } from './lab.ts'
import { UnitDirector } from './unit-director.ts'

const CONF = join(import.meta.dirname, '../../conf')

/** The forwarding methods, each with a virtual address and two servers of its own. */
export const METHOD_NAMES = ['NAT', 'DR', 'TUN', 'FNAT'] as const
export type MethodName = (typeof METHOD_NAMES)[number]

/** For TCP and UDP. */
export const ECHO_PORT = 7
const BESIDE = '10.9.0.9'
const VIP: Readonly<Record<MethodName, string>> = {
  NAT: '10.9.0.100',
  DR: '10.9.0.101',
  TUN: '10.9.0.102',
  FNAT: '10.9.0.103',
}
const SERVERS: Readonly<Record<MethodName, readonly string[]>> = {
  NAT: ['192.168.1.11', '192.168.1.12'],
  DR: ['10.9.0.21', '10.9.0.22'],
  TUN: ['10.9.0.23', '10.9.0.24'],
  FNAT: ['192.168.1.31', '192.168.1.32'],
}

/**
 * A client, two directors that share every address by VRRP, and two echo servers for one method. The first director is run by systemd,
 * from the unit of the package.
 */
export interface MethodPair {
  readonly lab: Lab
  readonly vip: string
  /** An echo server that is reached without a director. */
  readonly beside: string
  readonly directors: readonly [UnitDirector, DirectorHost]
  readonly destroy: () => Promise<void>
}

/** Builds the lab and starts everything but the directors. */
export async function buildMethodPair(method: MethodName): Promise<MethodPair> {
  const lab = new Lab()
  const vip = VIP[method]
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '10.9.0.10/24' }])
  const ports = (i: number) => [
    { switch: 'outside', address: `10.9.0.${i}/24` },
    { switch: 'inside', address: `192.168.1.${i}/24` },
  ]
  const unit = await UnitDirector.boot(lab, 'director1', ports(1), configOf(method, 150))
  lab.addHost('director2', ports(2))
  const peer = new DirectorHost(lab, 'director2', configOf(method, 100))
  for (const { host } of [unit, peer]) lab.run(host, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const [i, address] of SERVERS[method].entries()) {
    const name = `server${i + 1}`
    const port = { switch: method.endsWith('NAT') ? 'inside' : 'outside', address: `${address}/24` }
    lab.addHost(name, [port], method === 'NAT' ? '192.168.1.254' : undefined)
    if (method === 'DR') lab.run(name, [join(CONF, 'real-server-dr.sh'), 'start', vip])
    if (method === 'TUN') lab.run(name, [join(CONF, 'real-server-tun.sh'), 'start', vip, 'eth0'])
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await once(lab.fork(name, 'tcp-echo-process.ts', [String(ECHO_PORT)]), 'message')
    const own = method.endsWith('NAT') ? [] : [vip]
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await once(lab.fork(name, 'udp-echo.ts', [String(ECHO_PORT), ...own]), 'message')
  }
  lab.addHost('beside', [{ switch: 'outside', address: `${BESIDE}/24` }])
  await once(lab.fork('beside', 'udp-echo.ts', [String(ECHO_PORT)]), 'message')
  const destroy = async () => {
    await unit.destroy()
    lab.destroy()
  }
  return { lab, vip, beside: BESIDE, directors: [unit, peer], destroy }
}

function configOf(method: MethodName, priority: number): string {
  const instance = (name: string, device: string, vrid: number, addresses: string, excluded = '') =>
    `vrrp_instance ${name} {
  state BACKUP
  interface ${device}
  virtual_router_id ${vrid}
  version 3
  priority ${priority}
  advert_int 1
  virtual_ipaddress {
    ${addresses}
  }
${excluded}}
`
  const local = `  virtual_ipaddress_excluded {
    192.168.1.201/24
    192.168.1.202/24
  }
`
  const service = (protocol: 'TCP' | 'UDP') => `virtual_server ${VIP[method]} ${ECHO_PORT} {
  delay_loop 2
  lb_algo rr
  lb_kind ${method}
  ${method === 'FNAT' ? 'laddr_group_name inside' : ''}
  protocol ${protocol}
${SERVERS[method].map((server) => `  real_server ${server} ${ECHO_PORT} {\n    TCP_CHECK {\n      connect_timeout 2\n      retry 3\n    }\n  }\n`).join('')}}
`
  return [
    'vrrp_sync_group both {\n  group {\n    outside\n    inside\n  }\n}\n',
    instance('outside', 'eth0', 51, `${VIP[method]}/24`),
    instance('inside', 'eth1', 52, '192.168.1.254/24', method === 'FNAT' ? local : ''),
    method === 'FNAT' ? 'local_address_group inside {\n  192.168.1.201-202\n}\n' : '',
    service('TCP'),
    service('UDP'),
  ].join('')
}
