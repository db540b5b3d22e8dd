import type { Report } from './diagnostic.ts'
import { advertIntervalOf, authenticationOf, virtualAddressesOf } from './effective.ts'
import type { InstanceSettings } from './keywords/root.ts'
import type { Loaded } from './load.ts'
import type { Places } from './schema/entry.ts'
import { hmacDifference } from './pair-hmac.ts'
import { positionOf, type Span } from './source.ts'

/** Priorities of two backups that are closer than this give skew times that differ by less than the timers of a busy host do. */
const CLOSE_MILLIS = 10

/**
 * Reports, at their places in the second file, what would keep the two directors of a pair from agreeing on one master.
 * Instances are paired by virtual router id and family, as they are on the wire.
 */
export function comparePair(first: Loaded, second: Loaded, report: Report): void {
  const partners = new Map(first.settings.vrrp_instance.map((instance) => [keyOf(instance), instance]))
  const met = new Set<InstanceSettings>()
  for (const instance of second.settings.vrrp_instance) {
    const partner = partners.get(keyOf(instance))
    if (partner !== undefined) {
      met.add(partner)
      compareInstances(sideOf(partner, first), sideOf(instance, second), report)
      continue
    }
    const sameName = first.settings.vrrp_instance.find(({ id }) => id === instance.id)
    // That one of them says no number, or a wrong one, is told already.
    if (instance.virtual_router_id === undefined || sameName?.virtual_router_id === undefined) {
      if (sameName !== undefined) met.add(sameName)
      if (instance.virtual_router_id === undefined || sameName !== undefined) continue
    }
    const at = second.places.of(instance, 'virtual_router_id')
    if (sameName === undefined) {
      report('pair-differs', at, `the other file has no instance with virtual_router_id ${instance.virtual_router_id}`)
    } else {
      met.add(sameName)
      const there = `${sameName.virtual_router_id} at ${placeOf(first.places.of(sameName, 'virtual_router_id'))}`
      report(
        'pair-differs',
        at,
        `virtual_router_id of \`${instance.id}\` is ${instance.virtual_router_id} here and ${there}`,
      )
    }
  }
  const [anywhere] = second.settings.vrrp_instance
  for (const instance of first.settings.vrrp_instance) {
    if (met.has(instance) || instance.virtual_router_id === undefined) continue
    const at = anywhere === undefined ? first.places.of(instance) : second.places.of(anywhere)
    report(
      'pair-differs',
      at,
      `the other file has \`${instance.id}\` (virtual_router_id ${instance.virtual_router_id}); this one does not`,
    )
  }
}

const keyOf = (instance: InstanceSettings): string =>
  `${instance.virtual_router_id} ${instance.virtual_ipaddress[0]?.prefix.address.includes(':') === true ? 6 : 4}`

interface Side {
  readonly instance: InstanceSettings
  readonly places: Places
  readonly authentication: ReturnType<typeof authenticationOf>
}

const sideOf = (instance: InstanceSettings, { settings, places }: Loaded): Side => ({
  instance,
  places,
  authentication: authenticationOf(instance, settings.global_defs),
})

/** Whether its file says it wrongly: then nothing is known to differ. */
const isBroken = ({ instance, places }: Side, keyword: string): boolean => places.broken(instance, keyword)

const placeOf = ({ source, start }: Span): string => `${source.name}:${positionOf(source, start).line}`

function compareInstances(a: Side, b: Side, report: Report): void {
  /** Reports that a keyword says one thing here and another there. */
  const same = (keyword: string, here: string, there: string, why: string) => {
    if (here === there || [a, b].some((side) => isBroken(side, keyword))) return
    const message = `${keyword} of \`${b.instance.id}\` is ${here} here and ${there} at ${placeOf(a.places.of(a.instance, keyword))}: ${why}`
    report('pair-differs', b.places.of(b.instance, keyword), message)
  }
  same('version', b.instance.version, a.instance.version, 'each drops the adverts of the other')
  const interval = ({ instance }: Side) => `${advertIntervalOf(instance) / 1000} s`
  if (a.instance.version === '2' && b.instance.version === '2') {
    same('advert_int', interval(b), interval(a), 'version 2 drops adverts with another interval')
  }
  const authentication = ({ authentication: own }: Side) => own?.type ?? 'none'
  same('authentication', authentication(b), authentication(a), 'each drops the adverts of the other')
  comparePasswords(a, b, report)
  same('virtual_ipaddress', addresses(b.instance), addresses(a.instance), 'keepalived drops adverts with another list')
  compareSignatures(a, b, report)
  const checksum = ({ instance }: Side) => String(instance.v3_checksum_as_v2 ?? false)
  same('v3_checksum_as_v2', checksum(b), checksum(a), 'keepalived drops adverts with the other checksum')
  const group = ({ instance }: Side) => instance.mcast_dst_ip ?? 'the default'
  same('mcast_dst_ip', group(b), group(a), 'they do not hear each other')
  comparePriorities(a, b, report)
  comparePeers(a, b, report)
}

const addresses = (instance: InstanceSettings): string =>
  virtualAddressesOf(instance)
    .inAdverts.map(({ prefix }) => prefix.address)
    .toSorted()
    .join(', ') || 'empty'

function compareSignatures(a: Side, b: Side, report: Report): void {
  const difference = hmacDifference(b.instance.auth_hmac, a.instance.auth_hmac)
  if (difference === undefined || [a, b].some((side) => isBroken(side, 'auth_hmac'))) return
  const there = placeOf(a.places.of(a.instance, 'auth_hmac'))
  const message = `auth_hmac of \`${b.instance.id}\` is another one than at ${there}: ${difference}`
  report('pair-differs', b.places.of(b.instance, 'auth_hmac'), message)
}

function comparePasswords(a: Side, b: Side, report: Report): void {
  const password = ({ authentication }: Side) => authentication?.password.reveal().slice(0, 8)
  if (a.authentication === undefined || b.authentication === undefined) return
  if (a.instance.authentication === undefined || b.instance.authentication === undefined) return
  if (password(a) === password(b) || [a, b].some((side) => isBroken(side, 'authentication'))) return
  const at = b.places.of(b.instance.authentication, 'auth_pass')
  const there = placeOf(a.places.of(a.instance.authentication, 'auth_pass'))
  report(
    'pair-differs',
    at,
    `auth_pass of \`${b.instance.id}\` is not the one at ${there}: each drops the adverts of the other`,
  )
}

function comparePriorities(a: Side, b: Side, report: Report): void {
  const [here, there] = [b.instance.priority, a.instance.priority]
  const at = b.places.of(b.instance, 'priority')
  const where = placeOf(a.places.of(a.instance, 'priority'))
  if ([a, b].some((side) => isBroken(side, 'priority'))) return
  if (here === there) {
    const message = here === 255 ? 'both own the addresses: there would be two masters' : 'the higher address decides'
    report('pair-priority', at, `priority of \`${b.instance.id}\` is ${here} in both files (${where}): ${message}`)
    return
  }
  // Where there are no more than these two, one of them is the master, and nobody races the other.
  if (directorsOf(a) <= 2 && directorsOf(b) <= 2) return
  // Skew is (256 - priority) / 256 of an interval (RFC 9568 §6.1), of a second in version 2 (RFC 3768 §6.1).
  const interval = b.instance.version === '2' ? 1000 : advertIntervalOf(b.instance)
  const apart = (Math.abs(here - there) / 256) * interval
  if (apart < CLOSE_MILLIS && here !== 255 && there !== 255) {
    const message = `priorities ${here} and ${there} (${where}) of \`${b.instance.id}\` take over within ${apart.toFixed(1)} ms of each other`
    report('pair-priority', at, message, 'set them further apart')
  }
}

/** As far as a file tells: its peers and itself. Those of a multicast group are not named; two files are two directors. */
const directorsOf = ({ instance }: Side): number => 1 + Math.max(1, instance.unicast_peer.length)

function comparePeers(a: Side, b: Side, report: Report): void {
  const unicast = ({ instance }: Side) => instance.unicast_peer.length > 0
  if (unicast(a) !== unicast(b)) {
    const at = b.places.of(b.instance, 'unicast_peer')
    report(
      'pair-peers',
      at,
      `\`${b.instance.id}\` is unicast in one file and multicast in the other: they do not hear each other`,
    )
    return
  }
  const check = (from: Side, to: Side) => {
    const source = from.instance.unicast_src_ip
    if (source === undefined || !unicast(to) || to.instance.unicast_peer.some(({ address }) => address === source))
      return
    const message = `${source}, the source of \`${from.instance.id}\` in ${placeOf(from.places.of(from.instance))}, is no unicast_peer of ${placeOf(to.places.of(to.instance))}`
    report('pair-peers', b.places.of(b.instance, 'unicast_peer'), message)
  }
  check(a, b)
  check(b, a)
}
