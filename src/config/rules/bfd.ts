import { isIpv4, isLinkLocal } from '../../net/address.ts'
import { isForVrrp, ttlOf } from '../compile/bfd.ts'
import { peersOf } from '../effective.ts'
import { trackLines } from '../effective-weights.ts'
import { reportRepeats, type Rule } from './rule.ts'

/** keepalived does not run such a session. */
const sessionsHaveOneFamily: Rule = (settings, places, report) => {
  for (const block of settings.bfd_instance) {
    const { source_ip: source, neighbor_ip: neighbour } = block
    if (source === undefined || neighbour === undefined || isIpv4(source) === isIpv4(neighbour)) continue
    const message = `\`${block.id}\` has a neighbour of the other family: ${neighbour}`
    report('mixed-families', places.of(block, 'source_ip'), message)
  }
}

/** Packets would be for both. */
const sessionsAreToldApart: Rule = (settings, places, report) => {
  const items = settings.bfd_instance.flatMap((block) =>
    block.neighbor_ip === undefined
      ? []
      : [
          {
            key: `${block.neighbor_ip}${block.source_ip === undefined ? '' : ` from ${block.source_ip}`}${block.multihop === true ? ' over routers' : ''}`,
            at: places.of(block, 'neighbor_ip'),
          },
        ],
  )
  reportRepeats(items, report, 'duplicate-address', (key) => `there is a BFD session with ${key} already`)
}

const neighboursAreOnALink: Rule = (settings, places, report) => {
  for (const block of settings.bfd_instance) {
    if (block.neighbor_ip === undefined || !isLinkLocal(block.neighbor_ip)) continue
    const message = `a link-local address does not say on which interface it is: \`${block.id}\` never comes up`
    report('no-effect', places.of(block, 'neighbor_ip'), message, 'take a global or unique local address')
  }
}

const hopsAreFewerThanTheTtl: Rule = (settings, places, report) => {
  for (const block of settings.bfd_instance) {
    const { max_hops: most } = block
    if (most === undefined || most === 255 || most <= ttlOf(block)) continue
    report('ignored-value', places.of(block, 'max_hops'), `it is more than the TTL, ${ttlOf(block)}: hops do not count`)
  }
}

const sessionsOfCheckersAreNotTracked: Rule = (settings, places, report) => {
  const ofCheckers = new Set(settings.bfd_instance.filter((block) => !isForVrrp(block)).map(({ id }) => id))
  for (const block of [...settings.vrrp_instance, ...settings.vrrp_sync_group]) {
    for (const tracked of block.track_bfd.filter(({ name }) => ofCheckers.has(name))) {
      const message = `\`${tracked.name}\` is for checkers only: it has no effect here`
      report('no-effect', places.of(tracked), message, 'say `vrrp` in the bfd_instance, too')
    }
  }
}

/** keepalived's manual warns of it: each of a pair could then be master only while both are well. */
const peersAreNotNeeded: Rule = (settings, places, report) => {
  for (const instance of settings.vrrp_instance) {
    const peers = new Set(peersOf(instance).map(({ address }) => address))
    for (const { kind, said, weight, reverse } of trackLines(instance, settings)) {
      const session = kind === 'bfd' ? settings.bfd_instance.find(({ id }) => id === said.name) : undefined
      if (session?.neighbor_ip === undefined || !peers.has(session.neighbor_ip) || weight !== 0 || reverse) continue
      const message = `\`${instance.id}\` is in fault when its own peer ${session.neighbor_ip} is gone: then nobody has the addresses`
      report('bad-weight', places.of(said), message, 'give it a weight')
    }
  }
}

export const bfdRules: readonly Rule[] = [
  sessionsHaveOneFamily,
  sessionsAreToldApart,
  neighboursAreOnALink,
  hopsAreFewerThanTheTtl,
  sessionsOfCheckersAreNotTracked,
  peersAreNotNeeded,
]
