import type { ForwardingMethod, Protocol, Scheduler } from '../model/service.ts'
import type { NotRunning } from '../model/config.ts'
import type { TrackerKind } from '../model/tracking.ts'

/** The one read model: what `tanist status` prints and the API returns. Times are ISO 8601. */
export interface Snapshot {
  readonly name: string
  readonly routerId: string | undefined
  readonly version: string
  readonly startedAt: string
  readonly configuration: {
    readonly file: string
    readonly loadedAt: string
    /** The diagnostics of the last reload when it was refused; the configuration before it is still in force. */
    readonly refused: readonly string[]
    /** What the configuration in force says for protection and this version does not do. */
    readonly notRunning: readonly NotRunning[]
  }
  readonly processes: readonly ProcessSnapshot[]
  readonly instances: readonly InstanceSnapshot[]
  /** The last command that was run for each instance, group, virtual server and pipe. Those of trackers are with the instances. */
  readonly commands: readonly CommandSnapshot[]
  readonly services: readonly ServiceSnapshot[]
  readonly drops: Readonly<Record<string, number>>
}

/** What came of a reload. */
export interface Reloaded {
  /** Why the file was refused; none when it is in force. */
  readonly errors: readonly string[]
  /** Of the configuration that is in force now. */
  readonly notRunning: readonly NotRunning[]
}

export interface ProcessSnapshot {
  readonly role: 'director' | 'vrrp' | 'check' | 'script'
  readonly pid: number | undefined
  readonly restarts: number
  /** How the process before it came to its end, if there was one. */
  readonly lastEnd?: string | undefined
  readonly residentBytes: number | undefined
}

export interface CommandSnapshot {
  /** For whom: `instance VI_1`. */
  readonly queue: string
  readonly command: string
  /** `exit status 0`. */
  readonly end: string
  readonly good: boolean
  readonly durationMs: number
  /** First line of its output. */
  readonly output: string
  readonly at: string
}

export interface InstanceSnapshot {
  readonly name: string
  readonly interface: string
  readonly vrid: number
  readonly version: number
  /** That of the configuration. */
  readonly priority: number
  /** The one in adverts: `priority` with the contributions of `trackers`, within 1 to 254; 255 stays as it is. */
  readonly effectivePriority: number
  readonly trackers: readonly TrackerSnapshot[]
  readonly state: 'init' | 'backup' | 'master' | 'fault'
  readonly since: string
  readonly reason: string
  readonly addresses: readonly string[]
  readonly advertsSent: number
  readonly advertsReceived: number
  /** Of these, with priority 0: that somebody gives up its role. */
  readonly priorityZeroSent: number
  readonly priorityZeroReceived: number
  /** How often it has entered and left the state master. */
  readonly becameMaster: number
  readonly releasedMaster: number
  /** Packets that were not used, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly peers: readonly PeerSnapshot[]
}

/** Something that an instance hangs on besides its own interface. */
export interface TrackerSnapshot {
  readonly kind: TrackerKind
  readonly name: string
  /** 0: it decides about fault. */
  readonly weight: number
  readonly reverse: boolean
  /** Who tracks it: the instance, or its sync group. */
  readonly from: 'instance' | 'group'
  /** Of a file its number; unknown before the first result. */
  readonly state: 'good' | 'bad' | 'unknown' | number
  /** What the instance has to do because of it now: nothing but count it, be in fault, or wait for the first result. */
  readonly consequence: 'weight' | 'fault' | 'wait'
  /** What it adds to the priority now. */
  readonly contribution: number
  /** The last result, in words: `exit status 1 after 12 ms`; of an interface `up`, `down` or `missing`. */
  readonly detail: string
  /** When `state` last changed; undefined while it is unknown. */
  readonly since: string | undefined
}

export interface PeerSnapshot {
  readonly address: string
  readonly priority: number
  readonly lastHeard: string
  /** Why its last packet was refused, if it was. */
  readonly rejected: string | undefined
}

export interface ServiceSnapshot {
  readonly name: string
  /** Who has made it: the configuration, or tanist-ipvsadm. */
  readonly owner: 'configuration' | 'ipvsadm'
  readonly protocol: Protocol | 'any'
  readonly scheduler: Scheduler
  /** Of the servers that do not say another one; undefined when it was made by hand and its servers do not have one in common. */
  readonly method: ForwardingMethod | undefined
  /** Undefined when it was made by hand. */
  readonly quorum: 'up' | 'down' | undefined
  readonly counters: CountersSnapshot
  /** Undefined without `allow` and `deny`. */
  readonly access: AccessSnapshot | undefined
  readonly servers: readonly ServerSnapshot[]
}

/** A service's access list. */
export interface AccessSnapshot {
  readonly prefixes: number
  /** What becomes of those that no prefix holds. */
  readonly others: 'allow' | 'deny'
  readonly othersHits: number
  /** Prefixes by the packets that they have decided about, most first; at most 1000. */
  readonly hits: readonly { readonly verdict: 'allow' | 'deny'; readonly prefix: string; readonly hits: number }[]
}

export interface ServerSnapshot {
  readonly name: string
  readonly role: 'real' | 'sorry'
  /** `removed`: failed or no longer configured, but some of its connections are left. */
  readonly state: 'up' | 'down' | 'standby' | 'removed'
  readonly since: string | undefined
  readonly reason: string
  readonly weight: number
  readonly active: number
  readonly inactive: number
  /** Clients that persistence keeps at this server. */
  readonly persistent: number
  readonly counters: CountersSnapshot
}

export interface CountersSnapshot {
  readonly connections: number
  readonly inPackets: number
  readonly outPackets: number
  readonly inBytes: number
  readonly outBytes: number
}
