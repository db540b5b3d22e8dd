import type { CheckerTask, MiscCheck } from './checker.ts'
import type { Command, CommandPolicy, TimedCommand } from './command.ts'
import type { Trackers } from './tracking.ts'

/** States by the names that scripts, pipes and mails are told. */
export type NotifiedState = 'MASTER' | 'BACKUP' | 'FAULT' | 'STOP' | 'DELETED'

/** Something that has happened, and that somebody may want to be told of. In the order in which it happened. */
export type News =
  | {
      readonly type: 'state'
      readonly subject: 'INSTANCE' | 'GROUP'
      readonly name: string
      readonly state: NotifiedState
      /** The effective one; 0 for a group. */
      readonly priority: number
      readonly reason: string
      /** In ms since the epoch. */
      readonly at: number
    }
  /** The effective priority has changed, and the state has not. */
  | {
      readonly type: 'priority'
      readonly name: string
      readonly state: 'MASTER' | 'BACKUP'
      readonly priority: number
      readonly at: number
    }
  /** A master has heard an advert of lower priority. */
  | { readonly type: 'lower-priority'; readonly name: string; readonly priority: number; readonly at: number }
  /** `service` and `server` as `serviceName` and `endpointName` say them. */
  | {
      readonly type: 'server'
      readonly service: string
      readonly server: string
      readonly up: boolean
      readonly reason: string
      readonly at: number
      /** Its state at the start, which is no change. */
      readonly initial: boolean
    }
  | {
      readonly type: 'quorum'
      readonly service: string
      readonly up: boolean
      readonly reason: string
      readonly at: number
      readonly initial: boolean
    }

/** The commands of an instance or a sync group. */
export interface StateCommands {
  readonly name: string
  readonly master: Command | undefined
  readonly backup: Command | undefined
  readonly fault: Command | undefined
  readonly stop: Command | undefined
  /** `notify`: for every state, with four arguments. */
  readonly any: Command | undefined
  /** The pipes are told of priorities, too. */
  readonly priorityChanges: boolean
}

export interface InstanceCommands extends StateCommands {
  /** `notify_deleted`; undefined: `any` and the pipes are told that a deleted instance is in FAULT, and `fault` does not run. */
  readonly deleted: { readonly command: Command | undefined } | undefined
  readonly masterRxLowerPri: Command | undefined
}

/** The commands of a virtual server, named by `serviceName`, and of its servers, named by `endpointName`. */
export interface ServiceCommands {
  readonly service: string
  readonly quorumUp: Command | undefined
  readonly quorumDown: Command | undefined
  /** Servers and quorum count as down at a stop. */
  readonly omega: boolean
  readonly servers: readonly {
    readonly server: string
    readonly up: Command | undefined
    readonly down: Command | undefined
  }[]
}

/** A named pipe that events are written to, a line each. */
export interface Fifo {
  /** Which events: all, those of instances and groups, those of virtual and real servers. */
  readonly events: 'all' | 'vrrp' | 'lvs'
  readonly path: string
  readonly user: string | undefined
  readonly group: string | undefined
  /** Reads it: started with the path as last argument, and again when it ends. */
  readonly handler: Command | undefined
}

/** All that the script process does: what a file says about commands, pipes and what is watched. */
export interface ScriptConfig {
  readonly policy: CommandPolicy
  readonly trackers: Trackers
  readonly checks: readonly CheckerTask<MiscCheck>[]
  readonly instances: readonly InstanceCommands[]
  readonly groups: readonly StateCommands[]
  readonly services: readonly ServiceCommands[]
  readonly fifos: readonly Fifo[]
  /** The pipes are told the states of all instances after each reload. */
  readonly statesOnReload: boolean
  /** Commands run also for servers that are up from the start on. */
  readonly initialServers: boolean
  readonly startup: TimedCommand | undefined
  readonly shutdown: TimedCommand | undefined
}

/** Whether there is anything to do for a script process. */
export function needsScripts(config: ScriptConfig): boolean {
  const { trackers, checks, instances, groups, services, fifos, startup, shutdown } = config
  return (
    trackers.scripts.length + trackers.files.length + trackers.processes.length + checks.length + fifos.length > 0 ||
    startup !== undefined ||
    shutdown !== undefined ||
    instances.some(
      ({ deleted, masterRxLowerPri, ...each }) =>
        deleted?.command !== undefined || masterRxLowerPri !== undefined || hasCommand(each),
    ) ||
    groups.some(hasCommand) ||
    services.some(
      ({ quorumUp, quorumDown, servers }) =>
        (quorumUp ?? quorumDown) !== undefined || servers.some(({ up, down }) => (up ?? down) !== undefined),
    )
  )
}

const hasCommand = ({ master, backup, fault, stop, any }: StateCommands) =>
  (master ?? backup ?? fault ?? stop ?? any) !== undefined
