import type { WeightAsked } from '../model/check.ts'

/** What an agent has said of its server so far: what it does not say again stays as it is. */
export interface AgentSaid {
  /** What an administrator wants; `maint`: no traffic at all. */
  readonly admin: 'ready' | 'drain' | 'maint'
  readonly up: boolean
  /** Of the weight of the configuration; undefined: it has said nothing of that. */
  readonly percent: number | undefined
  /** With its description: `fail (no replication)`. Undefined: never said. */
  readonly word: string | undefined
}

export const NOTHING_SAID: AgentSaid = { admin: 'ready', up: true, percent: undefined, word: undefined }

/** Higher percentages count as this one: no weight can be so much more. */
const MOST_PERCENT = 1_000_000

const DOWN: ReadonlySet<string> = new Set(['down', 'fail', 'stopped'])

/** What one line has changed, and its words that mean nothing. */
export interface AgentHeard {
  readonly said: AgentSaid
  readonly unknown: readonly string[]
}

/**
 * Takes a line of HAProxy's agent protocol: words between blanks and commas, in any case, and a description from a word on that begins with
 * `#`. As HAProxy 2.6 does it, found by asking it: the last percentage counts, the last one of `up`, `down`, `fail`, `stopped`, and of
 * `ready`, `drain`, `maint`; other words count for nothing. `maxconn:` is not for a forwarder of packets.
 */
export function hear(before: AgentSaid, line: string): AgentHeard {
  const mark = line.search(/(?<![^\s,])#/)
  const [spoken, description] = mark < 0 ? [line, ''] : [line.slice(0, mark), line.slice(mark + 1).trim()]
  const words = spoken.split(/[\s,]+/).filter((word) => word !== '')
  const unknown: string[] = []
  let { admin, up, percent, word } = before
  for (const each of words) {
    const lower = each.toLowerCase()
    if (/^\d+%$/.test(each)) percent = Math.min(MOST_PERCENT, Number.parseInt(each, 10))
    else if (lower === 'ready' || lower === 'drain' || lower === 'maint') admin = lower
    else if (lower === 'up' || DOWN.has(lower)) {
      up = lower === 'up'
      word = description === '' || up ? lower : `${lower} (${description})`
    } else if (!/^maxconn:\d+$/.test(lower)) unknown.push(each)
  }
  return { said: { admin, up, percent, word }, unknown }
}

/** What it comes to: in maintenance a server gets nothing, as one that is down. */
export function agentVerdict({ admin, up, percent }: AgentSaid): {
  readonly up: boolean
  readonly weight?: WeightAsked
} {
  if (admin === 'maint' || !up) return { up: false }
  if (admin === 'drain') return { up: true, weight: { type: 'drain' } }
  return percent === undefined ? { up: true } : { up: true, weight: { type: 'percent', value: percent } }
}

/** For people. */
export function agentText({ admin, percent, word }: AgentSaid): string {
  const parts = [
    ...(admin === 'ready' ? [] : [admin]),
    ...(word === undefined ? [] : [word]),
    ...(percent === undefined ? [] : [`${percent}%`]),
  ]
  return parts.length === 0 ? 'nothing said yet' : parts.join(', ')
}
