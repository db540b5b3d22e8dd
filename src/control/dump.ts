import type { NotRunning } from '../model/config.ts'
import type { HostInterface } from '../model/host-interface.ts'
import type { IpvsListing } from '../model/ipvs-listing.ts'
import type { InstanceSnapshot, ProcessSnapshot } from './snapshot.ts'

/** Something that has happened to a director, for people who ask later. Times are ISO 8601. */
export type DirectorEvent = { readonly at: string } & (
  | {
      readonly type: 'transition'
      readonly instance: string
      readonly from: InstanceSnapshot['state']
      readonly to: InstanceSnapshot['state']
      readonly reason: string
    }
  /** A checker has another opinion of its server than before. */
  | { readonly type: 'verdict'; readonly check: string; readonly up: boolean; readonly reason: string }
  /** Errors: why the file was refused, none when it is in force. */
  | { readonly type: 'reload'; readonly by: string; readonly errors: readonly string[] }
  | {
      readonly type: 'tracker'
      readonly kind: string
      readonly name: string
      readonly value: string
      readonly detail: string
    }
  /** A command has ended, other than those of trackers. */
  | {
      readonly type: 'command'
      readonly queue: string
      readonly command: string
      readonly end: string
      readonly good: boolean
    }
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
