import type { Talks } from '../drill/talks.ts'

/** A real server that is played: by `programs/responder.ts` as JSON in its argument, or one of many by `programs/responders.ts`. */
export interface ResponderTask {
  /** As it calls itself: `server 1`. */
  readonly title: string
  /** Where datagrams are answered: from the address that they came to. TCP is answered at all addresses of the machine. */
  readonly addresses: readonly string[]
  readonly talks: Talks
}

/** How it answers, from the next connection, request or datagram on. */
export const BREAKAGES = ['ok', 'refuse', 'silent', 'slow', 'error', 'wrong', 'redirect', 'endless', 'expired'] as const
export type Breakage = (typeof BREAKAGES)[number]

/** What it is asked: to answer so from now on. The answer is empty, and comes when it is so. */
export interface ResponderQuestion {
  readonly how: Breakage
}

/** What `programs/responders.ts` is asked: to play one more, on the machine with this network namespace, or to break one by its title. */
export type RespondersQuestion =
  | { readonly play: ResponderTask; readonly network: string }
  | (ResponderQuestion & { readonly title: string })
