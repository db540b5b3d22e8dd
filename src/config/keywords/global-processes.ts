import type { Entries } from '../schema/entry.ts'
import { alias, flag, inert, later, setting } from '../schema/kinds.ts'
import { many, maybe, one } from '../schema/syntax.ts'
import { integer, word } from '../schema/values.ts'
import { UMASK } from './features.ts'
import { ALWAYS_REALTIME, NO_BFD_PROCESS, NO_TIME_LIMIT, ONE_PROCESS_NAME } from './reasons.ts'

const niceness = integer(-20, 19)
const realtime = integer(1, 99)
const cpus = many(integer(0, 4095))
const rlimit = integer(1, 2 ** 31 - 1)
const checkerProcessName = inert(ONE_PROCESS_NAME, setting(word('<name>'), 'Name of the check process.'))

/** Keywords of `global_defs` about the processes of the daemon. */
export const processDefs = {
  process_names: inert(ONE_PROCESS_NAME, flag('Processes have the default names of keepalived.')),
  process_name: inert(ONE_PROCESS_NAME, setting(word('<name>'), 'Name of the parent process.')),
  vrrp_process_name: inert(ONE_PROCESS_NAME, setting(word('<name>'), 'Name of the vrrp process.')),
  checker_process_name: checkerProcessName,
  lvs_process_name: alias('checker_process_name', checkerProcessName),
  bfd_process_name: inert(ONE_PROCESS_NAME, setting(word('<name>'), 'Name of the process for BFD.')),
  max_auto_priority: inert(
    ALWAYS_REALTIME,
    setting(
      maybe(integer(-1, 99)),
      'Highest real-time priority that is set automatically when the process is scheduled late.',
    ),
  ),
  min_auto_priority_delay: inert(
    ALWAYS_REALTIME,
    setting(
      integer(1, 10_000_000),
      'Scheduling delay that raises the priority automatically, in microseconds; default 1000000.',
    ),
  ),
  vrrp_priority: setting(niceness, 'Nice value of the vrrp process.'),
  vrrp_no_swap: flag('Locks the vrrp process in memory.'),
  vrrp_rt_priority: setting(realtime, 'Real-time priority (SCHED_RR) of the vrrp process.'),
  vrrp_cpu_affinity: setting(cpus, 'CPUs that the vrrp process may run on.'),
  vrrp_rlimit_rttime: inert(
    NO_TIME_LIMIT,
    setting(
      rlimit,
      'CPU time that the vrrp process may use at real-time priority without blocking (RLIMIT_RTTIME), in microseconds.',
    ),
  ),
  vrrp_rlimit_rtime: alias('vrrp_rlimit_rttime', inert(NO_TIME_LIMIT, setting(rlimit, ''))),
  checker_priority: setting(niceness, 'Nice value of the check process.'),
  checker_no_swap: flag('Locks the check process in memory.'),
  checker_rt_priority: setting(realtime, 'Real-time priority (SCHED_RR) of the check process.'),
  checker_cpu_affinity: setting(cpus, 'CPUs that the check process may run on.'),
  checker_rlimit_rttime: inert(
    NO_TIME_LIMIT,
    setting(
      rlimit,
      'CPU time that the check process may use at real-time priority without blocking (RLIMIT_RTTIME), in microseconds.',
    ),
  ),
  checker_rlimit_rtime: alias('checker_rlimit_rttime', inert(NO_TIME_LIMIT, setting(rlimit, ''))),
  bfd_priority: inert(NO_BFD_PROCESS, setting(niceness, 'Nice value of the BFD process.')),
  bfd_no_swap: inert(NO_BFD_PROCESS, flag('Locks the BFD process in memory.')),
  bfd_rt_priority: inert(NO_BFD_PROCESS, setting(realtime, 'Real-time priority of the BFD process.')),
  bfd_cpu_affinity: inert(NO_BFD_PROCESS, setting(cpus, 'CPUs that the BFD process may run on.')),
  bfd_rlimit_rttime: inert(
    NO_BFD_PROCESS,
    setting(
      rlimit,
      'CPU time that the BFD process may use at real-time priority without blocking (RLIMIT_RTTIME), in microseconds.',
    ),
  ),
  bfd_rlimit_rtime: alias('bfd_rlimit_rttime', inert(NO_BFD_PROCESS, setting(rlimit, ''))),
  umask: later(
    UMASK,
    setting(
      one({
        text: '<octal>|<IRUSR|IWUSR|…>',
        expected: 'an octal number, or permission bits joined by |',
        read: (text) =>
          /^(0?[0-7]{1,4}|I(R|W|X)(USR|GRP|OTH)(\|I(R|W|X)(USR|GRP|OTH))*)$/.test(text) ? text : undefined,
      }),
      'File mode creation mask.',
    ),
  ),
} as const satisfies Entries
