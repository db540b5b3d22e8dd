import {
  type AccessEntry,
  accessName,
  familyOf,
  type Forwarding,
  MAX_LOCAL_ADDRESSES,
  type Persistence,
  type RealServer,
  sortedAccess,
  type VirtualServer,
} from '../../model/service.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { Address } from '../../net/address.ts'
import { addressesInRange, networkOf, type Prefix } from '../../net/address-range.ts'
import { millis } from '../../time.ts'
import { isOnePacket, persistenceSecondsOf, realServersOf } from '../effective.ts'
import type { RealServerSettings, Settings, VirtualServerSettings } from '../keywords/root.ts'
import { runningChecks } from './check.ts'
import { miscChecks } from './checks/misc.ts'
import { bfdChecks, fileChecks } from './checks/tracked.ts'
import { nameOf, servicesOf, virtualEndpointOf } from './services.ts'

export function runningVirtualServer(server: VirtualServerSettings, settings: Settings): VirtualServer {
  const { id, lvs_sched: scheduler } = server
  const vip = id.by === 'address' ? (id.port ?? 0) : 0
  const services = servicesOf(server, settings)
  const ipv6 = services.some((each) => familyOf(each) === 'inet6')
  const endpoint = (where: { address: Address; port: number | undefined }): Endpoint => ({
    address: where.address,
    // A service by mark keeps the port that was asked for; the servers' ports are for their checks.
    port: id.by === 'fwmark' ? 0 : (where.port ?? vip),
  })
  return {
    name: nameOf(server, services),
    services,
    marked: (id.by === 'group' ? [] : server.mark).map((line) => ({
      by: 'address',
      vip: { address: line.to.address, port: line.to.port ?? 0 },
      protocol: line.protocol,
    })),
    scheduler,
    schedulerFlags: {
      port: server[scheduler === 'sh' ? 'sh-port' : 'mh-port'] || server['flag-2'],
      fallback: server[scheduler === 'sh' ? 'sh-fallback' : 'mh-fallback'] || server['flag-1'],
      third: server['flag-3'],
    },
    onePacket: isOnePacket(server),
    access: accessOf(server),
    // What has a firewall's mark has passed it already.
    throughFirewall: server.through_firewall && (services.some(({ by }) => by === 'address') || server.mark.length > 0),
    method: server.lvs_method.method,
    localAddresses: localAddressesOf(server, settings),
    idleSeconds: server.establish_timeout,
    persistence: persistenceOf(server, settings, ipv6 ? 128 : 32),
    ...quorumOf(server),
    ...panicOf(server),
    ...(server.flap_limit === undefined ? {} : { flapLimit: server.flap_limit }),
    ...(server.observe_limit === undefined ? {} : { observeLimit: server.observe_limit }),
    ...(server.alpha ? { alpha: true as const } : {}),
    ...(server.ha_suspend ? { haSuspend: true as const } : {}),
    sorryServer:
      server.sorry_server === undefined
        ? undefined
        : {
            endpoint: endpoint(server.sorry_server),
            forwarding: forwardingOf(server.sorry_server_lvs_method ?? server.lvs_method),
            ...(server.sorry_server_inhibit ? { inhibit: true as const } : {}),
          },
    realServers: realServersOf(server).map((real) =>
      runningServer(
        real,
        settings,
        endpoint(real.id),
        forwardingOf(real.lvs_method ?? server.lvs_method),
        virtualEndpointOf(services),
      ),
    ),
  }
}

/** As keepalived: what could never be reached becomes what just can. The rules say so (`quorumCanBeReached`). */
export function quorumOf({ quorum: wanted, hysteresis, real_server }: VirtualServerSettings): {
  readonly quorum: number
  readonly hysteresis: number
} {
  const total = real_server.reduce((sum, { weight }) => sum + weight, 0)
  const quorum = Math.max(1, Math.min(wanted, total))
  return { quorum, hysteresis: Math.min(hysteresis, quorum - 1) }
}

function panicOf({ panic_threshold: said, delay_loop: loop }: VirtualServerSettings): Pick<VirtualServer, 'panic'> {
  return said === undefined ? {} : { panic: { percent: said.percent, within: said.within ?? millis(2 * loop) } }
}

/** In one order, whatever the order of the file: what the core holds is compared with it. */
function accessOf({ allow, deny }: VirtualServerSettings): readonly AccessEntry[] {
  const entries = (verdict: AccessEntry['verdict']) => (prefix: Prefix) => ({ verdict, ...networkOf(prefix) })
  const unique = new Map([...allow.map(entries('allow')), ...deny.map(entries('deny'))].map((e) => [accessName(e), e]))
  return sortedAccess([...unique.values()])
}

/** The rules have seen to it that there are not too many. */
export function localAddressesOf(server: VirtualServerSettings, settings: Settings): readonly Address[] {
  const group = settings.local_address_group.find(({ id }) => id === server.laddr_group_name)
  return [...new Set(group?.lines.flatMap((line) => addressesInRange(line, MAX_LOCAL_ADDRESSES) ?? []))]
}

function forwardingOf({ method, type = 'ipip', port = 0, csum, remcsum }: MethodSettings): Forwarding {
  if (method !== 'TUN') return { method }
  const checksum = csum === true || remcsum === true
  switch (type) {
    case 'ipip':
      return { method, tunnel: { type } }
    case 'gue':
      return { method, tunnel: { type, port, checksum: remcsum === true ? 'remote' : checksum } }
    case 'gre':
      return { method, tunnel: { type, checksum } }
  }
}

type MethodSettings = VirtualServerSettings['lvs_method']

function persistenceOf(server: VirtualServerSettings, settings: Settings, bits: 32 | 128): Persistence | undefined {
  const timeoutSeconds = persistenceSecondsOf(server, settings)
  if (timeoutSeconds === undefined) return undefined
  return {
    timeoutSeconds,
    clientPrefix: Math.min(bits, server.persistence_granularity ?? bits),
    ...(server.persistence_engine === undefined ? {} : { engine: server.persistence_engine }),
  }
}

function runningServer(
  real: RealServerSettings,
  settings: Settings,
  endpoint: Endpoint,
  forwarding: Forwarding,
  virtual: Endpoint | undefined,
): RealServer {
  return {
    endpoint,
    ...(real.id.host === undefined ? {} : { host: real.id.host }),
    forwarding,
    weight: real.weight,
    thresholds: { upper: real.uthreshold ?? 0, lower: real.lthreshold ?? 0 },
    inhibitOnFailure: real.inhibit_on_failure,
    ...(real.alpha === true ? { alpha: true as const } : {}),
    ...(real.slow_start ? { slowStart: real.slow_start } : {}),
    checks: [
      ...runningChecks(real, endpoint, { virtual, method: forwarding.method }),
      ...miscChecks(real),
      ...fileChecks(real, settings),
      ...bfdChecks(real),
    ],
  }
}
