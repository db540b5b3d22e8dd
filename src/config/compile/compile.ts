import type { Config } from '../../model/config.ts'
import type { Settings } from '../keywords/root.ts'
import { runningVirtualServer } from './service.ts'
import { type LeftOut, runningInstance } from './vrrp.ts'

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
