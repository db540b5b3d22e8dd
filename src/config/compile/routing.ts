import type { Route, Rule } from '../../net/route.ts'
import type { RoutingRule } from '../keywords/rule-line.ts'
import type { StaticRouteLine } from '../keywords/route-line.ts'
import type { Settings } from '../keywords/root.ts'
import type { Files } from '../preprocess/include.ts'
import { Making } from './making.ts'
import { routeOf } from './route.ts'
import { routingNames } from './routing-names.ts'
import { FIRST_PREFERENCE, ruleFamilyOf, ruleOf } from './routing-rule.ts'

/** The routes and rules of a whole file, each made of its line. */
export interface MadeRouting {
  readonly routes: ReadonlyMap<StaticRouteLine, Route>
  readonly rules: ReadonlyMap<RoutingRule, Rule>
  /** What was found out about each line. */
  readonly findings: ReadonlyMap<object, Making>
}

/** Static ones, then those of every instance: rules without a preference get lower ones in this order. */
export function makeRouting(settings: Settings, files: Files): MadeRouting {
  const numberOf = routingNames(settings, files)
  const findings = new Map<object, Making>()
  const makingOf = (line: object) => {
    const making = new Making()
    findings.set(line, making)
    return making
  }
  const routes = new Map<StaticRouteLine, Route>()
  for (const line of [...settings.static_routes, ...settings.vrrp_instance.flatMap((each) => each.virtual_routes)]) {
    routes.set(line, routeOf(line, numberOf, makingOf(line)))
  }
  const rules = new Map<RoutingRule, Rule>()
  const next = { 4: FIRST_PREFERENCE, 6: FIRST_PREFERENCE }
  for (const line of [...settings.static_rules, ...settings.vrrp_instance.flatMap((each) => each.virtual_rules)]) {
    const family = ruleFamilyOf(line)
    rules.set(line, ruleOf(line, next[family], numberOf, makingOf(line)))
    if (line.preference === undefined) next[family]--
  }
  return { routes, rules, findings }
}
