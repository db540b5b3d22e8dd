import { type ElectionOptions, RFC_ELECTION } from '../../model/election.ts'
import { millis } from '../../time.ts'
import { isStrict } from '../effective.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'

/**
 * How an instance takes part in the election: what it says, else what is said for all. Strict mode has its own answers, as in
 * keepalived: those of RFC 3768 and RFC 5798.
 */
export function electionOf(instance: InstanceSettings, global: Settings['global_defs']): ElectionOptions {
  const strict = isStrict(instance, global)
  const all = {
    startDelay: global?.vrrp_startup_delay ?? millis(0),
    delayAfterBoot: global?.vrrp_delay_after_boot ?? millis(0),
    highestOther: instance.timer_expired_backup?.value ?? RFC_ELECTION.highestOther,
  }
  if (strict) {
    return { ...RFC_ELECTION, ...all, answersLower: false, ownerIgnoresAdverts: instance.priority === 255 }
  }
  return {
    ...all,
    downTimerAdverts: instance.down_timer_adverts ?? global?.vrrp_down_timer_adverts ?? RFC_ELECTION.downTimerAdverts,
    answersLower: !(instance.lower_prio_no_advert ?? global?.vrrp_lower_prio_no_advert ?? false),
    advertBeforeYielding: instance.higher_prio_send_advert ?? global?.vrrp_higher_prio_send_advert ?? false,
    ownerIgnoresAdverts: instance.owner_ignore_adverts ?? global?.vrrp_owner_ignore_adverts ?? false,
  }
}
