import { networkCheckers } from '../checkers-of.ts'
import type { RealServerSettings } from '../keywords/root.ts'
import type { Rule } from './rule.ts'

/** A server changes at most once with each answer of a checker: a limit that answers cannot reach is never reached. */
export const flapsCanBeSeen: Rule = (settings, places, report) => {
  for (const server of settings.virtual_server) {
    const { flap_limit: limit, real_server: reals } = server
    if (limit === undefined || reals.length === 0) continue
    const shortest = Math.min(...reals.map((real) => shortestFor(real, limit.changes)))
    if (shortest <= limit.within) continue
    const time =
      shortest === Infinity ? 'servers without checkers never change' : `so many take ${shortest / 1000} s at least`
    const hint = shortest === Infinity ? undefined : 'check more often, or write a longer time'
    report('ignored-value', places.of(server, 'flap_limit'), `\`flap_limit\` is never reached: ${time}`, hint)
  }
}

/** The time from the first to the last of so many changes, in ms, if each answer is another one. */
function shortestFor(real: RealServerSettings, changes: number): number {
  // These say something whenever it happens.
  if (real.FILE_CHECK.length > 0 || real.BFD_CHECK.length > 0) return 0
  const timed = [...networkCheckers(real), ...real.MISC_CHECK, ...real.AGENT_CHECK]
  if (timed.length === 0) return Infinity
  const interval = Math.min(...timed.map(({ fast_interval: fast, delay_loop: loop }) => Math.min(fast ?? loop, loop)))
  return ((changes - 1) * interval) / timed.length
}
