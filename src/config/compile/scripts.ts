import { checkerTasks, isMiscTask } from '../../model/checker.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { Command } from '../../model/command.ts'
import type { Fifo, InstanceCommands, ScriptConfig, ServiceCommands, StateCommands } from '../../model/notify.ts'
import type { VirtualServer } from '../../model/service.ts'
import { type Millis, seconds } from '../../time.ts'
import { realServersOf } from '../effective.ts'
import type { InstanceSettings, Settings, VirtualServerSettings } from '../keywords/root.ts'
import type { Script } from '../schema/script.ts'
import { commandOf } from './command.ts'
import { trackersOf } from './tracking.ts'

/** keepalived's figure for `startup_script` and `shutdown_script`. */
const ONCE_TIMEOUT = seconds(10)

type Global = Settings['global_defs']

/** `services`: each virtual server that runs, with what its block says. */
export function scriptConfig(
  settings: Settings,
  services: readonly (readonly [VirtualServerSettings, VirtualServer])[],
): ScriptConfig {
  const global = settings.global_defs
  const { script_user: user } = global ?? {}
  return {
    policy: {
      user: user && { user: user.user, group: user.group },
      secure: global?.enable_script_security ?? false,
      supplementaryGroups: global?.set_supplementary_groups ?? false,
    },
    trackers: trackersOf(settings),
    checks: checkerTasks(services.map(([, running]) => running)).filter(isMiscTask),
    instances: settings.vrrp_instance.map((instance) => instanceCommands(instance, settings)),
    groups: settings.vrrp_sync_group.map((group) => stateCommands(group, global)),
    services: services.map(serviceCommands),
    fifos: fifosOf(global),
    statesOnReload: global?.fifo_write_vrrp_states_on_reload ?? false,
    initialServers: global?.rs_init_notifies ?? false,
    startup: timed(global?.startup_script, global?.startup_script_timeout),
    shutdown: timed(global?.shutdown_script, global?.shutdown_script_timeout),
  }
}

const maybeCommand = (script: Script | undefined): Command | undefined => script && commandOf(script)

type StateSettings = Pick<
  InstanceSettings,
  'notify_master' | 'notify_backup' | 'notify_fault' | 'notify_stop' | 'notify' | 'notify_priority_changes'
> & { readonly id: string }

function stateCommands(block: StateSettings, global: Global): StateCommands {
  return {
    name: block.id,
    master: maybeCommand(block.notify_master),
    backup: maybeCommand(block.notify_backup),
    fault: maybeCommand(block.notify_fault),
    stop: maybeCommand(block.notify_stop),
    any: maybeCommand(block.notify),
    priorityChanges: block.notify_priority_changes ?? global?.vrrp_notify_priority_changes ?? false,
  }
}

/** A member is told of priorities as its group says, if it says nothing itself. */
function instanceCommands(instance: InstanceSettings, settings: Settings): InstanceCommands {
  const { priorityChanges, ...commands } = stateCommands(instance, settings.global_defs)
  const group = settings.vrrp_sync_group.find((each) => each.group.some(({ name }) => name === instance.id))
  return {
    ...commands,
    priorityChanges: instance.notify_priority_changes ?? group?.notify_priority_changes ?? priorityChanges,
    deleted: instance.notify_deleted && { command: maybeCommand(instance.notify_deleted.value) },
    masterRxLowerPri: maybeCommand(instance.notify_master_rx_lower_pri),
  }
}

function serviceCommands([server, running]: readonly [VirtualServerSettings, VirtualServer]): ServiceCommands {
  return {
    service: running.name,
    quorumUp: maybeCommand(server.quorum_up),
    quorumDown: maybeCommand(server.quorum_down),
    omega: server.omega,
    servers: realServersOf(server).map((real, index) => {
      const endpoint = running.realServers[index]?.endpoint
      if (endpoint === undefined) throw new Error(`a server of ${running.name} does not run`)
      return {
        server: endpointName(endpoint),
        up: maybeCommand(real.notify_up),
        down: maybeCommand(real.notify_down),
      }
    }),
  }
}

function fifosOf(global: Global): readonly Fifo[] {
  const fifo = (
    events: Fifo['events'],
    pipe: { readonly path: string; readonly user: string | undefined; readonly group: string | undefined } | undefined,
    handler: Script | undefined,
  ): Fifo[] => (pipe === undefined ? [] : [{ events, ...pipe, handler: maybeCommand(handler) }])
  return [
    ...fifo('all', global?.notify_fifo, global?.notify_fifo_script),
    ...fifo('vrrp', global?.vrrp_notify_fifo, global?.vrrp_notify_fifo_script),
    ...fifo('lvs', global?.lvs_notify_fifo, global?.lvs_notify_fifo_script),
  ]
}

const timed = (script: Script | undefined, timeout: Millis = ONCE_TIMEOUT) =>
  script && { command: commandOf(script), timeout }
