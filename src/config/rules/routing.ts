import type { Report } from '../diagnostic.ts'
import type { Settings } from '../keywords/root.ts'
import type { Places } from '../schema/entry.ts'
import { reportRepeats, type Rule } from './rule.ts'

/** Static ones and those of every instance. */
const routesOf = (settings: Settings) => [
  ...settings.static_routes,
  ...settings.vrrp_instance.flatMap(({ virtual_routes: routes }) => routes),
]
const rulesOf = (settings: Settings) => [
  ...settings.static_rules,
  ...settings.vrrp_instance.flatMap(({ virtual_rules: rules }) => rules),
]

const routesCanBeTracked: Rule = (settings, places, report) => {
  for (const route of routesOf(settings)) {
    if (route.options.dev !== undefined || route.options.no_track === true) continue
    const message = 'a route without `dev` is not tracked: nobody notices when it is gone'
    report('not-tracked', places.of(route), message, 'set `dev`, or `no_track` if that is meant')
  }
}

const rulesHaveAPreference: Rule = (settings, places, report) => {
  for (const rule of rulesOf(settings)) {
    if (rule.preference !== undefined) continue
    report('no-preference', places.of(rule), 'a rule without `preference` gets any; the order of rules is undefined')
  }
}

const trackGroupsExist: Rule = (settings, places, report) => {
  const names = new Set(settings.track_group.map(({ id }) => id))
  const check = (line: object, name: string | undefined, into: Report, at: Places) => {
    if (name !== undefined && !names.has(name)) into('unknown-name', at.of(line), `there is no track_group \`${name}\``)
  }
  for (const line of settings.static_ipaddress) check(line, line.track_group, report, places)
  for (const line of settings.static_routes) check(line, line.options.track_group, report, places)
  for (const line of settings.static_rules) check(line, line.track_group, report, places)
}

const interfacesAreInOneGarpGroup: Rule = (settings, places, report) => {
  const items = settings.garp_group.flatMap((group) => [
    ...group.interfaces.map((member) => ({ key: member.name, at: places.of(member) })),
    ...(group.interface === undefined ? [] : [{ key: group.interface, at: places.of(group, 'interface') }]),
  ])
  reportRepeats(items, report, 'repeated-name', (name) => `\`${name}\` is in a garp_group already`)
}

export const routingRules: readonly Rule[] = [
  routesCanBeTracked,
  rulesHaveAPreference,
  trackGroupsExist,
  interfacesAreInOneGarpGroup,
]
