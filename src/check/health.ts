import type { Millis } from '../time.ts'

/** What a server's answer to one question says of it. */
export interface Health {
  readonly up: boolean
  /** The weight that the server asks for; undefined: the one of the configuration. */
  readonly weight?: number
  /** What is worth knowing about the answer, or what was wrong with it, in a few words for people. */
  readonly reason: string
  /** From the first attempt to connect to the last byte that was looked at. */
  readonly duration: Millis
}

/** The server was not asked, because this host could not do so. That says nothing of the server. */
export interface NotAsked {
  readonly up: undefined
  /** What this host lacks. */
  readonly reason: string
  readonly duration: Millis
}

/** What came of one question. */
export type Answer = Health | NotAsked
