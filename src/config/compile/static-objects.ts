import type { Track } from '../../model/tracking.ts'
import type { StaticObjects } from '../../model/vrrp.ts'
import type { StaticAddressLine } from '../keywords/address-line.ts'
import type { StaticRouteLine } from '../keywords/route-line.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import type { RoutingRule } from '../keywords/rule-line.ts'
import { addressOf } from './address.ts'
import type { MadeRouting } from './routing.ts'

/** Of addresses that name none, as in keepalived. */
const DEFAULT_INTERFACE = 'eth0'

/** What the host has while the daemon runs. */
export function staticObjectsOf(settings: Settings, made: MadeRouting): StaticObjects {
  return {
    addresses: settings.static_ipaddress.map((line) =>
      addressOf(line, settings.global_defs?.default_interface ?? DEFAULT_INTERFACE),
    ),
    routes: settings.static_routes.flatMap((line) => made.routes.get(line) ?? []),
    rules: settings.static_rules.flatMap((line) => made.rules.get(line) ?? []),
  }
}

/** An instance of a track group is in fault while an interface is down that something with this track group is on. */
export function staticTracks({ id }: InstanceSettings, settings: Settings): readonly Track[] {
  const groups = new Set(
    settings.track_group.filter(({ group }) => group.some(({ name }) => name === id)).map((block) => block.id),
  )
  const isOurs = (name: string | undefined) => name !== undefined && groups.has(name)
  const devices = [
    ...settings.static_ipaddress.filter((line) => isOurs(line.track_group)).flatMap(devicesOfAddress),
    ...settings.static_routes.filter(({ options }) => isOurs(options.track_group)).flatMap(devicesOfRoute),
    ...settings.static_rules.filter((line) => isOurs(line.track_group)).flatMap(devicesOfRule),
  ]
  return [...new Set(devices)].map((name) => ({ kind: 'interface', name, weight: 0, reverse: false }))
}

const said = (...names: readonly (string | undefined)[]): readonly string[] =>
  names.filter((name) => name !== undefined)

export const devicesOfAddress = ({ dev }: StaticAddressLine): readonly string[] => said(dev)

export const devicesOfRoute = ({ options: { dev, nexthop = [] } }: StaticRouteLine): readonly string[] =>
  said(dev, ...nexthop.map((hop) => hop.dev))

export const devicesOfRule = ({ iif, oif }: RoutingRule): readonly string[] => said(iif, oif)
