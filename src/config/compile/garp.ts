import type { AnnouncementPacing, Garp } from '../../model/vrrp.ts'
import { type Millis, millis } from '../../time.ts'
import type { InstanceSettings, Settings } from '../keywords/root.ts'

const NONE = millis(0)

/** When an instance announces its addresses, and how often. What it does not say, `global_defs` does. */
export function garpOf(instance: InstanceSettings, global: Settings['global_defs']): Garp {
  const { garp_master_delay: delay, garp_master_repeat: repeat } = instance
  const extra = instance.garp_extra_if ?? global?.vrrp_garp_extra_if
  return {
    delay,
    repeat,
    refresh: instance.garp_master_refresh ?? global?.vrrp_garp_master_refresh ?? NONE,
    refreshRepeat: instance.garp_master_refresh_repeat ?? global?.vrrp_garp_master_refresh_repeat ?? 1,
    lowerDelay: instance.garp_lower_prio_delay ?? global?.vrrp_garp_lower_prio_delay ?? delay,
    lowerRepeat: instance.garp_lower_prio_repeat ?? global?.vrrp_garp_lower_prio_repeat ?? repeat,
    extra: extra === undefined || extra.interval === 0 ? undefined : { every: extra.interval, all: extra.all },
  }
}

/** The pace of announcements on each interface. A group that says none of the two intervals has the usual one. */
export function pacingOf({ global_defs: global, garp_group: groups }: Settings): AnnouncementPacing {
  const arp = global?.vrrp_garp_interval ?? NONE
  const advertisement = global?.vrrp_gna_interval ?? NONE
  return {
    arp,
    advertisement,
    groups: groups.map((group) => ({
      arp: paceOf(group.garp_interval, arp),
      advertisement: paceOf(group.gna_interval, advertisement),
      interfaces: [
        ...(group.interface === undefined ? [] : [group.interface]),
        ...group.interfaces.map(({ name }) => name),
      ],
    })),
  }
}

const paceOf = (said: Millis | undefined, usual: Millis): Millis => said ?? usual
