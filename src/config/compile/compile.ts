import type { Config } from '../../model/config.ts'
import type { VirtualServer } from '../../model/service.ts'
import type { Settings } from '../keywords/root.ts'
import { dumpsOf } from './dumps.ts'
import { scriptConfig } from './scripts.ts'
import { runningVirtualServer } from './service.ts'
import { tellingOf } from './telling.ts'
import { groupTracks, linkDelaysOf } from './tracking.ts'
import { type LeftOut, runningInstance } from './vrrp.ts'

/**
 * The part of a configuration that this version runs, in the terms of the engine, the checkers and the core. What it
 * cannot run rightly is left out whole, as half of it would be worse than none: `leftOut` is told where no keyword says so.
 */
export function runningConfig(settings: Settings, leftOut: LeftOut): Omit<Config, 'notRunning'> {
  const instances = settings.vrrp_instance.flatMap((instance) => runningInstance(instance, settings, leftOut) ?? [])
  const names = new Set(instances.map(({ name }) => name))
  const services = settings.virtual_server.flatMap((server): [typeof server, VirtualServer][] => {
    const running = runningVirtualServer(server, settings, leftOut)
    return running === undefined ? [] : [[server, running]]
  })
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
    linkDelays: linkDelaysOf(settings),
    switches: {
      expireNodestConn: settings.global_defs?.expire_nodest_conn ?? false,
      expireQuiescentTemplate: settings.global_defs?.expire_quiescent_template ?? false,
    },
    attachment: {
      only: settings.global_defs?.forward_interfaces.map(({ name }) => name) ?? [],
      xdp: settings.global_defs?.xdp_interfaces.map(({ name }) => name) ?? [],
    },
    virtualServers: services.map(([, running]) => running),
    scripts: scriptConfig(settings, services),
    telling: tellingOf(settings, services),
    dumps: dumpsOf(settings),
  }
}
