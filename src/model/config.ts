import type { DumpConfig } from './dumps.ts'
import type { Switches } from './ipvs.ts'
import type { ScriptConfig } from './notify.ts'
import type { VirtualServer } from './service.ts'
import type { Telling } from './telling.ts'
import type { LinkDelay } from './tracking.ts'
import type { SyncGroup, VrrpInstance } from './vrrp.ts'

/** A whole configuration: what a file means, with every default filled in. Plain data, sent between processes as JSON. */
export interface Config {
  readonly routerId: string | undefined
  readonly instances: readonly VrrpInstance[]
  readonly syncGroups: readonly SyncGroup[]
  readonly linkDelays: readonly LinkDelay[]
  readonly virtualServers: readonly VirtualServer[]
  readonly scripts: ScriptConfig
  readonly telling: Telling
  readonly dumps: DumpConfig
  readonly switches: Switches
  /** Interfaces by name: those that the core sees packets of (all when there are none), and those with XDP. */
  readonly attachment: { readonly only: readonly string[]; readonly xdp: readonly string[] }
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
