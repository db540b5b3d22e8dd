import type { Config } from '../../model/config.ts'
import type { HostAnswer } from '../../model/host-name.ts'
import type { VrrpInstance } from '../../model/vrrp.ts'
import type { VirtualServer } from '../../model/service.ts'
import type { Address } from '../../net/address.ts'
import { virtualAddressesOf } from '../effective.ts'
import { hostsOf, withAddresses } from '../hosts.ts'
import type { Settings } from '../keywords/root.ts'
import { bfdSessionsOf } from './bfd.ts'
import { tlsClientOf } from './checks/http.ts'
import { dumpsOf } from './dumps.ts'
import { pacingOf } from './garp.ts'
import { processesOf } from './processes.ts'
import type { MadeRouting } from './routing.ts'
import { scriptConfig } from './scripts.ts'
import { withPathMarks } from './service-paths.ts'
import { runningVirtualServer } from './service.ts'
import { staticObjectsOf } from './static-objects.ts'
import { tellingOf } from './telling.ts'
import { groupTracks, linkDelaysOf } from './tracking.ts'
import { virtualLinks } from './virtual-links.ts'
import { runningInstance } from './vrrp.ts'

/**
 * The part of a configuration that this version runs, in the terms of the engine, the checkers and the core. `answers`: what is known of
 * the names of real servers.
 */
export function runningConfig(
  written: Settings,
  made: MadeRouting,
  answers: readonly HostAnswer[],
): Omit<Config, 'notRunning'> {
  const settings = withAddresses(written, answers)
  const virtual = virtualLinks(settings)
  const instances = settings.vrrp_instance.flatMap(
    (instance) => runningInstance(instance, settings, virtual.get(instance), made) ?? [],
  )
  const names = new Set(instances.map(({ name }) => name))
  const services = settings.virtual_server.map((server): [typeof server, VirtualServer] => [
    server,
    runningVirtualServer(server, settings),
  ])
  return {
    routerId: settings.global_defs?.router_id,
    instances,
    syncGroups: settings.vrrp_sync_group
      .filter(({ group }) => group.length > 0)
      .map((block) => ({
        name: block.id,
        instances: block.group.map(({ name }) => name).filter((name) => names.has(name)),
        tracks: groupTracks(block, settings),
      })),
    staticObjects: staticObjectsOf(settings, made),
    linkDelays: linkDelaysOf(settings),
    logUnknownVrids: settings.global_defs?.log_unknown_vrids ?? false,
    bfdSessions: bfdSessionsOf(settings),
    pacing: pacingOf(settings),
    switches: {
      expireNodestConn: settings.global_defs?.expire_nodest_conn ?? false,
      expireQuiescentTemplate: settings.global_defs?.expire_quiescent_template ?? false,
      natIcmpSend: settings.global_defs?.nat_icmp_send ?? false,
    },
    ...lvsOf(settings.global_defs),
    attachment: {
      only: withVirtual(settings.global_defs?.forward_interfaces.map(({ name }) => name) ?? [], instances),
      xdp: settings.global_defs?.xdp_interfaces.map(({ name }) => name) ?? [],
    },
    closed: closedOf(settings),
    ...tlsClientOf(settings),
    processes: processesOf(settings.global_defs),
    hosts: hostsOf(written),
    virtualServers: withPathMarks(services.map(([, running]) => running)),
    scripts: scriptConfig(settings, services),
    telling: tellingOf(settings, services),
    dumps: dumpsOf(settings),
  }
}

function lvsOf(global: Settings['global_defs']): Pick<Config, 'timeouts' | 'flushOnStop'> {
  const { tcp = 0, tcpfin: tcpFin = 0, udp = 0 } = global?.lvs_timeouts ?? {}
  const flush = global?.lvs_flush_on_stop
  const flushOnStop = flush === undefined ? 'nothing' : flush.value === 'VS' ? 'configured' : 'all'
  return { timeouts: { tcp, tcpFin, udp }, flushOnStop }
}

/** An owner of its addresses accepts in any case (RFC 9568 §6.4.3). */
function closedOf({ vrrp_instance: instances }: Settings): readonly Address[] {
  const closed = instances.filter((instance) => instance.no_accept && instance.priority !== 255)
  return closed.flatMap((instance) => {
    const { inAdverts, besides } = virtualAddressesOf(instance)
    return [...inAdverts, ...besides].map(({ prefix }) => prefix.address)
  })
}

/** What comes for the MAC of a virtual router comes in by its interface, not by the one below. */
function withVirtual(only: readonly string[], instances: readonly VrrpInstance[]): readonly string[] {
  const virtual = instances.flatMap(({ virtualLinks: links }) => links).filter(({ base }) => only.includes(base))
  return [...only, ...virtual.map(({ name }) => name)]
}
