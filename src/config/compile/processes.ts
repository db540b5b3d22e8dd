import type { Config } from '../../model/config.ts'
import type { Settings } from '../keywords/root.ts'

/** What is said of the processes. */
export function processesOf(global: Settings['global_defs']): Config['processes'] {
  return {
    vrrp: {
      nice: global?.vrrp_priority,
      realtime: global?.vrrp_rt_priority,
      cpus: global?.vrrp_cpu_affinity,
      noSwap: global?.vrrp_no_swap ?? false,
    },
    check: {
      nice: global?.checker_priority,
      realtime: global?.checker_rt_priority,
      cpus: global?.checker_cpu_affinity,
      noSwap: global?.checker_no_swap ?? false,
    },
  }
}
