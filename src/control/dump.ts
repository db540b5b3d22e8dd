import type { NotRunning } from '../model/config.ts'
import type { HostInterface } from '../model/host-interface.ts'
import type { IpvsListing } from '../model/ipvs-listing.ts'
import type { AvailabilitySnapshot, InstanceSnapshot, ProcessSnapshot } from './snapshot.ts'

/** Something that has happened to a director, for people who ask later. Times are ISO 8601. */
export type DirectorEvent = { readonly at: string } & (
  | {
      readonly type: 'transition'
      readonly instance: string
      readonly from: InstanceSnapshot['state']
      readonly to: InstanceSnapshot['state']
      readonly reason: string
    }
  /** Addresses, routes and rules that another program has removed, and what was done about it. */
  | { readonly type: 'taken-away'; readonly items: readonly string[]; readonly outcome: 'put back' | 'left alone' }
  /** A checker has another opinion of its server than before. */
  | { readonly type: 'verdict'; readonly check: string; readonly up: boolean; readonly reason: string }
  /** A checker wants its server to have this weight, in words. */
  | { readonly type: 'weight'; readonly check: string; readonly weight: string; readonly reason: string }
  /** Errors: why the file was refused, none when it is in force. */
  | { readonly type: 'reload'; readonly by: string; readonly errors: readonly string[] }
  | {
      readonly type: 'tracker'
      readonly kind: string
      readonly name: string
      readonly value: string
      readonly detail: string
    }
  /** What servers were is held, or not any more: too many cannot be reached, or fail, at once. */
  | { readonly type: 'hold'; readonly began: boolean; readonly what: string }
  /** A command has ended, other than those of trackers. */
  | {
      readonly type: 'command'
      readonly queue: string
      readonly command: string
      readonly end: string
      readonly good: boolean
    }
  /** What somebody has asked of roles by hand, and what came of it. */
  | { readonly type: 'roles'; readonly by: string; readonly what: string; readonly outcome: string }
  /** What somebody has said of a real server by hand. */
  | { readonly type: 'hand'; readonly service: string; readonly server: string; readonly what: string }
  | { readonly type: 'child-restart'; readonly role: ProcessSnapshot['role']; readonly reason: string }
)

/** An interface on which a program of the core is. */
export interface AttachedProgram {
  readonly interface: string | undefined
  readonly ifindex: number
  readonly hook: 'tcx' | 'clsact' | 'xdp'
}

/** All that a bug report needs, as `tanist dump` prints it. It holds no secret. */
export interface Dump {
  readonly at: string
  readonly name: string
  readonly versions: {
    readonly tanist: string
    readonly node: string
    /** Release and build of the kernel. */
    readonly kernel: string
    readonly libbpf: string
    /** Of the tables in the core. */
    readonly layout: number
  }
  readonly startedAt: string
  readonly processes: readonly ProcessSnapshot[]
  readonly configuration: {
    readonly file: string
    readonly loadedAt: string
    /** Of the last reload that was refused. */
    readonly refused: readonly string[]
    /** Of what is in force. */
    readonly notRunning: readonly NotRunning[]
    /** Whether the file, as it is now, says what is in force. */
    readonly isInForce: boolean
    /** What the file comes to now, as `tanistd --print-config` prints it, or why it cannot be used; a line each. */
    readonly text: readonly string[]
  }
  readonly instances: readonly InstanceSnapshot[]
  /** Of services, and of their real servers. */
  readonly availability: readonly ({
    readonly service: string
    /** Undefined: of the service itself. */
    readonly server?: string
  } & AvailabilitySnapshot)[]
  readonly core: IpvsListing & {
    /** Packets that were dropped, by reason. */
    readonly drops: Readonly<Record<string, number>>
    readonly programs: readonly AttachedProgram[]
  }
  readonly host: {
    readonly interfaces: readonly HostInterface[]
    /** Settings of the kernel by name, as text; those that it does not have are left out. */
    readonly sysctls: Readonly<Record<string, string>>
  }
  /** The last ones, oldest first. */
  readonly events: readonly DirectorEvent[]
}
