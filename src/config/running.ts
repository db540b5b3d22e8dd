import { type Address, isIpv4 } from '../net/address.ts'
import { VRRP_GROUP } from '../net/ipv4.ts'
import { addressesOf, networkOf } from './address-range.ts'
import {
  advertIntervalOf,
  authenticationOf,
  isOnePacket,
  peersOf,
  persistenceSecondsOf,
  preemptDelayOf,
  preempts,
  realServersOf,
  virtualAddressesOf,
} from './effective.ts'
import { IPV6_INSTANCE, MULTICAST_GROUP, NO_INTERFACE, SERVICE_GROUP, TRACK_INTERFACE } from './keywords/features.ts'
import type { InstanceSettings, RealServerSettings, Settings, VirtualServerSettings } from './keywords/root.ts'
import {
  type AccessEntry,
  type Check,
  type Config,
  accessName,
  type Endpoint,
  type Forwarding,
  MAX_LOCAL_ADDRESSES,
  type Persistence,
  type RealServer,
  sortedAccess,
  type UdpReply,
  type VirtualAddress,
  type VirtualServer,
  type VrrpInstance,
} from './model.ts'
import type { Feature } from './schema/entry.ts'
import type { Prefix } from './schema/values.ts'

/**
 * The part of a configuration that this version runs, in the terms of the engine, the checkers and the core. What it
 * cannot run rightly is left out whole, as half of it would be worse than none: `leftOut` is told where no keyword says so.
 */
export function runningConfig(settings: Settings, leftOut: LeftOut): Omit<Config, 'notRunning'> {
  const instances = settings.vrrp_instance.flatMap((instance) => runningInstance(instance, settings, leftOut) ?? [])
  const names = new Set(instances.map(({ name }) => name))
  return {
    routerId: settings.global_defs?.router_id,
    instances,
    syncGroups: settings.vrrp_sync_group
      .filter(({ group }) => group.length > 0)
      .map(({ id, group }) => ({
        name: id,
        instances: group.map(({ name }) => name).filter((name) => names.has(name)),
      })),
    switches: {
      expireNodestConn: settings.global_defs?.expire_nodest_conn ?? false,
      expireQuiescentTemplate: settings.global_defs?.expire_quiescent_template ?? false,
    },
    attachment: {
      only: settings.global_defs?.forward_interfaces.map(({ name }) => name) ?? [],
      xdp: settings.global_defs?.xdp_interfaces.map(({ name }) => name) ?? [],
    },
    virtualServers: settings.virtual_server.flatMap((server) => runningVirtualServer(server, settings, leftOut) ?? []),
  }
}

/** Told which block does not run for want of which feature. */
type LeftOut = (feature: Feature, block: object) => void

/** An instance runs only where its adverts would be understood as they were meant. */
function runningInstance(
  instance: InstanceSettings,
  { global_defs: global }: Settings,
  leftOut: LeftOut,
): VrrpInstance | undefined {
  const device = instance.interface
  if (device === undefined) {
    leftOut(NO_INTERFACE, instance)
    return undefined
  }
  // The keywords of these are told by themselves.
  if (instance.auth_hmac !== undefined || instance.use_ipvlan !== undefined) return undefined
  const group = instance.mcast_dst_ip ?? global?.vrrp_mcast_group4 ?? VRRP_GROUP
  if (group !== VRRP_GROUP && instance.unicast_peer.length === 0) {
    leftOut(MULTICAST_GROUP, instance)
    return undefined
  }
  for (const tracked of instance.track_interface) if (tracked.name !== device) leftOut(TRACK_INTERFACE, tracked)
  const { inAdverts, besides } = virtualAddressesOf(instance)
  const lines = [...inAdverts, ...besides]
  const peers = peersOf(instance)
  const source = instance.unicast_src_ip ?? instance.mcast_src_ip
  const all = [...lines.map(({ prefix }) => prefix.address), ...peers, ...(source === undefined ? [] : [source])]
  if (!all.every(isIpv4)) {
    leftOut(IPV6_INSTANCE, instance)
    return undefined
  }
  const address = ({ prefix, dev }: (typeof lines)[number]): VirtualAddress[] =>
    isIpv4(prefix.address) ? [{ address: prefix.address, prefix: prefix.length, device: dev ?? device }] : []
  return {
    name: instance.id,
    interface: device,
    vrid: instance.virtual_router_id ?? 0,
    version: instance.version === '3' ? 3 : 2,
    priority: instance.priority,
    advertInt: advertIntervalOf(instance),
    preempt: preempts(instance),
    preemptDelay: preemptDelayOf(instance, global),
    addresses: inAdverts.flatMap(address),
    excludedAddresses: besides.flatMap(address),
    source: source !== undefined && isIpv4(source) ? source : undefined,
    unicastPeers: peers.filter(isIpv4),
    password: authenticationOf(instance, global)?.password.reveal(),
    garp: { delay: instance.garp_master_delay, repeat: instance.garp_master_repeat },
  }
}

function runningVirtualServer(
  server: VirtualServerSettings,
  settings: Settings,
  leftOut: LeftOut,
): VirtualServer | undefined {
  const { id, protocol, lvs_sched: scheduler } = server
  if (id.by === 'group') {
    leftOut(SERVICE_GROUP, server)
    return undefined
  }
  const vip = id.by === 'address' ? (id.port ?? 0) : 0
  const address = id.by === 'address' ? id.address : server.real_server[0]?.id.address
  const ipv6 = server.ip_family === undefined ? address !== undefined && !isIpv4(address) : server.ip_family === 'inet6'
  const endpoint = (where: { address: Address; port: number | undefined }): Endpoint => ({
    address: where.address,
    // A service by mark keeps the port that was asked for; the servers' ports are for their checks.
    port: id.by === 'fwmark' ? 0 : (where.port ?? vip),
  })
  return {
    id:
      id.by === 'fwmark'
        ? { by: 'fwmark', mark: id.fwmark, family: ipv6 ? 'inet6' : 'inet' }
        : { by: 'address', vip: { address: id.address, port: vip }, protocol: protocol ?? 'TCP' },
    marked: server.mark.map((line) => ({
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
    throughFirewall: server.through_firewall && (id.by === 'address' || server.mark.length > 0),
    method: server.lvs_method.method,
    localAddresses: localAddressesOf(server, settings),
    idleSeconds: server.establish_timeout,
    persistence: persistenceOf(server, ipv6 ? 128 : 32),
    ...quorumOf(server),
    sorryServer:
      server.sorry_server === undefined
        ? undefined
        : {
            endpoint: endpoint(server.sorry_server),
            forwarding: forwardingOf(server.sorry_server_lvs_method ?? server.lvs_method),
          },
    realServers: realServersOf(server).map((real) =>
      runningServer(real, endpoint(real.id), forwardingOf(real.lvs_method ?? server.lvs_method)),
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

/** In one order, whatever the order of the file: what the core holds is compared with it. */
function accessOf({ allow, deny }: VirtualServerSettings): readonly AccessEntry[] {
  const entries = (verdict: AccessEntry['verdict']) => (prefix: Prefix) => ({ verdict, ...networkOf(prefix) })
  const unique = new Map([...allow.map(entries('allow')), ...deny.map(entries('deny'))].map((e) => [accessName(e), e]))
  return sortedAccess([...unique.values()])
}

/** The rules have seen to it that there are not too many. */
export function localAddressesOf(server: VirtualServerSettings, settings: Settings): readonly Address[] {
  const group = settings.local_address_group.find(({ id }) => id === server.laddr_group_name)
  return [...new Set(group?.lines.flatMap((line) => addressesOf(line, MAX_LOCAL_ADDRESSES) ?? []))]
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

function persistenceOf(server: VirtualServerSettings, bits: 32 | 128): Persistence | undefined {
  const timeoutSeconds = persistenceSecondsOf(server)
  if (timeoutSeconds === undefined) return undefined
  return {
    timeoutSeconds,
    clientPrefix: Math.min(bits, server.persistence_granularity ?? bits),
    ...(server.persistence_engine === undefined ? {} : { engine: server.persistence_engine }),
  }
}

function runningServer(real: RealServerSettings, endpoint: Endpoint, forwarding: Forwarding): RealServer {
  return {
    endpoint,
    forwarding,
    weight: real.weight,
    thresholds: { upper: real.uthreshold ?? 0, lower: real.lthreshold ?? 0 },
    inhibitOnFailure: real.inhibit_on_failure,
    checks: runningChecks(real, endpoint),
  }
}

/** Longest reply of a pattern when the file does not say it (keepalived's figure). */
const LONGEST_REPLY = 255

/** keepalived looks at the length only where there is a pattern; what the file says is done here without one, too. */
function udpReplyOf({
  require_reply: required,
  min_reply_length: minLength = 0,
  max_reply_length: maxLength,
}: RealServerSettings['UDP_CHECK'][number]): UdpReply | undefined {
  if (required === undefined) return undefined
  const pattern = required.bytes
  return { pattern, minLength, maxLength: maxLength ?? (pattern === undefined ? 65_535 : LONGEST_REPLY) }
}

/** What every checker has that connects. */
type Connecting = Pick<
  RealServerSettings['TCP_CHECK'][number],
  'connect_ip' | 'connect_port' | 'delay_loop' | 'connect_timeout' | 'retry' | 'delay_before_retry' | 'warmup'
>

function runningChecks(real: RealServerSettings, endpoint: Endpoint): Check[] {
  const schedule = (check: Connecting) => ({
    target: {
      address: check.connect_ip ?? endpoint.address,
      port: check.connect_port ?? real.id.port ?? endpoint.port,
    },
    delayLoop: check.delay_loop,
    timeout: check.connect_timeout,
    retry: check.retry,
    delayBeforeRetry: check.delay_before_retry,
    warmup: check.warmup,
  })
  return [
    ...real.PING_CHECK.map((check) => ({ ...schedule(check), type: 'PING_CHECK' as const })),
    ...real.TCP_CHECK.map((check) => ({ ...schedule(check), type: 'TCP_CHECK' as const })),
    ...real.UDP_CHECK.map((check) => ({
      ...schedule(check),
      type: 'UDP_CHECK' as const,
      payload: check.payload ?? '',
      reply: udpReplyOf(check),
    })),
    ...real.HTTP_GET.map((check) => ({
      ...schedule(check),
      type: 'HTTP_GET' as const,
      urls: check.url.map(({ path, digest, status_code: statusCodes, virtualhost }) => ({
        path,
        digest,
        statusCodes,
        virtualhost,
      })),
    })),
  ]
}
