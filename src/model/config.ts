import type { Address } from '../net/address.ts'
import type { BfdSession } from './bfd.ts'
import type { TlsClientFiles } from './check.ts'
import type { DumpConfig } from './dumps.ts'
import type { HostAsked } from './host-name.ts'
import type { Switches, Timeouts } from './ipvs.ts'
import type { ProcessOptions } from './process-options.ts'
import type { ScriptConfig } from './notify.ts'
import type { VirtualServer } from './service.ts'
import type { Telling } from './telling.ts'
import type { LinkDelay } from './tracking.ts'
import type { AnnouncementPacing, StaticObjects, SyncGroup, VrrpInstance } from './vrrp.ts'

/** A whole configuration: what a file means, with every default filled in. Plain data, sent between processes as JSON. */
export interface Config {
  readonly routerId: string | undefined
  readonly instances: readonly VrrpInstance[]
  readonly syncGroups: readonly SyncGroup[]
  readonly staticObjects: StaticObjects
  readonly linkDelays: readonly LinkDelay[]
  /** Adverts for which there is no instance are logged. */
  readonly logUnknownVrids: boolean
  readonly bfdSessions: readonly BfdSession[]
  readonly pacing: AnnouncementPacing
  readonly virtualServers: readonly VirtualServer[]
  /** Names whose addresses are real servers. */
  readonly hosts: readonly HostAsked[]
  readonly scripts: ScriptConfig
  readonly telling: Telling
  readonly dumps: DumpConfig
  readonly switches: Switches
  /** Of idle connections, in seconds; 0: what they are. */
  readonly timeouts: Timeouts
  /** What is removed from the core at a stop: nothing while it goes on by itself, what the configuration has made, or all. */
  readonly flushOnStop: 'nothing' | 'configured' | 'all'
  /** Interfaces by name: those that the core sees packets of (all when there are none), and those with XDP. */
  readonly attachment: { readonly only: readonly string[]; readonly xdp: readonly string[] }
  readonly processes: Readonly<Record<'vrrp' | 'check', ProcessOptions>>
  /** Virtual addresses at which this host itself answers nobody: what comes for them is balanced, or dropped. */
  readonly closed: readonly Address[]
  /** Of TLS checks. */
  readonly tlsClient?: TlsClientFiles
  /** What the file says for protection and this version does not do; none when all of it runs. */
  readonly notRunning: readonly NotRunning[]
}

/** A feature without which somebody else is master, serves, speaks or is told than the file says. */
export interface NotRunning {
  /** As an operator would name it: `track_script`. */
  readonly feature: string
  /** How many times the file asks for it. */
  readonly uses: number
  /** `file:line:column` of the first ones; at least one. */
  readonly places: readonly string[]
  /** What is so without it. */
  readonly why: string
}
