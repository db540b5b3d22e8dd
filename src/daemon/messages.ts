import type { Found } from '../check/found.ts'
import type { HostNews } from '../check/hosts.ts'
import type { Outcome } from '../check/schedule.ts'
import type { Asked } from '../model/asked.ts'
import type { Check, TlsClient } from '../model/check.ts'
import type { CheckerTask } from '../model/checker.ts'
import type { BfdSession } from '../model/bfd.ts'
import type { Duties, Duty, FailedBack, HandedOver } from '../model/duty.ts'
import type { HostAnswer, HostAsked } from '../model/host-name.ts'
import type { ProcessOptions } from '../model/process-options.ts'
import type { News } from '../model/notify.ts'
import type { Telling, Told } from '../model/telling.ts'
import type { LinkDelay, TrackerResult } from '../model/tracking.ts'
import type { AnnouncementPacing, RouterIdentity, StaticObjects, SyncGroup, VrrpInstance } from '../model/vrrp.ts'
import type {
  BfdSnapshot,
  InstanceSnapshot,
  LatenessSnapshot,
  RoutingSnapshot,
  UnknownVridSnapshot,
} from '../control/snapshot.ts'

/** Everything that the processes say to each other, as JSON over their channels. */
export type ToVrrp =
  | {
      readonly type: 'configure'
      readonly instances: readonly VrrpInstance[]
      readonly groups: readonly SyncGroup[]
      readonly linkDelays: readonly LinkDelay[]
      /** Adverts for which there is no instance are logged. */
      readonly logUnknownVrids: boolean
      readonly sessions: readonly BfdSession[]
      /** Those that a process before this one had, as they were: they go on, so that neighbours notice nothing. */
      readonly knownSessions: readonly BfdSnapshot[]
      readonly statics: StaticObjects
      /** Of gratuitous ARPs. */
      readonly pacing: AnnouncementPacing
      /** What is known of the trackers. */
      readonly trackers: readonly TrackerResult[]
      /** What was master in the process before this one, and has its addresses still there. */
      readonly adopt: readonly RouterIdentity[]
      /** What is known of them from a director that this one has replaced. */
      readonly before?: readonly InstanceSnapshot[]
      readonly duties: Duties
      /** Every check of this node has had a result. */
      readonly checked: boolean
      readonly process: ProcessOptions
    }
  /** News of trackers. */
  | { readonly type: 'trackers'; readonly results: readonly TrackerResult[] }
  /** Hand the roles of these, and of their sync groups, over. Answered by `yielded`, for each of them. */
  | { readonly type: 'yield'; readonly instances: readonly string[]; readonly duty: Duty; readonly force: boolean }
  /** These, and their sync groups, have this duty again. With `take` answered by `resumed`, for each of them. */
  | { readonly type: 'resume'; readonly instances: readonly string[]; readonly duty: Duty; readonly take: boolean }
  /** Every check of this node has had a result by now. */
  | { readonly type: 'checked' }
  /** Give all roles up. With `keepAddresses` the addresses stay until a successor is heard, or some seconds if there is none. */
  | { readonly type: 'stop'; readonly keepAddresses: boolean }
  /** The counters of all instances begin again. */
  | { readonly type: 'clear-counters' }
  /** The director is about to become another program: go on alone until its new vrrp process has taken over. */
  | { readonly type: 'hand-over' }

export type RoleRequest = Extract<ToVrrp, { type: 'yield' | 'resume' }>

export type FromVrrp =
  /** How all instances and BFD sessions are: once a second, and when something has changed. */
  | {
      readonly type: 'instances'
      readonly instances: readonly InstanceSnapshot[]
      readonly sessions: readonly BfdSnapshot[]
      readonly staticObjects: readonly RoutingSnapshot[]
      readonly lateness: LatenessSnapshot
      readonly unknownVrids: readonly UnknownVridSnapshot[]
    }
  | InstanceNews
  | RoleAnswer
  | TakenAway
  /** The configuration is in force, and the instances that were to be adopted are master. */
  | { readonly type: 'adopted' }

/** What became of an instance, by its name, that was to be handed over or to be master again. */
export type RoleAnswer =
  | { readonly type: 'yielded'; readonly instance: string; readonly result: HandedOver }
  | { readonly type: 'resumed'; readonly instance: string; readonly result: FailedBack }

/** What happens to instances, each in its order. */
export type InstanceNews =
  | Transition
  /** The effective priority of a master or backup has changed. */
  | {
      readonly type: 'priority'
      readonly instance: RouterIdentity
      readonly state: 'master' | 'backup'
      readonly priority: number
      readonly at: number
    }
  /** A master has heard an advert of lower priority. `priority`: its own. */
  | {
      readonly type: 'lower-priority'
      readonly instance: RouterIdentity
      readonly priority: number
      readonly at: number
    }

/**
 * An instance has entered another state. Sent in the order in which it happened, when what belongs to it has been done: a
 * master has its addresses by then.
 */
export interface Transition {
  readonly type: 'transition'
  readonly instance: RouterIdentity
  readonly from: InstanceSnapshot['state']
  readonly to: InstanceSnapshot['state']
  /** The effective one, behind it. */
  readonly priority: number
  readonly reason: string
  /** In ms since the epoch. */
  readonly at: number
}

/** Somebody else has taken these away from this host: in the words of `ip`. */
export interface TakenAway {
  readonly type: 'taken-away'
  readonly items: readonly string[]
  /** `left alone`: it was too often, and they are not put back for now. */
  readonly outcome: 'put back' | 'left alone'
  /** In ms since the epoch. */
  readonly at: number
}

export type ToCheck =
  /** Whom to tell what happens from now on, and what waits. */
  | {
      readonly type: 'telling'
      readonly telling: Telling
      /** What is in the file of certificates that the mail server is to be known by. */
      readonly caPem: string | undefined
    }
  /** Answered by `told` when nobody has to be told any more. */
  | { readonly type: 'tell'; readonly news: readonly NumberedNews[] }
  | {
      readonly type: 'configure'
      readonly tasks: readonly CheckerTask<Check>[]
      /** By the checkers in the processes before. */
      readonly found: Found
      /** Its memory is not swapped out. */
      readonly noSwap: boolean
      /** Of TLS checks, without a word nothing. */
      readonly tlsClient?: TlsClient
      /** Names whose addresses are to be found, again and again; without a word none. */
      readonly hosts?: readonly HostAsked[]
    }
  /** Ask once and watch, whatever the checkers do. Answered by `asked` with this number. */
  | {
      readonly type: 'ask'
      readonly number: number
      readonly check: Check
      /** The name that its server has its address from: asked for first. */
      readonly host?: HostAsked | undefined
    }
  /** With mails and webhooks that wait, after they have been tried once more, for 3 s at most. */
  | { readonly type: 'stop' }

export interface NumberedNews {
  /** In the director. */
  readonly number: number
  /** Another one for each, in all directors. */
  readonly id: string
  readonly told: Told
}

/**
 * The outcome of a round of one checker. Sent for the first round, when it is another one than before, and when a failure has another
 * reason.
 */
export interface Verdict extends Outcome {
  readonly id: string
  /** When it was found, in ms since the epoch. */
  readonly at: number
}

export type FromCheck =
  /** All verdicts of one turn of the check process, in their order. */
  | { readonly type: 'verdicts'; readonly verdicts: readonly Verdict[] }
  /** What a name stands for, or why that is not known; sent when it is something else than before. */
  | { readonly type: 'host'; readonly news: HostNews }
  /** News by their numbers that are told, or given up. */
  | { readonly type: 'told'; readonly numbers: readonly number[] }
  | AskedNow

/** What came of `ask`. It is no verdict. */
export interface AskedNow {
  readonly type: 'asked'
  readonly number: number
  readonly asked: Asked
}

/**
 * What the script process is told. It reads the configuration itself, and runs nothing that is not in it: news say what has
 * happened, not what to run.
 */
export type ToScript =
  /** Read the file again. `digest` is that of the configuration that the director has put into force, see `scriptDigest`. */
  | {
      readonly type: 'configure'
      readonly digest: string
      /** The daemon has just started: tracked files are made as `init_file … overwrite` says. */
      readonly starts: boolean
      /** By the checkers in the processes before. */
      readonly found: Found
      /** Checkers, by their ids, that rest for now. */
      readonly resting: readonly string[]
      /** What names of real servers stand for; without a word nothing is known. */
      readonly answers?: readonly HostAnswer[] | undefined
    }
  /** These checkers rest from now on, and all others go on from what is found. */
  | { readonly type: 'rest'; readonly resting: readonly string[]; readonly found: Found }
  /** Run `startup_script`; answered by `started`, at once when there is none. */
  | { readonly type: 'start' }
  | { readonly type: 'news'; readonly news: readonly News[] }
  /** Run the command of this checker once and watch. Answered by `asked` with this number. */
  | { readonly type: 'ask'; readonly number: number; readonly id: string }
  /** Finish what is queued, in `within` ms at most, then with `shutdown` the `shutdown_script`; answered by `finished`. */
  | { readonly type: 'finish'; readonly within: number; readonly shutdown: boolean }

export type FromScript =
  /** What is in force now. `trackers` and `verdicts`: all that is known; more follows as it is found. */
  | {
      readonly type: 'configured'
      readonly digest: string
      readonly trackers: readonly TrackerResult[]
      readonly verdicts: readonly Verdict[]
    }
  /** Why the file was not taken; what was in force before goes on. */
  | { readonly type: 'refused'; readonly errors: readonly string[] }
  | { readonly type: 'started' }
  | { readonly type: 'trackers'; readonly results: readonly TrackerResult[] }
  /** Of MISC_CHECK. */
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | AskedNow
  | CommandRun
  | { readonly type: 'finished' }

/** That a command has come to its end, other than those of trackers. */
export interface CommandRun {
  readonly type: 'ran'
  /** For whom: `instance VI_1`, `group G`, `virtual server [10.0.0.1]:tcp:80`, `fifo /run/x`, `startup`, `shutdown`. */
  readonly queue: string
  readonly argv: readonly string[]
  /** How it ended: `exit status 0`, `killed by SIGKILL after its time limit of 30 s`, `not started: …`. */
  readonly end: string
  readonly good: boolean
  readonly ms: number
  /** First line of its output, cut; empty when there was none. */
  readonly output: string
  readonly at: number
}

/** The first word of a script process that is no child: its number, and which version it is. */
export interface Hello {
  readonly type: 'hello'
  readonly pid: number
  readonly version: string
}

/** What any child says that has nothing else to say: its event loop turns. */
export interface Alive {
  readonly type: 'alive'
}
