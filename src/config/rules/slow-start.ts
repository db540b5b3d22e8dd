import type { RealServerSettings, VirtualServerSettings } from '../keywords/root.ts'
import type { Rule } from './rule.ts'

/** Those that pick by other things than weights. */
const WEIGHTLESS: readonly VirtualServerSettings['lvs_sched'][] = ['rr', 'lc', 'dh']

/** A weight that grows is of use where weights count, and where there is something between none and the whole. */
export const slowStartsHaveAnEffect: Rule = (settings, places, report) => {
  for (const server of settings.virtual_server) {
    const starting = server.real_server.filter(({ slow_start: over }) => over !== undefined && over > 0)
    const own = starting.filter((real) => places.said(real, 'slow_start') !== undefined)
    const others = starting.filter((real) => !own.includes(real))
    for (const [block, reals] of [[server, others] as const, ...own.map((real) => [real, [real]] as const)]) {
      if (reals.length === 0) continue
      const at = places.of(block, 'slow_start')
      if (WEIGHTLESS.includes(server.lvs_sched)) {
        report('ignored-value', at, `\`${server.lvs_sched}\` does not look at weights: \`slow_start\` has no effect`)
      } else if (reals.every((real) => real.weight <= 1 && !asksForWeights(real))) {
        report(
          'ignored-value',
          at,
          'there is no weight between 0 and 1: `slow_start` has no effect',
          'write `weight 100`',
        )
      }
    }
  }
}

/** Its weight may be another one than the file says. */
const asksForWeights = ({ MISC_CHECK: misc, FILE_CHECK: file, AGENT_CHECK: agent }: RealServerSettings): boolean =>
  file.length > 0 || agent.length > 0 || misc.some(({ misc_dynamic: dynamic }) => dynamic === true)
