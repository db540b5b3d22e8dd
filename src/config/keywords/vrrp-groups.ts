import type { Entries } from '../schema/entry.ts'
import { flag, lines, setting, wordLines } from '../schema/kinds.ts'
import { script } from '../schema/script.ts'
import { truthOrNothing } from '../schema/values.ts'
import { named } from './named.ts'
import { tracked, trackedFile, trackedProcess } from './tracking.ts'

const notifyScript = (help: string) => setting(script, help)

export const syncGroup = {
  group: wordLines(named('<instance>'), 'Instances that are master or backup only together.'),
  track_interface: lines(tracked('<interface>'), 'Interfaces that must be up, or change the priority of each member.'),
  track_script: lines(tracked('<vrrp_script>'), 'Scripts that must succeed.'),
  track_file: lines(trackedFile, 'Files that change the priority.'),
  track_process: lines(trackedProcess, 'Processes that must run.'),
  track_bfd: lines(tracked('<bfd_instance>'), 'BFD sessions that must be up, or change the priority of each member.'),
  notify_backup: notifyScript('Runs when the group becomes backup.'),
  notify_master: notifyScript('Runs when the group becomes master.'),
  notify_fault: notifyScript('Runs when the group enters fault state.'),
  notify_stop: notifyScript('Runs when the daemon stops.'),
  notify: notifyScript('Runs at every change of state, with GROUP, name, state and 0 as last arguments.'),
  notify_priority_changes: setting(truthOrNothing, 'The pipes are told when the priority of a member changes.'),
  smtp_alert: setting(truthOrNothing, 'Sends mail when the state changes.'),
  global_tracking: flag('The older name of `sync_group_tracking_weight`.'),
  sync_group_tracking_weight: flag('The weights of the own trackers of its members count.'),
} as const satisfies Entries

export const trackGroup = {
  group: wordLines(named('<instance>'), 'Instances that need the addresses, routes and rules of this group.'),
} as const satisfies Entries
