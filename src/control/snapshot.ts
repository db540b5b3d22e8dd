import type { ForwardingMethod, Protocol, Scheduler } from '../model/service.ts'
import type { NotRunning } from '../model/config.ts'
import type { BfdSession } from '../model/bfd.ts'
import type { Duty } from '../model/duty.ts'
import type { HandOn } from '../model/hand.ts'
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
  /** This node takes no role until an operator says so. */
  readonly maintenance: boolean
  /** What is wrong with this host itself as far as its checks show, a sentence each. */
  readonly alarms?: readonly string[]
  readonly processes: readonly ProcessSnapshot[]
  readonly instances: readonly InstanceSnapshot[]
  readonly unknownVrids: readonly UnknownVridSnapshot[]
  readonly bfdSessions: readonly BfdSnapshot[]
  /** Static addresses, routes and rules. Undefined in versions without. */
  readonly staticObjects?: readonly RoutingSnapshot[]
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
  /** Of the vrrp process. */
  readonly lateness?: LatenessSnapshot | undefined
}

/** How late a process was at what it has to do in time. */
export interface LatenessSnapshot {
  /** That are counted. */
  readonly timers: number
  readonly lastMs: number
  readonly maxMs: number
  /** 99 of 100 were no later; the end of a class. */
  readonly p99Ms: number
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
  readonly family: 4 | 6
  readonly vrid: number
  readonly version: number
  /** That of the configuration. */
  readonly priority: number
  /** The one in adverts: `priority` with the contributions of `trackers`, within 1 to 254; 255 stays as it is. */
  readonly effectivePriority: number
  readonly trackers: readonly TrackerSnapshot[]
  readonly state: 'init' | 'backup' | 'master' | 'fault'
  /** What an operator has asked of it. */
  readonly duty: Duty
  readonly since: string
  readonly reason: string
  readonly addresses: readonly string[]
  /** Its routes and rules. Undefined in versions without. */
  readonly routing?: readonly RoutingSnapshot[]
  readonly advertsSent: number
  readonly advertsReceived: number
  /** Of these, with priority 0: that somebody gives up its role. */
  readonly priorityZeroSent: number
  readonly priorityZeroReceived: number
  /** How often it has entered and left the state master. */
  readonly becameMaster: number
  readonly releasedMaster: number
  /** Virtual addresses that another program took away, and that were put back. */
  readonly addressesRestored?: number
  /** Packets that were not used, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly peers: readonly PeerSnapshot[]
  /** Absent: there were never two masters. */
  readonly dual?: DualSnapshot | undefined
}

/** Two masters of one router, as this one has seen it. */
export interface DualSnapshot {
  /** How often this one stayed, and how long that was in all. */
  readonly times: number
  readonly seconds: number
  /** How often this one gave up at the first advert of the other. */
  readonly yielded: number
  /** The other one, while it is there. */
  readonly now: { readonly address: string; readonly priority: number; readonly since: string } | undefined
}

/** A route, a rule or a static address. */
export interface RoutingSnapshot {
  readonly kind: 'address' | 'route' | 'rule'
  /** In the words of `ip`. */
  readonly text: string
  /** `missing`: it should be on the host, and is not; `not set`: it should not be there now. */
  readonly state: 'set' | 'missing' | 'not set'
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

/** A BFD session. Intervals are in ms, discriminators and diagnostics the numbers of RFC 5880 §4.1. */
export interface BfdSnapshot extends Pick<BfdSession, 'name' | 'neighbour' | 'source' | 'multihop'> {
  readonly state: 'admin-down' | 'down' | 'init' | 'up'
  readonly since: string
  readonly diagnostic: number
  /** What packets go out at, without jitter. */
  readonly transmitMs: number
  /** How long the neighbour may be silent; undefined before it was heard. */
  readonly detectMs: number | undefined
  readonly minTxMs: number
  readonly minRxMs: number
  readonly multiplier: number
  readonly discriminator: number
  /** That packets are sent from; undefined: it could not be opened. */
  readonly port: number | undefined
  readonly remote: {
    readonly state: 'admin-down' | 'down' | 'init' | 'up'
    readonly diagnostic: number
    /** 0: not known. */
    readonly discriminator: number
    readonly demand: boolean
    readonly minTxMs: number
    readonly minRxMs: number
    readonly multiplier: number
  }
  readonly packetsSent: number
  readonly packetsReceived: number
  /** How often it has been up, and went down. */
  readonly wentUp: number
  readonly wentDown: number
  /** Packets of the neighbour that were not used, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

/** Whoever sends adverts to an instance, and configured peers that do not. */
export interface PeerSnapshot {
  readonly address: string
  /** Of its last advert that counted, as `version` and `checksum` are; undefined when none has. */
  readonly priority: number | undefined
  readonly version?: number | undefined
  /** Which form its checksum has: with or without pseudo-header. */
  readonly checksum?: string | undefined
  /** Undefined when it was never heard. */
  readonly lastHeard: string | undefined
  /** Packets that counted, and that did not. */
  readonly accepted?: number
  readonly refused?: number
  /** Why its last packet was refused, if it was. */
  readonly rejected: string | undefined
  /** Of one that lists the addresses of another cluster, where the kernel knows it. */
  readonly mac?: string | undefined
  /** What is remarkable about it, in words. */
  readonly notes?: readonly string[]
}

/** A VRID that somebody on a link uses and no instance here has. */
export interface UnknownVridSnapshot {
  readonly interface: string
  readonly vrid: number
  /** Packets. */
  readonly count: number
  /** Who sent the last one. */
  readonly source: string
}

export interface ServiceSnapshot {
  readonly name: string
  /** The virtual server that it is one service of, when that has a name of its own: a group. */
  readonly group?: string | undefined
  /** Who has made it: the configuration, or tanist-ipvsadm. */
  readonly owner: 'configuration' | 'ipvsadm'
  readonly protocol: Protocol | 'any'
  readonly scheduler: Scheduler
  /** Of the servers that do not say another one; undefined when it was made by hand and its servers do not have one in common. */
  readonly method: ForwardingMethod | undefined
  /** Undefined when it was made by hand. */
  readonly quorum: 'up' | 'down' | undefined
  readonly counters: CountersSnapshot
  /** Of its virtual server: up while that has quorum. Undefined when it was made by hand, and in versions without. */
  readonly availability?: AvailabilitySnapshot | undefined
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
  /** The name that the configuration gives it, which stands for its address. */
  readonly host?: string
  readonly role: 'real' | 'sorry'
  /** `removed`: failed or no longer configured, but some of its connections are left. */
  readonly state: 'up' | 'down' | 'standby' | 'removed'
  readonly since: string | undefined
  readonly reason: string
  /** What an operator has said of it. */
  readonly byHand?: HandOn | undefined
  readonly weight: number
  /** Of the configuration, where the checkers of a real server ask for another one. */
  readonly configuredWeight?: number
  readonly active: number
  readonly inactive: number
  /** Clients that persistence keeps at this server. */
  readonly persistent: number
  /** Of TCP connections. By DR and TUN only those that the client had to ask for again are seen. */
  readonly faults?: { readonly unanswered: number; readonly refused: number; readonly reset: number }
  readonly counters: CountersSnapshot
  /** Of a real server of the configuration: up while its checks say so. Undefined in versions without. */
  readonly availability?: AvailabilitySnapshot | undefined
}

/** How much of the time something was up. */
export interface AvailabilitySnapshot {
  readonly lastHour: AvailabilityInSpan
  readonly lastDay: AvailabilityInSpan
  readonly last30Days: AvailabilityInSpan
}

/** Time that is neither up nor down is not known: nobody has looked. */
export interface AvailabilityInSpan {
  /** From 0 to 1: MTBF / (MTBF + MTTR). Undefined when nothing is known. */
  readonly availability: number | undefined
  readonly upSeconds: number
  readonly downSeconds: number
  readonly failures: number
  /** Undefined without failures. */
  readonly mtbfSeconds?: number
  readonly mttrSeconds?: number
}

export interface CountersSnapshot {
  readonly connections: number
  readonly inPackets: number
  readonly outPackets: number
  readonly inBytes: number
  readonly outBytes: number
}
