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

/** What begins with a dash, a command as well: its names, whether a value follows, and what it means. */
export interface Option {
  readonly short?: string
  readonly long: string
  readonly is: CommandName | OptionName | 'ipv6' | 'sort'
  readonly value: 'none' | 'required' | 'optional'
}

const option = (short: string, long: string, is: Option['is'], value: Option['value'] = 'none'): Option =>
  short === '' ? { long, is, value } : { short, long, is, value }

export const COMMANDS: readonly Option[] = [
  option('A', 'add-service', 'add-service'),
  option('E', 'edit-service', 'edit-service'),
  option('D', 'delete-service', 'delete-service'),
  option('C', 'clear', 'flush'),
  option('L', 'list', 'list'),
  option('l', 'list', 'list'),
  option('Z', 'zero', 'zero'),
  option('a', 'add-server', 'add-server'),
  option('e', 'edit-server', 'edit-server'),
  option('d', 'delete-server', 'delete-server'),
  option('', 'set', 'set'),
  option('', 'start-daemon', 'start-daemon', 'required'),
  option('', 'stop-daemon', 'stop-daemon', 'required'),
  option('R', 'restore', 'restore'),
  option('S', 'save', 'save'),
  option('h', 'help', 'help'),
  option('v', 'version', 'version'),
]

export const OPTIONS: readonly Option[] = [
  option('t', 'tcp-service', 'service-address', 'required'),
  option('u', 'udp-service', 'service-address', 'required'),
  option('', 'sctp-service', 'service-address', 'required'),
  option('f', 'fwmark-service', 'service-address', 'required'),
  option('s', 'scheduler', 'scheduler', 'required'),
  option('b', 'sched-flags', 'sched-flags', 'required'),
  option('p', 'persistent', 'persistent', 'optional'),
  option('M', 'netmask', 'netmask', 'required'),
  option('r', 'real-server', 'real-server', 'required'),
  option('m', 'masquerading', 'forwarding-method'),
  option('i', 'ipip', 'forwarding-method'),
  option('g', 'gatewaying', 'forwarding-method'),
  option('', 'fullnat', 'forwarding-method'), // not ipvsadm's
  option('w', 'weight', 'weight', 'required'),
  option('x', 'u-threshold', 'u-threshold', 'required'),
  option('y', 'l-threshold', 'l-threshold', 'required'),
  option('', 'mcast-interface', 'mcast-interface', 'required'),
  option('', 'mcast-group', 'mcast-group', 'required'),
  option('', 'mcast-port', 'mcast-port', 'required'),
  option('', 'mcast-ttl', 'mcast-ttl', 'required'),
  option('', 'syncid', 'syncid', 'required'),
  option('', 'sync-maxlen', 'sync-maxlen', 'required'),
  option('n', 'numeric', 'numeric'),
  option('c', 'connection', 'connection'),
  option('', 'timeout', 'timeout'),
  option('', 'daemon', 'daemon'),
  option('', 'stats', 'stats'),
  option('', 'rate', 'rate'),
  option('', 'thresholds', 'thresholds'),
  option('', 'persistent-conn', 'persistent-conn'),
  option('', 'nosort', 'nosort'),
  option('', 'sort', 'sort'),
  option('X', 'exact', 'exact'),
  option('6', 'ipv6', 'ipv6'),
  option('o', 'ops', 'ops'),
  option('', 'pe', 'pe', 'required'),
  option('', 'tun-info', 'tun-info'),
  option('', 'tun-type', 'tun-type', 'required'),
  option('', 'tun-port', 'tun-port', 'required'),
  option('', 'tun-nocsum', 'tun-nocsum'),
  option('', 'tun-csum', 'tun-csum'),
  option('', 'tun-remcsum', 'tun-remcsum'),
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
