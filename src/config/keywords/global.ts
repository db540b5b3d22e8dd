import { millis } from '../../time.ts'
import { parseAddress } from '../../net/address.ts'
import type { Entries } from '../schema/entry.ts'
import { alias, detail, flag, inert, later, setting, wordLines } from '../schema/kinds.ts'
import { path, script, user } from '../schema/script.ts'
import {
  fields,
  invalid,
  many,
  maybe,
  one,
  option,
  optional,
  options,
  type OptionValues,
  type Syntax,
} from '../schema/syntax.ts'
import {
  choice,
  flagWith,
  integer,
  interfaceName,
  multicastAddress,
  port,
  seconds,
  truthOrNothing,
  word,
} from '../schema/values.ts'
import { DBUS, NETFILTER, NO_NETLINK_BUFFERS, SNMP } from './reasons.ts'
import { garpExtraInterface } from './garp.ts'
import { named } from './named.ts'
import { processDefs } from './global-processes.ts'
import {
  ANNOUNCEMENTS,
  ANSWERS,
  DAEMON_SCRIPTS,
  DOWN_TIMER,
  FLUSH_ON_STOP,
  IGMP,
  IPV6_INSTANCE,
  LATE_INTERFACES,
  LOGGING,
  LVS_TIMEOUTS,
  MAIL,
  MULTICAST_GROUP,
  NOTIFY,
  NOTIFY_FIFO,
  OWNER_IGNORES,
  RECEIVE_BUFFERS,
  RELOAD_FILES,
  SERVER_SCRIPTS,
  START_DELAY,
  STATIC_ADDRESSES,
  STRICT,
  SYNC_DAEMON,
  VIRTUAL_MAC,
  VIRTUAL_ROUTES,
} from './features.ts'

const bytes = integer(0, 2 ** 31 - 1)
const repeats = integer(0, 255)
const day = 86_400

/** `FIFO [user [group]]` */
const fifo = fields({ path: word('<path>'), user: optional(word('<user>')), group: optional(word('<group>')) })

const lvsTimeout = integer(0, 2_678_400)

const syncDaemonOptions = options({
  inst: option(word('<instance>'), 'Follows the state of this instance.'),
  id: option(integer(0, 255), 'Identifier of the synchronisation.'),
  maxlen: option(integer(1, 65_507), 'Longest packet.'),
  port: option(port, 'UDP port.'),
  ttl: option(integer(1, 255), 'TTL of the packets.'),
  group: option(multicastAddress, 'Multicast group.'),
})

/** The instance may follow the interface without `inst` before it. */
const syncDaemon: Syntax<{ readonly interface: string } & OptionValues<typeof syncDaemonOptions.options>> = {
  ...syncDaemonOptions,
  text: `<interface> ${syncDaemonOptions.text}`,
  parse(words) {
    const device = interfaceName.parse(words)
    if (device === invalid) return invalid
    const next = words.peek()
    const bare = next !== undefined && !Object.hasOwn(syncDaemonOptions.options, next.text)
    if (bare) words.take()
    const rest = syncDaemonOptions.parse(words)
    return rest === invalid ? invalid : { interface: device, ...(bare ? { inst: next.text } : {}), ...rest }
  },
  print: (value) => `${value.interface} ${syncDaemonOptions.print(value)}`,
}

/** A name, or an address; what looks like an address must be one. */
const hostName = one({
  text: '<host>',
  expected: 'a host name or an IP address',
  read: (text) => (/^[\d.]+$|:/.test(text) && parseAddress(text) === undefined ? undefined : text),
})

const includeCheckWord = one({
  text: '[+|-]read|match|wildcard_match|brace_match',
  expected: 'one of read, match, wildcard_match, brace_match',
  words: ['read', 'match', 'wildcard_match', 'brace_match'],
  read: (text) => (/^[+-]?(read|readable|match|wildcard_match|brace_match)$/.test(text) ? text : undefined),
})

const extraInterface = later(
  ANNOUNCEMENTS,
  setting(garpExtraInterface(1), 'Gratuitous ARPs on the other interfaces of virtual addresses.'),
)
const flushOnStop = later(FLUSH_ON_STOP, setting(flagWith('VS'), 'Removes all services at once at the end.'))

export const globalDefs = {
  router_id: setting(word('<name>'), 'Name of this director in logs, status and mails.'),
  vrrp_version: setting(choice('2', '3'), 'VRRP version of instances without `version`.', '2'),

  ...processDefs,

  // Mail
  expire_nodest_conn: flag(
    "A connection whose server is removed is over at once (IPVS's sysctl); else its packets are dropped until the server is back.",
  ),
  expire_quiescent_template: flag(
    "A client that persistence keeps at a server of weight 0 gets another one (IPVS's sysctl).",
  ),
  forward_interfaces: wordLines(
    named('<interface>'),
    'Interfaces whose packets the core looks at; all Ethernet ones and lo (for what the director itself asks) unless said.',
  ),
  xdp_interfaces: wordLines(
    named('<interface>'),
    'Interfaces on which known connections take the short way in the driver (XDP).',
  ),
  notification_email: later(MAIL, wordLines(named('<address>'), 'Who gets mails.')),
  notification_email_from: later(MAIL, setting(word('<address>'), 'Sender of mails.')),
  smtp_server: later(
    MAIL,
    setting(fields({ host: hostName, port: optional(port, 25) }), 'Where mails are delivered; port 25 unless said.'),
  ),
  smtp_helo_name: later(MAIL, setting(word('<name>'), 'Name that is said to the mail server.')),
  smtp_connect_timeout: later(MAIL, setting(seconds(0, 3600), 'Deadline of a mail.')),
  smtp_alert: later(MAIL, setting(truthOrNothing, 'Whether events are mailed that do not say it themselves.')),
  smtp_alert_vrrp: later(MAIL, setting(truthOrNothing, 'The same for VRRP alone.')),
  smtp_alert_checker: later(MAIL, setting(truthOrNothing, 'The same for checkers alone.')),
  no_email_faults: later(MAIL, flag('No mail about faults.')),
  no_checker_emails: later(
    MAIL,
    setting(truthOrNothing, 'Mails when a real server comes or goes, not for each of its checkers.'),
  ),

  // Scripts
  script_user: detail(NOTIFY, setting(user, 'Who runs scripts that do not say it.')),
  enable_script_security: detail(NOTIFY, flag('No script runs as root when others may write to its path.')),
  use_symlink_paths: detail(
    NOTIFY,
    setting(truthOrNothing, 'Symbolic links in the paths of scripts stay as they are.'),
  ),
  set_supplementary_groups: detail(NOTIFY, flag('Scripts get all groups of their user.')),
  startup_script: later(DAEMON_SCRIPTS, setting(script, 'Runs once before anything starts.')),
  startup_script_timeout: detail(DAEMON_SCRIPTS, setting(seconds(1, 1000), 'How long it may run; 10 unless said.')),
  shutdown_script: later(DAEMON_SCRIPTS, setting(script, 'Runs once after everything has stopped.')),
  shutdown_script_timeout: detail(DAEMON_SCRIPTS, setting(seconds(1, 1000), 'How long it may run; 10 unless said.')),
  notify_fifo: later(NOTIFY_FIFO, setting(fifo, 'Named pipe for all events.')),
  notify_fifo_script: later(NOTIFY_FIFO, setting(script, 'Reads that pipe; gets its path as last argument.')),
  vrrp_notify_fifo: later(NOTIFY_FIFO, setting(fifo, 'Named pipe for the events of VRRP.')),
  vrrp_notify_fifo_script: later(NOTIFY_FIFO, setting(script, 'Reads that pipe.')),
  vrrp_notify_priority_changes: detail(NOTIFY, setting(truthOrNothing, 'Changes of priority are events, too.')),
  fifo_write_vrrp_states_on_reload: detail(NOTIFY_FIFO, flag('Every state is written to the pipes after a reload.')),
  lvs_notify_fifo: later(NOTIFY_FIFO, setting(fifo, 'Named pipe for the events of virtual and real servers.')),
  lvs_notify_fifo_script: later(NOTIFY_FIFO, setting(script, 'Reads that pipe.')),
  rs_init_notifies: detail(
    SERVER_SCRIPTS,
    setting(truthOrNothing, 'Runs `notify_up` for the real servers that are up at the start.'),
  ),
  checker_log_all_failures: later(LOGGING, setting(truthOrNothing, 'Every failed check is logged, not only changes.')),

  // Interfaces and addresses
  dynamic_interfaces: later(
    LATE_INTERFACES,
    setting(flagWith('allow_if_changes'), 'Interfaces may be missing at the start and come later.'),
  ),
  default_interface: detail(STATIC_ADDRESSES, setting(interfaceName, 'Interface of addresses that name none.')),
  disable_local_igmp: later(IGMP, flag('The kernel reports no link-local multicast groups.')),
  vmac_prefix: detail(
    VIRTUAL_MAC,
    setting(word('<prefix>'), 'Names of the interfaces for virtual MAC addresses begin with it.'),
  ),
  vmac_addr_prefix: detail(
    VIRTUAL_MAC,
    setting(word('<prefix>'), 'The same for virtual MAC addresses of single addresses.'),
  ),

  // VRRP defaults
  vrrp_mcast_group4: detail(
    MULTICAST_GROUP,
    setting(multicastAddress, 'Multicast group of IPv4 adverts; 224.0.0.18 unless said.'),
  ),
  vrrp_mcast_group6: detail(
    IPV6_INSTANCE,
    setting(multicastAddress, 'Multicast group of IPv6 adverts; ff02::12 unless said.'),
  ),
  vrrp_garp_master_delay: setting(seconds(0, day), 'Default of `garp_master_delay`.'),
  vrrp_garp_master_repeat: setting(repeats, 'Default of `garp_master_repeat`.'),
  vrrp_garp_master_refresh: later(
    ANNOUNCEMENTS,
    setting(seconds(0, day), 'Default of `garp_master_refresh`.'),
    millis(0),
  ),
  vrrp_garp_master_refresh_repeat: later(ANNOUNCEMENTS, setting(repeats, 'Default of `garp_master_refresh_repeat`.')),
  vrrp_garp_lower_prio_delay: later(ANNOUNCEMENTS, setting(seconds(0, day), 'Default of `garp_lower_prio_delay`.')),
  vrrp_garp_lower_prio_repeat: later(ANNOUNCEMENTS, setting(repeats, 'Default of `garp_lower_prio_repeat`.')),
  vrrp_garp_interval: later(
    ANNOUNCEMENTS,
    setting(seconds(0, 3600), 'Pause between two gratuitous ARPs on an interface.'),
    millis(0),
  ),
  vrrp_gna_interval: later(
    ANNOUNCEMENTS,
    setting(seconds(0, 3600), 'Pause between two unsolicited neighbour advertisements.'),
    millis(0),
  ),
  vrrp_min_garp: later(
    ANNOUNCEMENTS,
    setting(truthOrNothing, 'One gratuitous ARP for an address, and no second block.'),
  ),
  vrrp_garp_extra_if: extraInterface,
  vrrp_vmac_garp_intvl: alias('vrrp_garp_extra_if', extraInterface),
  vrrp_down_timer_adverts: later(DOWN_TIMER, setting(integer(1, 100), 'Default of `down_timer_adverts`.'), 3),
  vrrp_lower_prio_no_advert: later(ANSWERS, setting(truthOrNothing, 'Default of `lower_prio_no_advert`.')),
  vrrp_higher_prio_send_advert: later(ANSWERS, setting(truthOrNothing, 'Default of `higher_prio_send_advert`.')),
  vrrp_owner_ignore_adverts: later(
    OWNER_IGNORES,
    setting(truthOrNothing, 'The owner of the addresses ignores adverts of others.'),
  ),
  vrrp_check_unicast_src: flag('Unicast adverts count only from configured peers; always so here.'),
  vrrp_skip_check_adv_addr: inert(
    'the address list of an advert never decides whether it counts',
    setting(truthOrNothing, 'Compares no address list while the master is the same.'),
  ),
  v3_checksum_as_v2: inert(
    'both checksums of version 3 are understood, and RFC 9568 says which one is sent',
    setting(truthOrNothing, 'IPv4 adverts of version 3 have a checksum without pseudo header.'),
  ),
  vrrp_strict: later(STRICT, flag('Holds every instance to the letter of the RFC.')),
  vrrp_startup_delay: later(
    START_DELAY,
    setting(seconds(0.001, 2 ** 31 / 1000), 'VRRP begins this long after the daemon.'),
  ),
  vrrp_delay_after_boot: later(
    START_DELAY,
    setting(seconds(0.001, 2 ** 31 / 1000), 'VRRP begins no earlier than this after the boot.'),
  ),
  log_unknown_vrids: later(LOGGING, flag('Logs adverts of virtual routers that are not configured.')),
  vrrp_rx_bufs_policy: later(
    RECEIVE_BUFFERS,
    setting(
      one({
        text: 'MTU|ADVERT|<bytes>',
        expected: 'MTU, ADVERT or a number of bytes',
        read: (text) => (/^(MTU|ADVERT|\d{1,9})$/.test(text) ? text : undefined),
      }),
      'Receive buffer of adverts.',
    ),
  ),
  vrrp_rx_bufs_multiplier: later(RECEIVE_BUFFERS, setting(integer(1, 2 ** 31 - 1), 'How many of those it holds.')),

  // Packet filter
  vrrp_iptables: inert(
    NETFILTER,
    setting(
      fields({ input: optional(word('<chain>')), output: optional(word('<chain>')) }),
      'Uses iptables for `no_accept`, in these chains.',
    ),
  ),
  vrrp_ipsets: inert(NETFILTER, setting(maybe(many(word('<set>'))), 'Names of the sets for it.')),
  nftables: inert(NETFILTER, setting(maybe(word('<table>')), 'Uses nftables for `no_accept`, in this table.')),
  nftables_priority: inert(NETFILTER, setting(integer(-(2 ** 31), 2 ** 31 - 1), 'Priority of its chains.')),
  nftables_ifindex: inert(NETFILTER, flag('Its sets hold the numbers of interfaces.')),
  nftables_counters: inert(NETFILTER, flag('Its rules have counters.')),
  nftables_ipvs: inert(NETFILTER, setting(maybe(word('<table>')), 'A group of virtual servers becomes one mark.')),
  nftables_ipvs_priority: inert(NETFILTER, setting(integer(-(2 ** 31), 2 ** 31 - 1), 'Priority of its chains.')),
  nftables_ipvs_start_fwmark: inert(NETFILTER, setting(integer(1, 2 ** 32 - 1), 'The first of those marks.')),

  // Forwarding
  lvs_timeouts: later(
    LVS_TIMEOUTS,
    setting(
      options({
        tcp: option(lvsTimeout, 'Of established TCP connections, in seconds.'),
        tcpfin: option(lvsTimeout, 'Of TCP connections after a FIN.'),
        udp: option(lvsTimeout, 'Of UDP.'),
      }),
      'How long silent connections are kept.',
    ),
  ),
  lvs_flush: inert(
    'the core is taken over: what it has stays, but for services of an earlier configuration',
    flag('Removes all services at the start.'),
  ),
  lvs_flush_on_stop: flushOnStop,
  lvs_flush_onstop: alias('lvs_flush_on_stop', flushOnStop),
  lvs_sync_daemon: later(SYNC_DAEMON, setting(syncDaemon, 'Tells the other director of connections.')),

  // SNMP and D-Bus
  snmp_socket: inert(SNMP, setting(word('<socket>'), 'Where the SNMP master agent listens.')),
  enable_traps: inert(SNMP, flag('Sends traps.')),
  enable_snmp_vrrp: inert(SNMP, flag('Shows VRRP.')),
  enable_snmp_keepalived: alias('enable_snmp_vrrp', inert(SNMP, flag(''))),
  enable_snmp_rfc: inert(SNMP, flag('Shows VRRP as RFC 2787 and RFC 6527 have it.')),
  enable_snmp_rfcv2: inert(SNMP, flag('Shows VRRP as RFC 2787 has it.')),
  enable_snmp_rfcv3: inert(SNMP, flag('Shows VRRP as RFC 6527 has it.')),
  enable_snmp_checker: inert(SNMP, flag('Shows virtual and real servers.')),
  snmp_vs_stats_update_interval: inert(
    SNMP,
    setting(seconds(0.001, 30), 'How old its figures of virtual servers may be.'),
  ),
  snmp_rs_stats_update_interval: inert(
    SNMP,
    setting(seconds(0.001, 30), 'How old its figures of real servers may be.'),
  ),
  enable_dbus: inert(DBUS, flag('Serves D-Bus.')),
  dbus_service_name: inert(DBUS, setting(word('<name>'), 'Name of the service.')),
  dbus_no_interface_name: inert(
    DBUS,
    setting(word('<name>'), 'Stands for an interface that an instance does not have.'),
  ),

  // Kernel buffers
  vrrp_netlink_cmd_rcv_bufs: inert(NO_NETLINK_BUFFERS, setting(bytes, 'Receive buffer of VRRP commands.')),
  vrrp_netlink_cmd_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Beyond the limit of the system.'),
  ),
  vrrp_netlink_monitor_rcv_bufs: inert(NO_NETLINK_BUFFERS, setting(bytes, 'Receive buffer of VRRP events.')),
  vrrp_netlink_monitor_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Beyond the limit of the system.'),
  ),
  process_monitor_rcv_bufs: inert(NO_NETLINK_BUFFERS, setting(bytes, 'Receive buffer of process events.')),
  process_monitor_rcv_bufs_force: inert(NO_NETLINK_BUFFERS, setting(truthOrNothing, 'Beyond the limit of the system.')),
  lvs_netlink_cmd_rcv_bufs: inert(NO_NETLINK_BUFFERS, setting(bytes, 'Receive buffer of checker commands.')),
  lvs_netlink_cmd_rcv_bufs_force: inert(NO_NETLINK_BUFFERS, setting(truthOrNothing, 'Beyond the limit of the system.')),
  lvs_netlink_monitor_rcv_bufs: inert(NO_NETLINK_BUFFERS, setting(bytes, 'Receive buffer of checker events.')),
  lvs_netlink_monitor_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Beyond the limit of the system.'),
  ),

  // Reading the configuration
  random_seed: inert('every read of the file draws anew', setting(integer(0, 2 ** 32 - 1), 'Seed of `${_RANDOM}`.')),
  include_check: setting(maybe(many(includeCheckWord)), 'What must hold for files that are included from here on.'),
  reload_check_config: inert(
    'a faulty file is never taken over',
    setting(maybe(path), 'A reload checks the file first.'),
  ),
  reload_time_file: later(RELOAD_FILES, setting(path, 'A file that names the time of the next reload.')),
  reload_repeat: later(RELOAD_FILES, flag('That file stays, for every day.')),
  reload_file: later(
    RELOAD_FILES,
    setting(maybe(path), 'A file that is removed once the configuration has been read.'),
  ),
  config_save_dir: inert(
    'the last good configuration is kept in memory',
    setting(path, 'Keeps configurations around a reload.'),
  ),
  tmp_config_directory: inert(
    'there is no private copy of the configuration',
    setting(path, 'Holds the private copy of the configuration.'),
  ),
  data_use_instance: inert(
    'there are no dump files: see `tanist status`',
    setting(truthOrNothing, 'Names of dump files hold the instance.'),
  ),
  json_version: inert(
    'there are no dump files: see `tanist status --json`',
    setting(choice('1', '2'), 'Form of the JSON dump.'),
  ),
  state_dump_file: inert('there are no dump files: see `tanist status`', setting(path, 'Where the state is dumped.')),
  stats_dump_file: inert(
    'there are no dump files: see `tanist status`',
    setting(path, 'Where the statistics are dumped.'),
  ),
  json_dump_file: inert(
    'there are no dump files: see `tanist status --json`',
    setting(path, 'Where the JSON is dumped.'),
  ),
  iproute_usr_dir: detail(VIRTUAL_ROUTES, setting(path, 'Names of routing tables, as the distribution has them.')),
  iproute_etc_dir: detail(VIRTUAL_ROUTES, setting(path, 'Names of routing tables, as the administrator has them.')),
} as const satisfies Entries
