import type { Duties, Duty } from '../model/duty.ts'
import type { LinkDelay, Track, TrackerResult } from '../model/tracking.ts'
import type { RouterIdentity, StaticObjects, SyncGroup, VirtualAddress, VrrpInstance } from '../model/vrrp.ts'
import type { RoutingItem } from '../net/route.ts'
import type { Address } from '../net/address.ts'
import type { Millis } from '../time.ts'
import { MemberTable } from './member-table.ts'
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
  readonly heard: Heard | undefined
  /** When to tell the neighbours again where the source address is, soonest first, unless an advert comes before. */
  readonly introduceAt: readonly Millis[]
  /** Its down timer has ended too late to be believed, and has begun again; until an advert comes. */
  readonly listensAgain: boolean
}

export interface Heard {
  readonly source: Address
  readonly priority: number
  /** What it has said. */
  readonly interval: Millis
  readonly at: Millis
}

/** Another router that is master as well, as a master hears it. */
export interface Dual {
  readonly source: Address
  readonly priority: number
  readonly since: Millis
  readonly heardAt: Millis
  /** Unless it is heard again, it is over then. */
  readonly until: Millis
}

export interface Master {
  readonly name: 'master'
  readonly since: Millis
  readonly advertiseAt: Millis
  /** When to announce the addresses again, soonest first. BOUNDED: each announcement replaces the list. */
  readonly announceAt: readonly Millis[]
  /** When to announce them as a refresh, and on interfaces without adverts. */
  readonly refreshAt: Millis | undefined
  readonly extraAt: Millis | undefined
  /** When an advert of lower priority was last told of. */
  readonly rivalAt: Millis | undefined
  /** The last advert before it became master. */
  readonly heard: Heard | undefined
  /** It has said goodbye, and serves on until its successor is heard. It sends no adverts meanwhile. */
  readonly yielding: Yielding | undefined
}

export interface Yielding {
  readonly since: Millis
  /** When to say goodbye once more: the first one may be lost. Undefined when it was said. */
  readonly againAt: Millis | undefined
  /** When it is known that nobody follows. */
  readonly until: Millis
  /** What it is to do afterwards. */
  readonly duty: Duty
  /** It ceases to be master even if nobody follows. */
  readonly force: boolean
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
  readonly address: Address
  readonly prefix: number
  /** Not a secondary address of another one's subnet. */
  readonly primary: boolean
  /** Not to be used yet (IPv6: duplicate address detection goes on). */
  readonly tentative: boolean
}

/** What is wrong with a link. */
export type Fault = 'no-interface' | 'down' | 'no-address' | 'no-source' | 'no-peer'

/** An instance's way to its peers. */
export interface LinkState {
  readonly fault: Fault | undefined
  /** Where adverts are sent from; the last one there was, when the address is gone. */
  readonly source: Address | undefined
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
  /** This address was taken away from it too often. */
  | { readonly type: 'robbed'; readonly address: Address }

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
  readonly duty: Duty
  /** It is in the configuration no more, and only keeps its addresses until its successor is heard. */
  readonly departed: boolean
  /** Somebody with less right to it is master, too; of a master. */
  readonly dual: Dual | undefined
  /** Somebody on this host has taken this address away too often: it leaves its role to others for a while. */
  readonly robbed?: { readonly address: Address; readonly until: Millis } | undefined
}

/** A virtual address that this host has on behalf of an instance. */
export interface HeldAddress {
  readonly address: VirtualAddress
  /** The virtual router that it is of, for people. */
  readonly router: string
  /** The kernel takes it away by itself after a while, and nobody renews it. */
  readonly expires: boolean
  /** The kernel takes it away so long after it was last renewed; absent: never. */
  readonly lease?: Millis
}

/** Of the addresses that are leased. */
export interface Renewal {
  readonly at: Millis
  /** When the first of them is gone unless they are renewed. */
  readonly overAt: Millis
}

/** How often something was put back since then. */
export interface Fight {
  readonly times: number
  readonly since: Millis
}

export interface EngineState {
  readonly members: MemberTable
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
  /** When the first configuration came; undefined before. */
  readonly beganAt: Millis | undefined
  /** When the host was started; undefined: long ago. */
  readonly bootedAt: Millis | undefined
  /** What this host has whatever its roles are. */
  readonly statics: StaticObjects
  /** The routes and rules that this host has on behalf of instances, or always. By `routingKey`. */
  readonly routing: ReadonlyMap<string, RoutingItem>
  /** Of these, those that are not there, as far as is known. */
  readonly absent: ReadonlySet<string>
  /** By `routingKey`: those that somebody else takes away. */
  readonly fights: ReadonlyMap<string, Fight>
  /** When each was taken away by somebody else of late, by `addressKey`. */
  readonly thefts: ReadonlyMap<string, readonly Millis[]>
  /** Undefined while none is leased. */
  readonly renewal: Renewal | undefined
  readonly stopped: boolean
  /** A successor is about to have the same addresses, and to change them as its configuration says. */
  readonly handingOver: boolean
  /** Every check of this node has had a result. */
  readonly checked: boolean
}

export const emptyEngine: EngineState = {
  members: MemberTable.of([], () => []),
  groups: [],
  interfaces: undefined,
  links: new Map(),
  linkDelays: [],
  results: new Map(),
  held: new Map(),
  beganAt: undefined,
  bootedAt: undefined,
  statics: { addresses: [], routes: [], rules: [] },
  routing: new Map(),
  absent: new Set(),
  thefts: new Map(),
  fights: new Map(),
  renewal: undefined,
  stopped: false,
  handingOver: false,
  checked: false,
}

/** Why an instance had its state in a process that this one replaces: so it still is, if it is in the same state. */
export interface KnownReason extends RouterIdentity {
  readonly state: InstanceState['name']
  readonly reason: string
}

export type Event =
  /** What a process before this one has put on this host, and is still there. Comes before the first configuration. */
  | {
      readonly type: 'inherit'
      readonly addresses: readonly HeldAddress[]
      readonly routing?: readonly RoutingItem[]
    }
  /** First configuration, or a new one: instances that are still the same virtual router keep their state. */
  | {
      readonly type: 'configure'
      readonly instances: readonly VrrpInstance[]
      readonly groups: readonly SyncGroup[]
      readonly linkDelays: readonly LinkDelay[]
      /** What is known of trackers, besides what was known before. */
      readonly results: readonly TrackerResult[]
      /** What an operator has asked of this node; nothing when undefined. What goes on knows it. */
      readonly duties?: Duties
      /** Every check of this node has had a result by now. */
      readonly checked?: boolean
      /** When the host was started. Counts with the first configuration. */
      readonly bootedAt?: Millis
      /** Nothing when it is not said. */
      readonly statics?: StaticObjects
    }
  /** All interfaces of this host as they are now. */
  | { readonly type: 'network'; readonly interfaces: readonly Interface[] }
  /** Of the routes and rules that were put on this host these are not there now, by `routingKey`. */
  | { readonly type: 'routing'; readonly missing: readonly string[] }
  | {
      readonly type: 'advert'
      readonly instance: string
      readonly source: Address
      readonly priority: number
      readonly interval: Millis
      /** When it came to this host, which may be a while ago; absent: now. */
      readonly receivedAt?: Millis
    }
  /** News of trackers. */
  | { readonly type: 'trackers'; readonly results: readonly TrackerResult[] }
  /** These were master a moment ago, in a process before this one; their addresses are still there. */
  | { readonly type: 'adopt'; readonly masters: readonly RouterIdentity[]; readonly known: readonly KnownReason[] }
  | { readonly type: 'deadline' }
  /** Hand these, and their groups, over to another router. */
  | { readonly type: 'yield'; readonly instances: readonly string[]; readonly duty: Duty; readonly force: boolean }
  /** These, and their groups, have this duty again. With `take` they displace a master of lower priority at once. */
  | { readonly type: 'resume'; readonly instances: readonly string[]; readonly duty: Duty; readonly take: boolean }
  /** The last check of this node has had its first result. */
  | { readonly type: 'checked' }
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
export const timingOf = ({ config, priority }: Member): Timing => ({
  version: config.version,
  priority,
  adverts: config.election.downTimerAdverts,
})

/** Why an instance cannot take part; undefined when it can, or when its link is not known yet. */
export function obstacleOf({ link, tracked, robbed }: Member): Obstacle | undefined {
  if (link?.fault !== undefined) return { type: 'link', fault: link.fault }
  if (robbed !== undefined) return { type: 'robbed', address: robbed.address }
  const failed = tracked.find(({ consequence }) => consequence.type === 'fault')
  return failed === undefined ? undefined : { type: 'tracker', tracked: failed }
}

/** Whether an instance can take part. */
export const isAble = (member: Member): boolean => member.link !== undefined && obstacleOf(member) === undefined

export const isUsable = (link: LinkState | undefined): boolean => link !== undefined && link.fault === undefined
