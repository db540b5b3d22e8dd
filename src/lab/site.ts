import type { DirectorKind, DirectorName } from '../drill/recording.ts'
import type { StandIn } from '../drill/stand-ins.ts'
import type { ServerWord } from '../drill/language/words.ts'
import type { Config } from '../model/config.ts'
import type { Address } from '../net/address.ts'
import type { Place, Working } from './place.ts'

/** What a client asks to be answered by real servers. */
export interface Target {
  readonly address: Address
  readonly port: number
  /** What its servers talk; `http` also for what is only known to be TCP. */
  readonly talk: 'http' | 'https' | 'udp'
}

/** A director of a site; its daemon does not run when the site is built. */
export interface SiteDirector {
  readonly name: DirectorName
  readonly kind: DirectorKind
  readonly place: Place
  /** Its configuration file at its place, as the drill begins, and what that means. */
  readonly file: string
  readonly text: string
  readonly config: Config
  /** A folder of its own at its place: sockets, log, process ids. */
  readonly folder: string
  /** `--name` of tanistd, unique on its machine. */
  readonly id: string
  /** Its interfaces by their names, with the name of their other end at the switch. Undefined at real machines. */
  readonly ports: ReadonlyMap<string, string> | undefined
  /** In the lab, where the stand-ins of commands write what they are called with, a JSON line each; and read what to do. */
  readonly calls: string | undefined
  /** What stands in for each command there; none at real machines. */
  readonly standIns: readonly Pick<StandIn, 'name' | 'command' | 'behaviour'>[]
}

export interface SiteServer {
  readonly word: ServerWord
  readonly address: Address
  /** It is connected to when it is first asked for. */
  readonly place: () => Promise<Place>
  readonly ports: ReadonlyMap<string, string>
  /** Told how to be broken. */
  readonly responder: Pick<Working, 'ask'>
}

/** Where drills are run: two directors, and what is around them as far as it can be reached. */
export interface Site {
  readonly directors: Readonly<Record<DirectorName, SiteDirector>>
  readonly client: { readonly place: Place; readonly ports: ReadonlyMap<string, string> | undefined }
  /** None at real machines. In the order of the first configuration; each address once. */
  readonly servers: readonly SiteServer[]
  /** The machine that all cables of the lab go to. */
  readonly switch: Place | undefined
  /** A machine of the lab on the network of the first instance; it does nothing by itself. */
  readonly stranger: { readonly place: Place; readonly interface: string } | undefined
  /** All virtual addresses that both are to have by turns. */
  readonly virtualAddresses: readonly Address[]
  readonly targets: {
    readonly udp: readonly Target[]
    readonly tcp: readonly Target[]
    /** Virtual addresses that a client reaches. */
    readonly icmp: readonly Address[]
    /** Past the directors, where UDP is echoed. */
    readonly beside: { readonly address: Address; readonly port: number } | undefined
  }
  /** Of the first machine whose connection is lost; undefined where that is this machine itself. */
  readonly lost: Promise<Error> | undefined
  /** What of the configurations is not played here, and why, a sentence each. */
  readonly cannotPlay: readonly string[]
  close(): Promise<void>
}
