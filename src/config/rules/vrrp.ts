import { isIpv4, isLinkLocal } from '../../net/address.ts'
import {
  advertIntervalOf,
  familyOf,
  isStrict,
  peersOf,
  preemptDelayOf,
  preempts,
  versionOf,
  virtualAddressesOf,
} from '../effective.ts'
import { removeStatement, replaceValue } from '../fix.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'
import type { Report } from '../diagnostic.ts'
import type { Places } from '../schema/entry.ts'
import { placeText, type Span } from '../source.ts'
import { reportRepeats, type Rule } from './rule.ts'

/** Longest password of version 2 (RFC 2338 §5.3.6). */
const PASSWORD_LENGTH = 8
/** Addresses that the count field of an advert can tell (RFC 9568 §5.2.5). */
const ADDRESS_LIMIT = 255

/** A rule that looks at each instance by itself. */
export const ofEach =
  (check: (instance: InstanceSettings, places: Places, report: Report, settings: Settings) => void): Rule =>
  (settings, places, report) => {
    for (const instance of settings.vrrp_instance) check(instance, places, report, settings)
  }

export const familyName = (instance: InstanceSettings): 'IPv4' | 'IPv6' => (familyOf(instance) === 4 ? 'IPv4' : 'IPv6')

const instanceNamesAreUnique: Rule = (settings, places, report) => {
  const items = settings.vrrp_instance.map((instance) => ({ key: instance.id, at: places.of(instance) }))
  reportRepeats(items, report, 'duplicate-name', (name) => `another vrrp_instance is named \`${name}\``)
}

const instancesSayTheirRouterId = ofEach((instance, places, report) => {
  if (instance.virtual_router_id !== undefined || places.broken(instance, 'virtual_router_id')) return
  report('missing-keyword', places.of(instance), `\`${instance.id}\` needs \`virtual_router_id\``)
})

const instancesHaveAnInterfaceUnlessUnicast = ofEach((instance, places, report) => {
  if (instance.interface !== undefined || places.broken(instance, 'interface')) return
  const { unicast_src_ip: source } = instance
  // A link-local address says nothing without the link that it is of.
  if (instance.unicast_peer.length > 0 && source !== undefined && !isLinkLocal(source)) return
  report('missing-keyword', places.of(instance), `\`${instance.id}\` needs \`interface\``)
})

/** Each director would hear itself alone there, and be master. keepalived leaves such an instance out. */
const noInstanceIsOnTheLoopback = ofEach((instance, places, report) => {
  if (instance.interface !== 'lo') return
  const message = '`lo` is the loopback interface, where no other director hears adverts'
  report('bad-value', places.of(instance, 'interface'), message, 'name the interface that the directors share')
})

const instancesHaveAnAddressUnlessMeant = ofEach((instance, places, report) => {
  const count = instance.virtual_ipaddress.length
  if (count > ADDRESS_LIMIT) {
    const message = `an advert holds at most ${ADDRESS_LIMIT} addresses; use virtual_ipaddress_excluded`
    report('too-many', places.of(instance, 'virtual_ipaddress'), message)
  }
  if (count > 0 || instance.no_virtual_ipaddress || places.broken(instance, 'virtual_ipaddress')) return
  const message = `\`${instance.id}\` has no virtual_ipaddress: it elects a master, and nothing moves with it`
  report('no-virtual-address', places.of(instance), message, 'set `no_virtual_ipaddress` if that is meant')
})

const routerIdsAreUniqueOnALink: Rule = (settings, places, report) => {
  const items = settings.vrrp_instance.flatMap((instance) => {
    const { virtual_router_id: vrid, interface: device, mcast_dst_ip: group } = instance
    if (vrid === undefined || device === undefined) return []
    // Peers that are not the same keep two virtual routers apart.
    const peers = [...new Set(instance.unicast_peer.map(({ address }) => address))]
    const key = `virtual_router_id ${vrid} on ${device} for ${familyName(instance)}`
    const at = places.of(instance, 'virtual_router_id')
    return (peers.length > 0 ? peers : ['']).map((peer) => ({ key: `${key}\0${group ?? ''}${peer}`, at }))
  })
  reportRepeats(items, report, 'duplicate-router-id', (key) => `another instance has ${key.split('\0')[0]}`)
}

const virtualAddressesAreUnique: Rule = (settings, places, report) => {
  const owners = new Map<string, { readonly id: string; readonly at: Span }>()
  for (const instance of settings.vrrp_instance) {
    for (const line of [...instance.virtual_ipaddress, ...instance.virtual_ipaddress_excluded]) {
      const { address } = line.prefix
      const owner = owners.get(address)
      const at = places.of(line)
      if (owner === undefined) {
        owners.set(address, { id: instance.id, at })
        continue
      }
      const there = placeText(owner.at)
      if (owner.id === instance.id) {
        const message = `${address} is listed already, at ${there}`
        report('repeated-address', at, message, undefined, removeStatement(at))
      } else {
        const message = `${address} is a virtual address of \`${owner.id}\`, too, at ${there}: two directors may have it at the same time`
        report('repeated-address', at, message, 'put both instances into a vrrp_sync_group')
      }
    }
  }
}

const advertsHoldOneFamily = ofEach((instance, places, report) => {
  const { inAdverts } = virtualAddressesOf(instance)
  for (const line of instance.virtual_ipaddress.filter((each) => !inAdverts.includes(each))) {
    const message = `an advert holds one family, here ${familyName(instance)}: this address moves with \`${instance.id}\`, but is not in its adverts`
    report('other-family', places.of(line), message, 'write it in virtual_ipaddress_excluded; keepalived drops it')
  }
})

const theFirstIpv6AddressIsLinkLocal = ofEach((instance, places, report) => {
  const [first] = instance.virtual_ipaddress
  if (first === undefined || isIpv4(first.prefix.address) || isLinkLocal(first.prefix.address)) return
  const message =
    'the first IPv6 address must be link-local (RFC 9568 §5.2.9); other implementations may drop the adverts'
  report('not-link-local', places.of(first), message)
})

/** keepalived drops what is not of the family of the first address that it reads, whichever that is. */
const peersAreOfTheSameFamily = ofEach((instance, places, report) => {
  if (instance.virtual_ipaddress.length === 0) return
  const wanted = familyName(instance)
  for (const peer of instance.unicast_peer) {
    if (isIpv4(peer.address) === (wanted === 'IPv4')) continue
    report('mixed-families', places.of(peer), `\`${instance.id}\` has ${wanted} addresses; so must its peers have`)
  }
  for (const keyword of ['unicast_src_ip', 'mcast_src_ip'] as const) {
    const source = instance[keyword]
    if (source === undefined || isIpv4(source) === (wanted === 'IPv4')) continue
    const message = `\`${instance.id}\` has ${wanted} addresses; so must its source be`
    report('mixed-families', places.of(instance, keyword), message)
  }
})

const groupsAreOfTheSameFamily = ofEach((instance, places, report) => {
  const { mcast_dst_ip: group } = instance
  if (group === undefined || isIpv4(group) === (familyOf(instance) === 4)) return
  const at = places.of(instance, 'mcast_dst_ip')
  const message = `\`${instance.id}\` has ${familyName(instance)} addresses: its adverts go to the default group`
  report('ignored-value', at, message, 'leave it out, or name a group of that family', removeStatement(at))
})

const ipv6IsOfVersion3 = ofEach((instance, places, report, { global_defs: global }) => {
  if (instance.version !== '2' || familyOf(instance) === 4 || isStrict(instance, global)) return
  const at = places.said(instance, 'version')
  if (at === undefined) return
  const message = 'VRRPv2 has no IPv6 (RFC 3768): its adverts are of version 3. keepalived sends some of version 2'
  report('ignored-value', at, message, 'use version 3 on both directors', replaceValue(at, '3'))
})

const unicastHasPeers = ofEach((instance, places, report) => {
  if (instance.unicast_src_ip === undefined || instance.unicast_peer.length > 0) return
  const message = '`unicast_src_ip` without `unicast_peer`: adverts go to the multicast group'
  report('no-peer', places.of(instance, 'unicast_src_ip'), message)
})

const peersAreNotTheSource = ofEach((instance, places, report) => {
  for (const peer of instance.unicast_peer.filter(({ address }) => address === instance.unicast_src_ip)) {
    const at = places.of(peer)
    const there = placeText(places.of(instance, 'unicast_src_ip'))
    if (peersOf(instance).length === 0)
      report('duplicate-address', at, `this director has no peer but itself: its source address is at ${there}`)
    else {
      const message = `this peer is the source address of this director itself, at ${there}, which sends nothing to itself`
      report('ignored-value', at, message, 'leave it out', removeStatement(at))
    }
  }
})

const intervalsFitTheVersion = ofEach((instance, places, report) => {
  const value = advertIntervalOf(instance)
  if (instance.advert_int === undefined || Math.abs(value - instance.advert_int) < 0.001) return
  const at = places.of(instance, 'advert_int')
  const takes =
    versionOf(instance) === 2 ? 'version 2 takes whole seconds' : 'version 3 takes hundredths of a second, up to 40.95'
  const seconds = String(value / 1000)
  report('rounded-value', at, `${takes}: ${seconds} is taken`, `write ${seconds}`, replaceValue(at, seconds))
})

const authenticationIsOfVersion2 = ofEach((instance, places, report, { global_defs: global }) => {
  const { authentication } = instance
  if (authentication === undefined) return
  const at = places.of(instance, 'authentication')
  const { auth_type: type, auth_pass: password } = authentication
  const ignored = (why: string, hint: string) =>
    report('ignored-value', at, `${why}: adverts have none, as keepalived's`, hint)
  if (type === undefined || password === undefined) {
    if (places.broken(authentication, 'auth_type') || places.broken(authentication, 'auth_pass')) return
    ignored('`auth_type` and `auth_pass` have no effect without each other', 'set both on both directors')
  } else if (instance.version === '3') {
    ignored('VRRPv3 has no authentication (RFC 9568 §9)', 'leave it out, or use version 2 on both directors')
  } else if (isStrict(instance, global)) {
    ignored('strict mode has no authentication', 'leave it out, or leave strict mode on both directors')
  } else if (type === 'AH' && familyOf(instance) === 6) {
    const message = 'AH is for IPv4 (RFC 2338 §5.3.6)'
    report('bad-authentication', places.of(authentication, 'auth_type'), message, 'use PASS on both directors')
  } else if (type === 'AH' && instance.state === 'MASTER') {
    const message = '`state MASTER` has no effect with AH, as in keepalived: it begins as BACKUP'
    report('ignored-value', places.of(instance, 'state'), message, 'use `state BACKUP` on both directors')
  }
})

const passwordsFit = ofEach((instance, places, report) => {
  const { authentication } = instance
  if (authentication?.auth_pass === undefined || authentication.auth_pass.reveal().length <= PASSWORD_LENGTH) return
  const at = places.of(authentication, 'auth_pass')
  report('bad-length', at, `only the first ${PASSWORD_LENGTH} characters of a password count`)
})

const preemptionFitsThePriority = ofEach((instance, places, report) => {
  if (!instance.nopreempt || !preempts(instance)) return
  const at = places.of(instance, 'nopreempt')
  const message = '`nopreempt` has no effect with `state MASTER` or priority 255'
  report('bad-preemption', at, message, 'use `state BACKUP` on both directors, or leave it out', removeStatement(at))
})

const preemptDelayIsForBackups = ofEach((instance, places, report, { global_defs: global }) => {
  const { preempt_delay: said } = instance
  if (said === undefined || said === preemptDelayOf(instance, global)) return
  const at = places.of(instance, 'preempt_delay')
  const why = isStrict(instance, global)
    ? 'in strict mode'
    : `with \`${preempts(instance) && instance.state === 'MASTER' ? 'state MASTER' : 'nopreempt'}\``
  report('bad-preemption', at, `\`preempt_delay\` has no effect ${why}`, 'leave it out', removeStatement(at))
})

const onlyOwnersHavePriority255 = ofEach((instance, places, report) => {
  if (instance.priority !== 255) return
  const said = places.said(instance, 'priority')
  if (said === undefined && instance.state === 'MASTER') {
    const message =
      '`state MASTER` without `priority` means priority 255: this director owns the addresses and never yields'
    report('bad-priority', places.of(instance, 'state'), message, 'set `priority`')
  }
  if (instance.state === 'BACKUP') {
    const message = 'priority 255 owns the addresses and is master at once, whatever `state` says'
    report('bad-priority', places.of(instance, 'priority'), message, 'use at most 254')
  }
})

export const vrrpRules: readonly Rule[] = [
  instanceNamesAreUnique,
  instancesSayTheirRouterId,
  instancesHaveAnInterfaceUnlessUnicast,
  noInstanceIsOnTheLoopback,
  instancesHaveAnAddressUnlessMeant,
  routerIdsAreUniqueOnALink,
  virtualAddressesAreUnique,
  advertsHoldOneFamily,
  theFirstIpv6AddressIsLinkLocal,
  peersAreOfTheSameFamily,
  groupsAreOfTheSameFamily,
  ipv6IsOfVersion3,
  unicastHasPeers,
  peersAreNotTheSource,
  intervalsFitTheVersion,
  authenticationIsOfVersion2,
  passwordsFit,
  preemptionFitsThePriority,
  preemptDelayIsForBackups,
  onlyOwnersHavePriority255,
]
