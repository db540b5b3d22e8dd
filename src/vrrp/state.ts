import type { LinkDelay, Track, TrackerResult } from '../model/tracking.ts'
import type { RouterIdentity, SyncGroup, VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { Ipv4 } from '../net/ipv4.ts'
import type { Millis } from '../time.ts'
import type { Timing } from './timers.ts'

/**
 * What the election knows, is told and says. RFC 9568 says Active and Backup; configuration files and notify scripts
 * say master and backup, and so does this code.
 */
export type InstanceState =
  /** Waiting for the first news of its link, or stopped. */
  | { readonly name: 'init' }
  /** Cannot take part: its link, its source address or a member of its sync group is missing. */
  | { readonly name: 'fault' }
  | Backup
  | Master

export interface Backup {
  readonly name: 'backup'
  readonly masterDownAt: Millis
  /** Active_Adver_Interval: the master's own, learned from its adverts. */
  readonly masterInterval: Millis
  /** When a master of lower priority may be displaced; set while one is being heard under `preempt_delay`. */
  readonly preemptAt: Millis | undefined
  /** The last advert. */
  readonly heard: { readonly source: Ipv4; readonly priority: number; readonly at: Millis } | undefined
  /** When to tell the neighbours again where the source address is, soonest first, unless an advert comes before. */
  readonly introduceAt: readonly Millis[]
}

export interface Master {
  readonly name: 'master'
  readonly advertiseAt: Millis
  /** When to announce the addresses again, soonest first. BOUNDED: each announcement replaces the list. */
  readonly announceAt: readonly Millis[]
  /** When an advert of lower priority was last told of. */
  readonly rivalAt: Millis | undefined
}

/** A network interface of this host. */
export interface Interface {
  readonly name: string
  /** Another one after the interface was deleted and made anew. */
  readonly index: number
  /** Hardware address, as text. */
  readonly mac: string
  /** Administratively up and with a carrier. */
  readonly up: boolean
  readonly addresses: readonly HostAddress[]
}

export interface HostAddress {
  readonly address: Ipv4
  readonly prefix: number
  /** Not a secondary address of another one's subnet. */
  readonly primary: boolean
}

/** What is wrong with a link. */
export type Fault = 'no-interface' | 'down' | 'no-address' | 'no-source'

/** An instance's way to its peers. */
export interface LinkState {
  readonly fault: Fault | undefined
  /** Where adverts are sent from; the last one there was, when the address is gone. */
  readonly source: Ipv4 | undefined
  /** Changes when neighbours have to learn anew where the source address is. */
  readonly identity: string
}

/** How an interface counts. It may be otherwise already, where a change has to last before it counts. */
export interface LinkStatus {
  readonly state: 'up' | 'down' | 'missing'
  readonly since: Millis
  /** Another one is another interface, of which nothing is known. */
  readonly index: number | undefined
  /** It has counted as up: changes have to last from then on. */
  readonly seenUp: boolean
  /** When the change that it goes through counts. */
  readonly changesAt: Millis | undefined
}

/** The last result of a tracker, and since when it has had this value (ms since the epoch). */
export interface KnownResult extends TrackerResult {
  readonly since: number
}

/** Something that an instance hangs on, as it stands. */
export interface Tracked extends Track {
  /** Who says so: the instance, or its sync group. */
  readonly from: 'instance' | 'group'
  readonly state: TrackedState
  readonly consequence: Consequence
}

/** Of a file its number; unknown before the first result. */
export type TrackedState = 'good' | 'bad' | 'unknown' | number

/** What comes of a tracker for an instance. */
export type Consequence =
  /** Added to the priority; 0 does nothing. */
  | { readonly type: 'weight'; readonly by: number }
  /** The instance cannot take part while it is so. */
  | { readonly type: 'fault' }
  /** An instance that does not take part yet waits for the first result. */
  | { readonly type: 'wait' }

/** Why an instance cannot take part. */
export type Obstacle =
  | { readonly type: 'link'; readonly fault: Fault }
  | { readonly type: 'tracker'; readonly tracked: Tracked }

/** Why the addresses of an instance stay on this host although it is not master. A master that is heard ends it. */
export type Keeping =
  /** They were there when it began, or it gave its role up with nobody there yet to follow: until it is master. */
  | { readonly type: 'waiting' }
  /** Stopped: until then a successor is waited for; after that the kernel takes them away, or we do. */
  | { readonly type: 'leaving'; readonly until: Millis; readonly end: 'expire' | 'remove' }

export interface Member {
  readonly config: VrrpInstance
  /** Undefined before the first news of it. */
  readonly link: LinkState | undefined
  /** What it hangs on besides its link. */
  readonly tracked: readonly Tracked[]
  /** The effective priority: what is advertised and decides. That of the configuration with what is tracked. */
  readonly priority: number
  readonly state: InstanceState
  /** Why it is in this state, for people; follows the causes as they change. */
  readonly reason: string
  readonly keeps: Keeping | undefined
}

/** A virtual address that this host has on behalf of an instance. */
export interface HeldAddress {
  readonly address: VirtualAddress
  /** The virtual router that it is of, for people. */
  readonly router: string
  /** The kernel takes it away by itself after a while. */
  readonly expires: boolean
}

export interface EngineState {
  readonly members: ReadonlyMap<string, Member>
  readonly groups: readonly SyncGroup[]
  /** Undefined before the first news of them. */
  readonly interfaces: readonly Interface[] | undefined
  /** Those that instances run on or hang on, by name; empty before the first news of them. */
  readonly links: ReadonlyMap<string, LinkStatus>
  readonly linkDelays: readonly LinkDelay[]
  /** By `trackerKey`, of what somebody hangs on only. */
  readonly results: ReadonlyMap<string, KnownResult>
  /** By `addressKey`. */
  readonly held: ReadonlyMap<string, HeldAddress>
  readonly stopped: boolean
  /** A successor is about to have the same addresses, and to change them as its configuration says. */
  readonly handingOver: boolean
}

export const emptyEngine: EngineState = {
  members: new Map(),
  groups: [],
  interfaces: undefined,
  links: new Map(),
  linkDelays: [],
  results: new Map(),
  held: new Map(),
  stopped: false,
  handingOver: false,
}

/** Why an instance had its state in a process that this one replaces: so it still is, if it is in the same state. */
export interface KnownReason extends RouterIdentity {
  readonly state: InstanceState['name']
  readonly reason: string
}

export type Event =
  /** What a process before this one has put on this host, and is still there. Comes before the first configuration. */
  | { readonly type: 'inherit'; readonly addresses: readonly HeldAddress[] }
  /** First configuration, or a new one: instances that are still the same virtual router keep their state. */
  | {
      readonly type: 'configure'
      readonly instances: readonly VrrpInstance[]
      readonly groups: readonly SyncGroup[]
      readonly linkDelays: readonly LinkDelay[]
      /** What is known of trackers, besides what was known before. */
      readonly results: readonly TrackerResult[]
    }
  /** All interfaces of this host as they are now. */
  | { readonly type: 'network'; readonly interfaces: readonly Interface[] }
  | {
      readonly type: 'advert'
      readonly instance: string
      readonly source: Ipv4
      readonly priority: number
      readonly interval: Millis
    }
  /** News of trackers. */
  | { readonly type: 'trackers'; readonly results: readonly TrackerResult[] }
  /** These were master a moment ago, in a process before this one; their addresses are still there. */
  | { readonly type: 'adopt'; readonly masters: readonly RouterIdentity[]; readonly known: readonly KnownReason[] }
  | { readonly type: 'deadline' }
  /** Another process is about to take over roles and addresses: what happens to these from now on is its affair. */
  | { readonly type: 'hand-over' }
  /** With `keepAddresses` they stay until a successor is heard, or for a while after the end. */
  | { readonly type: 'stop'; readonly keepAddresses: boolean }

/** One address on one interface; the kernel tells the same address with another prefix length from it. */
export const addressKey = ({ device, address, prefix }: VirtualAddress): string => `${device} ${address}/${prefix}`

/** All addresses that move with an instance. */
export const addressesOf = (instance: VrrpInstance): readonly VirtualAddress[] => [
  ...instance.addresses,
  ...instance.excludedAddresses,
]

/** What the timers of a member hang on. */
export const timingOf = ({ config, priority }: Member): Timing => ({ version: config.version, priority })

/** Why an instance cannot take part; undefined when it can, or when its link is not known yet. */
export function obstacleOf({ link, tracked }: Member): Obstacle | undefined {
  if (link?.fault !== undefined) return { type: 'link', fault: link.fault }
  const failed = tracked.find(({ consequence }) => consequence.type === 'fault')
  return failed === undefined ? undefined : { type: 'tracker', tracked: failed }
}

/** Whether an instance can take part. */
export const isAble = (member: Member): boolean => member.link !== undefined && obstacleOf(member) === undefined

export const isUsable = (link: LinkState | undefined): boolean => link !== undefined && link.fault === undefined
