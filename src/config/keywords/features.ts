import type { Feature } from '../schema/status.ts'

/**
 * What Tanist does not do yet, a feature for each thing that an operator would name. A keyword that has no effect yet belongs
 * to one of them (`later`, `detail`). When a feature comes, its keywords lose the mark.
 */

/** Without it somebody else would be master, serve, speak or be told than the configuration says. */
const protection = (name: string, why: string): Feature => ({ name, lack: 'protection', why })
/** Without it the same director is master and the same servers serve. */
const harmless = (name: string, why: string): Feature => ({ name, lack: 'harmless', why })

// Who is master
export const BFD = protection('BFD', 'there are no BFD sessions; nothing follows from one that goes down')
export const STRICT = protection(
  'strict mode',
  'it is not enforced: packets to the virtual addresses are accepted, and adverts are judged as without it',
)
export const UNICAST_FAULT = protection('unicast_fault_no_peer', 'unicast without a peer is no fault')
export const DOWN_TIMER = protection('down_timer_adverts', 'a backup takes over after three missing adverts')
export const OWNER_IGNORES = protection(
  'owner_ignore_adverts',
  'the owner of the addresses still yields to adverts of a higher address',
)
export const TIMER_EXPIRED = protection(
  'timer_expired_backup',
  'a director that could not run for long stays master with `nopreempt`',
)
export const START_DELAY = protection('start delay', 'VRRP begins as soon as the daemon runs')
export const MULTICAST_GROUP = protection(
  'multicast group',
  'instances with a group other than 224.0.0.18 do not run; their virtual addresses are nowhere',
)

// Who may speak
export const SIGNED_ADVERTS = protection(
  'auth_hmac',
  'adverts are not signed: instances with it do not run, and their virtual addresses are nowhere',
)
export const NO_ACCEPT = protection('no_accept', 'packets to the virtual addresses are accepted all the same')
export const PEER_TTL = protection('min_ttl and max_ttl', 'unicast adverts count whatever their TTL is')

// What moves with the role, and what is there at all
export const VIRTUAL_ROUTES = protection('virtual_routes', 'routes do not move with the virtual router')
export const VIRTUAL_RULES = protection('virtual_rules', 'routing rules do not move with the virtual router')
export const STATIC_ADDRESSES = protection('static_ipaddress', 'the addresses are not put on interfaces')
export const STATIC_ROUTES = protection('static_routes', 'the routes are not made')
export const STATIC_RULES = protection('static_rules', 'the routing rules are not made')
export const VIRTUAL_MAC = protection(
  'use_vmac',
  'virtual addresses have the MAC address of the interface; hosts that take no gratuitous ARP go on sending to the old master',
)
export const IPVLAN = protection('use_ipvlan', 'instances with it do not run; their virtual addresses are nowhere')
export const ADDRESS_ROUTE = protection(
  'peer and noprefixroute',
  'a virtual address brings the route of its own prefix, and no other',
)
export const PROMOTE_SECONDARIES = protection(
  'promote_secondaries',
  'other addresses of a prefix may go with the first one',
)
export const IPV6_INSTANCE = protection(
  'IPv6 in vrrp_instance',
  'IPv6 instances do not run; their virtual addresses are nowhere',
)
export const NO_INTERFACE = protection(
  'vrrp_instance without interface',
  'such instances do not run; their virtual addresses are nowhere',
)

// Who serves
export const SERVICE_GROUP = protection(
  'virtual_server group',
  'groups do not run; no server gets what is sent to their addresses',
)
const checker = (name: string): Feature =>
  protection(name, 'this checker does not run; its server counts as up although it fails')
export const SSL_GET = checker('SSL_GET')
export const SMTP_CHECK = checker('SMTP_CHECK')
export const DNS_CHECK = checker('DNS_CHECK')
export const MISC_CHECK = checker('MISC_CHECK')
export const FILE_CHECK = checker('FILE_CHECK')
export const REGEX = protection('regex', 'the body is not checked; a page counts as good whatever it contains')
export const CHECK_SOURCE = protection(
  'source of checks',
  'checks are sent from the address, port and interface that the kernel picks: servers may answer them differently',
)
export const ALPHA = protection('alpha', 'servers count as up, and get clients, before their first check')
export const SORRY_INHIBIT = protection(
  'sorry_server_inhibit',
  'the sorry server is removed when quorum is back, and its connections end',
)
export const LVS_TIMEOUTS = protection(
  'lvs_timeouts',
  'idle connections end after the default time-outs (TCP 900 s, UDP 300 s)',
)
export const SYNC_DAEMON = protection(
  'lvs_sync_daemon',
  'connections are not synchronised with the other director; they break when it takes over',
)

// Harmless
export const LOGGING = harmless('logging', 'the log is the same with and without it')
export const PROCESSES = harmless(
  'priority and memory of processes',
  'the settings of processes are not changed; the vrrp process has real-time priority where that is allowed',
)
export const ANNOUNCEMENTS = harmless(
  'repeated gratuitous ARPs',
  'gratuitous ARPs are sent when an instance becomes master, after `garp_master_delay`, and when it hears another master',
)
export const ANSWERS = harmless('answers to adverts', 'adverts of other priorities are answered as RFC 9568 says')
export const ADDRESS_LABELS = harmless(
  'options of addresses',
  'virtual addresses have no label, and the scope, broadcast address and lifetime that the kernel gives them',
)
export const UNICAST_TTL = harmless('unicast_ttl', 'unicast adverts have TTL 255')
export const RECEIVE_BUFFERS = harmless('receive buffers of adverts', 'they have the size that the kernel gives them')
export const IGMP = harmless('disable_local_igmp', 'the kernel reports its multicast groups as always')
export const LATE_INTERFACES = harmless(
  'dynamic_interfaces',
  'interfaces may come and go in any case: an instance without its interface is at fault until it is there',
)
export const HTTP_DETAILS = harmless('details of HTTP checks', 'requests are HTTP/1.1, one after another')
export const SUSPEND = harmless('ha_suspend', 'servers are checked on the backup, too')
export const RELOAD_FILES = harmless('reload by file', '`tanist reload` or SIGHUP reloads')
export const FLUSH_ON_STOP = harmless(
  'lvs_flush_on_stop',
  'the core goes on for a while after a stop, so that a restart loses nothing; `tanistd --grace 0` removes it with the stop',
)
export const NAMES = harmless('instance', '--name tells directors apart')
export const STOP_TIME = harmless('child_wait_time', 'the processes have 5 s to leave in order')
