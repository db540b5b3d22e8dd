import type { Entries } from '../schema/entry.ts'
import { alias, flag, inert, later, setting, wordLines } from '../schema/kinds.ts'
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
  inSeconds,
  truthOrNothing,
  word,
} from '../schema/values.ts'
import { NETFILTER } from './reasons.ts'
import { garpExtraInterface } from './garp.ts'
import { leaseTime } from './lease-time.ts'
import { named } from './named.ts'
import { inertDefs } from './global-inert.ts'
import { processDefs } from './global-processes.ts'
import { mailDefs } from './mail.ts'
import { RELOAD_FILES, SYNC_DAEMON } from './features.ts'

const repeats = integer(0, 255)
const day = 86_400

/** `FIFO [user [group]]` */
const fifo = fields({ path: word('<path>'), user: optional(word('<user>')), group: optional(word('<group>')) })

const lvsTimeout = integer(0, 2_678_400)

const syncDaemonOptions = options({
  inst: option(word('<instance>'), 'VRRP instance whose state it follows.'),
  id: option(integer(0, 255), 'Synchronisation ID.'),
  maxlen: option(integer(1, 65_507), 'Largest packet, in bytes.'),
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

const includeCheckWord = one({
  text: '[+|-]read|match|wildcard_match|brace_match',
  expected: 'one of read, match, wildcard_match, brace_match',
  words: ['read', 'match', 'wildcard_match', 'brace_match'],
  read: (text) => (/^[+-]?(read|readable|match|wildcard_match|brace_match)$/.test(text) ? text : undefined),
})

const extraInterface = setting(garpExtraInterface(1), 'Default of `garp_extra_if`.')
const flushOnStop = setting(
  flagWith('VS'),
  "Removes all virtual servers when the daemon stops, with `VS` the configuration's alone; without this the core goes on for a while.",
)

export const globalDefs = {
  router_id: setting(word('<name>'), 'Name of this director in logs, status and mails.'),
  vrrp_version: setting(choice('2', '3'), 'VRRP version of instances without `version`.', '2'),

  ...processDefs,

  // Mail
  expire_nodest_conn: flag(
    "Connections end as soon as their real server is removed (IPVS's sysctl); otherwise their packets are dropped until the server is back.",
  ),
  expire_quiescent_template: flag("Persistence does not keep clients at a real server of weight 0 (IPVS's sysctl)."),
  nat_icmp_send: flag(
    "What a real server sends by NAT from its port to another host, and is no connection's, is dropped, and the server told by ICMP (IPVS's sysctl).",
  ),
  forward_interfaces: wordLines(
    named('<interface>'),
    "Interfaces that the forwarding program is attached to; default: all Ethernet interfaces, and lo for the director's own clients.",
  ),
  xdp_interfaces: wordLines(
    named('<interface>'),
    'Interfaces on which packets of known connections take the fast path in the driver (XDP).',
  ),
  ...mailDefs,

  // Scripts
  script_user: setting(user, 'Default user and group of scripts.'),
  enable_script_security: flag('Does not run a script as root if others may write to any part of its path.'),
  use_symlink_paths: inert(
    'programs are always called by the name that is written; what symbolic links lead to is checked all the same',
    setting(truthOrNothing, 'Does not resolve symbolic links in the paths of scripts.'),
  ),
  set_supplementary_groups: flag('Scripts run with the supplementary groups of their user.'),
  startup_script: setting(script, 'Runs once before anything starts.'),
  startup_script_timeout: setting(inSeconds(1, 1000), 'Time limit of `startup_script`, in seconds; default 10.'),
  shutdown_script: setting(script, 'Runs once after everything has stopped.'),
  shutdown_script_timeout: setting(inSeconds(1, 1000), 'Time limit of `shutdown_script`, in seconds; default 10.'),
  notify_fifo: setting(fifo, 'Named pipe for all events.'),
  notify_fifo_script: setting(script, 'Script that reads `notify_fifo`; its last argument is the path of the pipe.'),
  vrrp_notify_fifo: setting(fifo, 'Named pipe for the events of VRRP.'),
  vrrp_notify_fifo_script: setting(script, 'Script that reads `vrrp_notify_fifo`.'),
  vrrp_notify_priority_changes: setting(truthOrNothing, 'Default of `notify_priority_changes`.'),
  fifo_write_vrrp_states_on_reload: flag('Writes the state of every instance to the pipes after a reload.'),
  lvs_notify_fifo: setting(fifo, 'Named pipe for the events of virtual and real servers.'),
  lvs_notify_fifo_script: setting(script, 'Script that reads `lvs_notify_fifo`.'),
  rs_init_notifies: setting(truthOrNothing, 'Runs `notify_up` for the real servers that are up at the start.'),
  checker_log_all_failures: setting(truthOrNothing, 'Logs every failed check, not only changes of state.'),

  // Interfaces and addresses
  dynamic_interfaces: setting(
    flagWith('allow_if_changes'),
    'Interfaces may be missing at the start and be created later. `tanistd -t --host` does not mind them then; they may in any case.',
  ),
  default_interface: setting(
    interfaceName,
    'Interface of virtual addresses that name none, of instances without one, and of static addresses; default eth0.',
  ),
  disable_local_igmp: inert(
    'it is a setting of the whole host: `sysctl net.ipv4.igmp_link_local_mcast_reports=0`',
    flag('Has the kernel send no IGMP reports for link-local multicast groups.'),
  ),
  vmac_prefix: setting(word('<prefix>'), 'Prefix of the names of virtual MAC interfaces.'),
  vmac_addr_prefix: setting(word('<prefix>'), 'Prefix of the names of virtual MAC interfaces for single addresses.'),

  // VRRP defaults
  vrrp_mcast_group4: setting(multicastAddress, 'Multicast group of IPv4 adverts; default 224.0.0.18.'),
  vrrp_mcast_group6: setting(multicastAddress, 'Multicast group of IPv6 adverts; default ff02::12.'),
  vip_lease: setting(leaseTime, "Default of `vip_lease` of instances (a keyword of Tanist's own), in seconds."),
  vrrp_garp_master_delay: setting(inSeconds(0, day), 'Default of `garp_master_delay`.'),
  vrrp_garp_master_repeat: setting(repeats, 'Default of `garp_master_repeat`.'),
  vrrp_garp_master_refresh: setting(inSeconds(0, day), 'Default of `garp_master_refresh`.'),
  vrrp_garp_master_refresh_repeat: setting(repeats, 'Default of `garp_master_refresh_repeat`.'),
  vrrp_garp_lower_prio_delay: setting(inSeconds(0, day), 'Default of `garp_lower_prio_delay`.'),
  vrrp_garp_lower_prio_repeat: setting(repeats, 'Default of `garp_lower_prio_repeat`.'),
  vrrp_garp_interval: setting(inSeconds(0, 3600), 'Interval between two gratuitous ARPs on an interface, in seconds.'),
  vrrp_gna_interval: setting(
    inSeconds(0, 3600),
    'Interval between two unsolicited neighbour advertisements on an interface, in seconds.',
  ),
  vrrp_min_garp: setting(truthOrNothing, 'Sends one gratuitous ARP for each address, and no second block.'),
  vrrp_garp_extra_if: extraInterface,
  vrrp_vmac_garp_intvl: alias('vrrp_garp_extra_if', extraInterface),
  vrrp_down_timer_adverts: setting(integer(1, 100), 'Default of `down_timer_adverts`.'),
  vrrp_lower_prio_no_advert: setting(truthOrNothing, 'Default of `lower_prio_no_advert`.'),
  vrrp_higher_prio_send_advert: setting(truthOrNothing, 'Default of `higher_prio_send_advert`.'),
  vrrp_owner_ignore_adverts: setting(truthOrNothing, 'Default of `owner_ignore_adverts`.'),
  vrrp_check_unicast_src: flag('Accepts unicast adverts only from configured peers; Tanist always does.'),
  vrrp_skip_check_adv_addr: setting(truthOrNothing, 'Default of `skip_check_adv_addr`.'),
  v3_checksum_as_v2: setting(truthOrNothing, 'Default of `v3_checksum_as_v2` in instances.'),
  vrrp_strict: flag('`strict_mode` of all instances.'),
  vrrp_startup_delay: setting(
    inSeconds(0.001, 2 ** 31 / 1000),
    'Delay between the start of the daemon and of VRRP, in seconds.',
  ),
  vrrp_delay_after_boot: setting(
    inSeconds(0.001, 2 ** 31 / 1000),
    'Earliest start of VRRP after the boot of the host, in seconds.',
  ),
  log_unknown_vrids: flag('Logs adverts of virtual routers that are not configured.'),
  vrrp_rx_bufs_policy: setting(
    one({
      text: 'MTU|ADVERT|<bytes>',
      expected: 'MTU, ADVERT or a number of bytes',
      read: (text) => (/^(MTU|ADVERT|\d{1,9})$/.test(text) ? text : undefined),
    }),
    'Room in the receive buffer for the adverts of an instance: packets of this size, or bytes. A socket has 1 MiB at least.',
  ),
  vrrp_rx_bufs_multiplier: setting(
    integer(1, 2 ** 31 - 1),
    'Number of packets of that size that there is room for; default 3.',
  ),

  // Packet filter
  vrrp_iptables: inert(
    NETFILTER,
    setting(
      fields({ input: optional(word('<chain>')), output: optional(word('<chain>')) }),
      'Uses iptables for `no_accept`, in these chains.',
    ),
  ),
  vrrp_ipsets: inert(NETFILTER, setting(maybe(many(word('<set>'))), 'Names of the ipsets for `no_accept`.')),
  nftables: inert(NETFILTER, setting(maybe(word('<table>')), 'Uses nftables for `no_accept`, in this table.')),
  nftables_priority: inert(NETFILTER, setting(integer(-(2 ** 31), 2 ** 31 - 1), 'Priority of the nftables chains.')),
  nftables_ifindex: inert(NETFILTER, flag('The nftables sets hold indexes of interfaces instead of names.')),
  nftables_counters: inert(NETFILTER, flag('The nftables rules have counters.')),
  nftables_ipvs: inert(
    NETFILTER,
    setting(maybe(word('<table>')), 'Uses nftables, in this table, to make a virtual server group one firewall mark.'),
  ),
  nftables_ipvs_priority: inert(
    NETFILTER,
    setting(integer(-(2 ** 31), 2 ** 31 - 1), 'Priority of the chains of `nftables_ipvs`.'),
  ),
  nftables_ipvs_start_fwmark: inert(
    NETFILTER,
    setting(integer(1, 2 ** 32 - 1), 'First firewall mark of `nftables_ipvs`.'),
  ),

  // Forwarding
  lvs_timeouts: setting(
    options({
      tcp: option(lvsTimeout, 'Of established TCP connections, in seconds.'),
      tcpfin: option(lvsTimeout, 'Of TCP connections after a FIN, in seconds.'),
      udp: option(lvsTimeout, 'Of UDP, in seconds.'),
    }),
    'Time-outs of idle connections.',
  ),
  lvs_flush: inert(
    'the core is taken over with its connections; only virtual servers that are no longer configured are removed',
    flag('Removes all virtual servers when the daemon starts.'),
  ),
  lvs_flush_on_stop: flushOnStop,
  lvs_flush_onstop: alias('lvs_flush_on_stop', flushOnStop),
  lvs_sync_daemon: later(SYNC_DAEMON, setting(syncDaemon, 'Synchronises connections with the other director.')),

  ...inertDefs,

  // Reading the configuration
  random_seed: inert(
    'each time the file is read, other random numbers are used',
    setting(integer(0, 2 ** 32 - 1), 'Seed of `${_RANDOM}`.'),
  ),
  include_check: setting(maybe(many(includeCheckWord)), 'How strictly includes are checked from here on.'),
  reload_check_config: inert(
    'a file with errors never takes effect',
    setting(maybe(path), 'A reload checks the file first.'),
  ),
  reload_time_file: later(RELOAD_FILES, setting(path, 'File that holds the time of the next reload.')),
  reload_repeat: later(RELOAD_FILES, flag('Keeps `reload_time_file`, so that the reload is repeated.')),
  reload_file: later(RELOAD_FILES, setting(maybe(path), 'File that is removed when the configuration has been read.')),
  config_save_dir: inert(
    'the last good configuration is kept in memory',
    setting(path, 'Directory that configurations are saved in at a reload.'),
  ),
  tmp_config_directory: inert(
    'there is no private copy of the configuration',
    setting(path, 'Directory for the private copy of the configuration.'),
  ),
  data_use_instance: setting(
    truthOrNothing,
    'Names of dump files contain the network namespace and the name of `instance`.',
  ),
  json_version: setting(
    choice('1', '2'),
    'Version of the format of the JSON dump: an array of instances, or an object.',
  ),
  state_dump_file: setting(path, 'File that SIGUSR1 writes the state to, or a folder with a `/` at its end.'),
  stats_dump_file: setting(path, 'File that SIGUSR2 writes the counters to, or a folder with a `/` at its end.'),
  json_dump_file: setting(path, 'File that the JSON signal writes the state to, or a folder with a `/` at its end.'),
  iproute_usr_dir: setting(path, "Directory of the distribution's iproute2 settings, such as names of routing tables."),
  iproute_etc_dir: setting(path, "Directory of the administrator's iproute2 settings."),
} as const satisfies Entries
