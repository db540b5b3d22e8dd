import type { Report } from '../diagnostic.ts'
import type { Settings } from '../keywords/root.ts'
import { devicesOfAddress, devicesOfRoute, devicesOfRule } from '../compile/static-objects.ts'
import type { Places } from '../schema/entry.ts'
import type { MadeRouting } from '../compile/routing.ts'
import { reportRepeats, type Rule } from './rule.ts'

/** Static ones and those of every instance. */
const rulesOf = (settings: Settings) => [
  ...settings.static_rules,
  ...settings.vrrp_instance.flatMap(({ virtual_rules: rules }) => rules),
]

const rulesHaveAPreference: Rule = (settings, places, report) => {
  for (const rule of rulesOf(settings)) {
    if (rule.preference !== undefined) continue
    report(
      'no-preference',
      places.of(rule),
      'a rule without `preference` gets one as in keepalived, 16384 and down: hardly where it was meant to be',
    )
  }
}

const trackGroupsHaveInterfaces: Rule = (settings, places, report) => {
  const lines = [
    ...settings.static_ipaddress.map((line) => ({ line, name: line.track_group, devices: devicesOfAddress(line) })),
    ...settings.static_routes.map((line) => ({ line, name: line.options.track_group, devices: devicesOfRoute(line) })),
    ...settings.static_rules.map((line) => ({ line, name: line.track_group, devices: devicesOfRule(line) })),
  ]
  for (const { line, name, devices } of lines) {
    if (name === undefined || devices.length > 0) continue
    const message = '`track_group` has no effect here: its instances track the interface, and this line names none'
    report('ignored-value', places.of(line), message)
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
  rulesHaveAPreference,
  trackGroupsExist,
  trackGroupsHaveInterfaces,
  interfacesAreInOneGarpGroup,
]

/** What is wrong with the routes and rules one by one, at their lines. */
export function reportRouting({ findings }: MadeRouting, places: Places, report: Report): void {
  for (const [line, { errors, remarks }] of findings) {
    const at = places.of(line)
    for (const { message, instead } of errors) {
      report('bad-value', at, message, instead === undefined ? undefined : `did you mean \`${instead}\`?`)
    }
    for (const message of remarks) report('ignored-value', at, message)
  }
}
