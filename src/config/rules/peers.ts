import { removeStatement } from '../fix.ts'
import type { Settings } from '../keywords/root.ts'
import { placeText } from '../source.ts'
import type { Rule } from './rule.ts'

/** The unicast peers of all instances. */
const peersOfAll = ({ vrrp_instance: instances }: Settings) =>
  instances.flatMap((instance) => instance.unicast_peer.map((peer) => [instance, peer] as const))

const peersAreListedOnce: Rule = (settings, places, report) => {
  for (const [instance, peer] of peersOfAll(settings)) {
    const first = instance.unicast_peer.find(({ address }) => address === peer.address)
    if (first === undefined || first === peer) continue
    const at = places.of(peer)
    const message = `this peer is listed already, at ${placeText(places.of(first))}; the first one counts`
    report('repeated-address', at, message, undefined, removeStatement(at))
  }
}

const ttlLimitsLeaveRoom: Rule = (settings, places, report) => {
  for (const [, peer] of peersOfAll(settings)) {
    const { min_ttl: least = 0, max_ttl: most = 255 } = peer
    if (least <= most) continue
    report(
      'bad-value',
      places.of(peer),
      `no TTL is at least ${least} and at most ${most}: no advert of this peer counts`,
    )
  }
}

export const peerRules: readonly Rule[] = [peersAreListedOnce, ttlLimitsLeaveRoom]
