/** What ipvsadm's command line is made of, as data. */

export type CommandName =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'flush'
  | 'list'
  | 'add-server'
  | 'delete-server'
  | 'edit-server'
  | 'set'
  | 'start-daemon'
  | 'stop-daemon'
  | 'restore'
  | 'save'
  | 'zero'
  | 'help'
  | 'version'

/** By the names that ipvsadm's messages use, which are not always those of the flags. */
export type OptionName =
  | 'numeric'
  | 'connection'
  | 'service-address'
  | 'scheduler'
  | 'persistent'
  | 'netmask'
  | 'real-server'
  | 'forwarding-method'
  | 'weight'
  | 'u-threshold'
  | 'l-threshold'
  | 'mcast-interface'
  | 'timeout'
  | 'daemon'
  | 'stats'
  | 'rate'
  | 'thresholds'
  | 'persistent-conn'
  | 'nosort'
  | 'syncid'
  | 'exact'
  | 'ops'
  | 'pe'
  | 'sched-flags'
  | 'mcast-group'
  | 'mcast-port'
  | 'mcast-ttl'
  | 'sync-maxlen'
  | 'tun-info'
  | 'tun-type'
  | 'tun-port'
  | 'tun-nocsum'
  | 'tun-csum'
  | 'tun-remcsum'

/** A word on the command line: a command or an option, whether a value follows, and which of several it is. */
export interface Word {
  readonly short?: string
  readonly long: string
  readonly is: CommandName | OptionName | 'ipv6' | 'sort'
  readonly value: 'none' | 'required' | 'optional'
}

const word = (short: string, long: string, is: Word['is'], value: Word['value'] = 'none'): Word =>
  short === '' ? { long, is, value } : { short, long, is, value }

export const COMMANDS: readonly Word[] = [
  word('A', 'add-service', 'add-service'),
  word('E', 'edit-service', 'edit-service'),
  word('D', 'delete-service', 'delete-service'),
  word('C', 'clear', 'flush'),
  word('L', 'list', 'list'),
  word('l', 'list', 'list'),
  word('Z', 'zero', 'zero'),
  word('a', 'add-server', 'add-server'),
  word('e', 'edit-server', 'edit-server'),
  word('d', 'delete-server', 'delete-server'),
  word('', 'set', 'set'),
  word('', 'start-daemon', 'start-daemon', 'required'),
  word('', 'stop-daemon', 'stop-daemon', 'required'),
  word('R', 'restore', 'restore'),
  word('S', 'save', 'save'),
  word('h', 'help', 'help'),
  word('v', 'version', 'version'),
]

export const OPTIONS: readonly Word[] = [
  word('t', 'tcp-service', 'service-address', 'required'),
  word('u', 'udp-service', 'service-address', 'required'),
  word('', 'sctp-service', 'service-address', 'required'),
  word('f', 'fwmark-service', 'service-address', 'required'),
  word('s', 'scheduler', 'scheduler', 'required'),
  word('b', 'sched-flags', 'sched-flags', 'required'),
  word('p', 'persistent', 'persistent', 'optional'),
  word('M', 'netmask', 'netmask', 'required'),
  word('r', 'real-server', 'real-server', 'required'),
  word('m', 'masquerading', 'forwarding-method'),
  word('i', 'ipip', 'forwarding-method'),
  word('g', 'gatewaying', 'forwarding-method'),
  word('', 'fullnat', 'forwarding-method'), // not ipvsadm's
  word('w', 'weight', 'weight', 'required'),
  word('x', 'u-threshold', 'u-threshold', 'required'),
  word('y', 'l-threshold', 'l-threshold', 'required'),
  word('', 'mcast-interface', 'mcast-interface', 'required'),
  word('', 'mcast-group', 'mcast-group', 'required'),
  word('', 'mcast-port', 'mcast-port', 'required'),
  word('', 'mcast-ttl', 'mcast-ttl', 'required'),
  word('', 'syncid', 'syncid', 'required'),
  word('', 'sync-maxlen', 'sync-maxlen', 'required'),
  word('n', 'numeric', 'numeric'),
  word('c', 'connection', 'connection'),
  word('', 'timeout', 'timeout'),
  word('', 'daemon', 'daemon'),
  word('', 'stats', 'stats'),
  word('', 'rate', 'rate'),
  word('', 'thresholds', 'thresholds'),
  word('', 'persistent-conn', 'persistent-conn'),
  word('', 'nosort', 'nosort'),
  word('', 'sort', 'sort'),
  word('X', 'exact', 'exact'),
  word('6', 'ipv6', 'ipv6'),
  word('o', 'ops', 'ops'),
  word('', 'pe', 'pe', 'required'),
  word('', 'tun-info', 'tun-info'),
  word('', 'tun-type', 'tun-type', 'required'),
  word('', 'tun-port', 'tun-port', 'required'),
  word('', 'tun-nocsum', 'tun-nocsum'),
  word('', 'tun-csum', 'tun-csum'),
  word('', 'tun-remcsum', 'tun-remcsum'),
]

const SERVICE: readonly OptionName[] = ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags']
const TUNNEL: readonly OptionName[] = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum']
const SERVER: readonly OptionName[] = ['forwarding-method', 'weight', 'u-threshold', 'l-threshold', ...TUNNEL]
const SYNC: readonly OptionName[] = [
  'mcast-interface',
  'syncid',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'sync-maxlen',
]

/** Options that a command needs, and those that it may have besides. */
export const ALLOWED: Readonly<
  Record<CommandName, { readonly needs: readonly OptionName[]; readonly may: readonly OptionName[] }>
> = {
  'add-service': { needs: ['service-address'], may: SERVICE },
  'edit-service': { needs: ['service-address'], may: SERVICE },
  'delete-service': { needs: ['service-address'], may: [] },
  flush: { needs: [], may: [] },
  list: {
    needs: [],
    may: [
      'numeric',
      'connection',
      'service-address',
      'timeout',
      'daemon',
      'stats',
      'rate',
      'thresholds',
      'persistent-conn',
      'nosort',
      'syncid',
      'exact',
      'tun-info',
    ],
  },
  'add-server': { needs: ['service-address', 'real-server'], may: SERVER },
  'edit-server': { needs: ['service-address', 'real-server'], may: SERVER },
  'delete-server': { needs: ['service-address', 'real-server'], may: [] },
  set: { needs: [], may: [] },
  'start-daemon': { needs: [], may: SYNC },
  'stop-daemon': { needs: [], may: ['syncid'] },
  restore: { needs: [], may: [] },
  save: { needs: [], may: ['numeric'] },
  zero: { needs: [], may: ['service-address'] },
  help: { needs: [], may: [] },
  version: { needs: [], may: [] },
}

/** Of these, a listing takes one. */
export const LIST_ONE_OF: readonly OptionName[] = ['connection', 'service-address', 'timeout', 'daemon']

/** In the order in which ipvsadm goes through them. */
export const OPTION_ORDER: readonly OptionName[] = [
  'numeric',
  'connection',
  'service-address',
  'scheduler',
  'persistent',
  'netmask',
  'real-server',
  'forwarding-method',
  'weight',
  'u-threshold',
  'l-threshold',
  'mcast-interface',
  'timeout',
  'daemon',
  'stats',
  'rate',
  'thresholds',
  'persistent-conn',
  'nosort',
  'syncid',
  'exact',
  'ops',
  'pe',
  'sched-flags',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'sync-maxlen',
  'tun-info',
  'tun-type',
  'tun-port',
  'tun-nocsum',
  'tun-csum',
  'tun-remcsum',
]

export const SCHEDULER_FLAGS = {
  sh: ['sh-fallback', 'sh-port'],
  mh: ['mh-fallback', 'mh-port'],
} as const
