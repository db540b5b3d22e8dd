import { choice, type Kind, matching } from './kinds.ts'

/**
 * The directors, by the order of their files, or by the role that each had when the drill began: `active` stays the same machine
 * until the end, whoever is master by then.
 */
const DIRECTOR_WORDS = ['active', 'standby', 'director1', 'director2'] as const
export type DirectorWord = (typeof DIRECTOR_WORDS)[number]

export const DIRECTOR: Kind<DirectorWord> = choice(...DIRECTOR_WORDS)

export const DIRECTORS: Kind<DirectorWord | 'both'> = choice(...DIRECTOR_WORDS, 'both')

/** Real servers count from 1, in the order of the first file; each address once. */
export type ServerWord = `server ${number}`
export type HostWord = DirectorWord | ServerWord | 'client'

export const SERVERS: Kind<ServerWord | 'all'> = matching(
  'a real server, such as server 2, or all',
  /^(server [1-9]\d{0,3}|all)$/,
)

export const HOST: Kind<HostWord> = matching(
  'a machine: active, standby, director1, director2, client, or a real server such as server 2',
  /^(active|standby|director1|director2|client|server [1-9]\d{0,3})$/,
)

/** The processes of a director; keepalived has no script process, and `check` is its checker. */
export const PROCESS = choice('all', 'director', 'vrrp', 'check', 'script')
export type ProcessWord = 'all' | 'director' | 'vrrp' | 'check' | 'script'

export const WAY = choice('both', 'in', 'out')
export type Way = 'both' | 'in' | 'out'
