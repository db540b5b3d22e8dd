import { choice, DURATION, needed, otherwise, whole, type Arguments } from './kinds.ts'
import type { ConditionForm } from './conditions.ts'
import { form } from './conditions.ts'
import { millis } from '../../time.ts'

/** What goes on all through a drill, from the client. */
export const TRAFFIC = {
  probe: {
    says: 'a numbered packet each millisecond, on a schedule that waits for nobody: by UDP or TCP (SYN) through a virtual server, or by ICMP to the virtual address itself; auto takes the first of these that the configuration has',
    main: 'through',
    parameters: {
      through: otherwise(choice('auto', 'udp', 'tcp', 'icmp'), 'auto', 'what'),
      service: otherwise(whole(1, 10_000), 1, 'which virtual server that can be probed so, in the order of the file'),
    },
    example: 'probe: auto',
  },
  requests: {
    says: 'a new connection with a request, over and over',
    main: 'every',
    parameters: {
      every: needed(DURATION, 'how often'),
      service: otherwise(whole(1, 10_000), 1, 'which virtual server that answers requests, in the order of the file'),
    },
    example: 'requests: 20 ms',
  },
  connections: {
    says: 'connections that stay open, each with a request and a check of its answer every so often',
    main: 'count',
    parameters: {
      count: needed(whole(1, 10_000), 'how many'),
      every: otherwise(DURATION, millis(500), 'how often each asks; 500 ms without'),
      service: otherwise(whole(1, 10_000), 1, 'which virtual server that answers requests, in the order of the file'),
    },
    example: 'connections: 50',
  },
} as const satisfies Readonly<Record<string, ConditionForm>>

export type Traffic = {
  readonly [N in keyof typeof TRAFFIC]: {
    readonly type: N
    readonly arguments: Arguments<(typeof TRAFFIC)[N]['parameters']>
  }
}[keyof typeof TRAFFIC]

export const TRAFFIC_KIND = form<Traffic>('traffic', TRAFFIC)
