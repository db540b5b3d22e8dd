import { replaceWord } from '../fix.ts'
import type { Entries } from '../schema/entry.ts'
import { alias, flag, inert, inherited, later, lines, opposite, section, setting, several } from '../schema/kinds.ts'
import { script } from '../schema/script.ts'
import { fields, invalid, many, maybe, option, type Syntax, withOptions } from '../schema/syntax.ts'
import {
  choice,
  flagWith,
  integer,
  interfaceName,
  multicastAddress,
  inSeconds,
  truthOrNothing,
  unicastAddress,
  word,
} from '../schema/values.ts'
import { secret } from '../schema/secret.ts'
import { virtualAddress } from './address-line.ts'
import { garpExtraInterface } from './garp.ts'
import { hmacKey } from './hmac-key.ts'
import { leaseTime } from './lease-time.ts'
import { LINKBEAT, NO_IPVLAN } from './reasons.ts'
import { virtualRoute } from './route-line.ts'
import { virtualRule } from './rule-line.ts'
import { tracked, trackedFile, trackedProcess } from './tracking.ts'
import { SYNC_DAEMON } from './features.ts'

const DAY = 86_400
const repeats = integer(0, 255)

const authentication = {
  auth_type: setting(
    choice('PASS', 'AH'),
    'VRRPv2 authentication. PASS is clear text: no protection against anybody on the link.',
  ),
  auth_pass: setting(secret('<password>'), 'The password; its first 8 characters count.'),
} as const satisfies Entries

const authHmac = {
  key: several(hmacKey, 'A key of 32 to 64 bytes, by its number. Adverts signed with any of them are accepted.'),
  active_key: setting(integer(1, 255), 'Number of the key that signs the adverts sent; default: the first one.'),
  time_window: setting(
    integer(1, 300),
    'How old an advert may be when it arrives, and how far the clocks of the directors apart, in seconds; default: three times `advert_int`, at least 5.',
  ),
  anti_replay: setting(
    choice('time', 'monotonic'),
    'How replayed adverts are recognised: by their time and order, or by their order alone, whatever the clocks are.',
    'time',
  ),
  mode: setting(
    choice('enforce', 'permissive', 'receive-only'),
    'Whether adverts without a valid signature are dropped; `receive-only` does not sign, either.',
    'enforce',
  ),
} as const satisfies Entries

/** A director that adverts are sent to, and the TTLs that its own may arrive with. */
const peer = withOptions(fields({ address: unicastAddress }), {
  min_ttl: option(integer(0, 255), 'Adverts with a lower TTL are dropped.'),
  max_ttl: option(integer(0, 255), 'Adverts with a higher TTL are dropped.'),
})

const mac = /^(([\dA-Fa-f]{1,2}:){4,5}[\dA-Fa-f]{1,2})$/

interface VirtualMac {
  readonly name?: string
  readonly mac?: string
  readonly netlink_notify_msg?: true
  readonly group?: number
}

/** `[[name] IFNAME] [MAC] [netlink_notify_msg] [group ID]`, in any order. */
const virtualMac: Syntax<VirtualMac> = {
  text: '[[name] <interface>] [<mac>] [netlink_notify_msg] [group <id>]',
  parse(words) {
    let value: VirtualMac = {}
    for (let next = words.peek(); next !== undefined; next = words.peek()) {
      if (mac.test(next.text)) {
        words.take()
        value = { ...value, mac: next.text.toLowerCase() }
      } else if (next.text === 'netlink_notify_msg') {
        words.take()
        value = { ...value, netlink_notify_msg: true }
      } else if (next.text === 'group') {
        words.take()
        const group = integer(0, 2 ** 31 - 1).parse(words)
        if (group === invalid) return invalid
        value = { ...value, group }
      } else {
        if (next.text === 'name') words.take()
        const name = interfaceName.parse(words)
        if (name === invalid) return invalid
        value = { ...value, name }
      }
    }
    return value
  },
  print: ({ name, mac, netlink_notify_msg, group }) =>
    [name, mac, netlink_notify_msg && 'netlink_notify_msg', group !== undefined && `group ${group}`]
      .filter((part) => typeof part === 'string')
      .join(' '),
}

/** keepalived takes every other word for BACKUP. */
const initialState: Syntax<'MASTER' | 'BACKUP'> = {
  ...choice('MASTER', 'BACKUP'),
  parse(words) {
    const next = words.peek()
    if (
      next === undefined ||
      !/^(slave|standby|backup|master)$/i.test(next.text) ||
      /^(MASTER|BACKUP)$/.test(next.text)
    ) {
      return choice('MASTER', 'BACKUP').parse(words)
    }
    words.take()
    const fix = replaceWord(next.at, next.text, 'BACKUP')
    const message = `\`${next.text}\` is read as BACKUP, as by keepalived; the priority decides who is master`
    words.report('ignored-value', next.at, message, 'write `BACKUP` or `MASTER`', fix)
    return 'BACKUP'
  },
}

const garpExtra = setting(
  garpExtraInterface(0),
  'Interval of gratuitous ARPs for virtual addresses on other interfaces, with `all` on each of its interfaces, in seconds; 0: none.',
)
const expiredBackup = setting(
  maybe(integer(1, 254)),
  'A master that did not run for so long that another router may have followed becomes backup, as always; this is the highest priority of others, default 254.',
)
const notifyScript = (help: string) => setting(script, help)

export const vrrpInstance = {
  state: setting(
    initialState,
    'Initial state. As in keepalived, it only sets the default priority (MASTER: 255) and excludes `nopreempt`.',
  ),
  interface: setting(
    interfaceName,
    'Interface on which adverts are sent and received. Unicast with `unicast_src_ip` can do without.',
  ),
  virtual_router_id: setting(integer(1, 255), 'Identifies the virtual router on its link; the same on both directors.'),
  version: inherited(choice('2', '3'), 'VRRP version.', 'vrrp_version; 3 for IPv6 addresses'),
  priority: inherited(
    integer(1, 255),
    'The director with the highest priority becomes master; 255 is for the owner of the addresses.',
    '100; 255 with state MASTER',
  ),
  advert_int: setting(
    inSeconds(0.01, 255),
    'Interval between adverts, in seconds (version 2: whole seconds); default 1.',
  ),
  preempt: opposite('nopreempt', 'Takes over from a master of lower priority (the default).'),
  nopreempt: flag('Leaves a working master of lower priority alone.'),
  preempt_delay: setting(inSeconds(0, 1000), 'Delay before taking over from a master of lower priority, in seconds.'),
  preempt_after_checks: flag(
    "Takes over from a master of lower priority only when every check of this node has had its first result (a keyword of Tanist's own).",
  ),
  authentication: section(authentication, 'VRRPv2 authentication.'),
  auth_hmac: section(authHmac, 'Signs adverts, in the form of keepalived 2.4.'),

  virtual_ipaddress: lines(virtualAddress, 'Virtual IP addresses that are listed in the adverts.'),
  virtual_ipaddress_excluded: lines(virtualAddress, 'Virtual IP addresses that are not listed in the adverts.'),
  no_virtual_ipaddress: flag('The instance has no virtual IP address, on purpose.'),
  virtual_routes: lines(virtualRoute, 'Routes that move with the virtual router.'),
  virtual_rules: lines(virtualRule, 'Routing rules that move with the virtual router.'),
  promote_secondaries: flag('When the primary address of a subnet is removed, a secondary one becomes primary.'),
  vip_lease: setting(
    leaseTime,
    "The kernel takes its addresses away when this director has not renewed them for so long (a keyword of Tanist's own), in seconds; 0: never. Default: `vip_lease` of `global_defs`, or 5, or four advert intervals if that is more.",
  ),
  accept: opposite('no_accept', 'Packets to its addresses are accepted (the default).'),
  no_accept: flag('Packets to its addresses that belong to no virtual server are dropped, unless it owns them.'),

  mcast_src_ip: setting(
    unicastAddress,
    'Source address of multicast adverts. While no interface of the host has it, the instance is in fault.',
  ),
  mcast_dst_ip: setting(multicastAddress, 'Multicast group of its adverts.'),
  unicast_src_ip: setting(
    unicastAddress,
    'Source address of unicast adverts. While no interface of the host has it, the instance is in fault.',
  ),
  unicast_peer: lines(peer, 'Sends adverts to these addresses instead of to the multicast group.'),
  unicast_ttl: setting(integer(0, 255), 'TTL, or hop limit, of unicast adverts; default 255.'),
  unicast_fault_no_peer: flag('The instance is in fault while it has no unicast peer.'),
  check_unicast_src: flag('Accepts unicast adverts only from configured peers; Tanist always does.'),
  track_src_ip: flag('Its source address has to be on its own interface; else on any of the host.'),
  old_unicast_checksum: setting(
    flagWith('never'),
    'Sends unicast IPv4 adverts of version 3 with the checksum of keepalived before 1.3.7; it is understood in any case.',
  ),
  v3_checksum_as_v2: setting(
    truthOrNothing,
    'Sends IPv4 adverts of version 3 with a checksum without pseudo-header (RFC 9568); both are understood in any case.',
  ),
  skip_check_adv_addr: setting(
    truthOrNothing,
    'Version 2 takes adverts that list other addresses, as version 3 does in any case.',
  ),
  native_ipv6: flag('Uses IPv6, when no address of it tells the family.'),
  strict_mode: setting(
    truthOrNothing,
    'Strict compliance with the VRRP RFC; packets to its addresses are accepted all the same.',
  ),
  down_timer_adverts: setting(
    integer(1, 100),
    'Number of adverts that may be missed before a backup takes over; default 3.',
  ),
  lower_prio_no_advert: setting(truthOrNothing, 'Does not answer an advert of lower priority.'),
  higher_prio_send_advert: setting(truthOrNothing, 'Sends one more advert before yielding.'),
  owner_ignore_adverts: setting(truthOrNothing, 'The owner of the addresses ignores adverts of others.'),
  timer_expired_backup: expiredBackup,
  thread_timer_expired: alias('timer_expired_backup', expiredBackup),
  kernel_rx_buf_size: setting(
    integer(1, 2 ** 31 - 1),
    'Room in the receive buffer for its adverts, in bytes. A socket has 1 MiB at least.',
  ),

  use_vmac: setting(virtualMac, 'The virtual addresses have the MAC address of the virtual router.'),
  use_vmac_addr: flag('`use_vmac` also for virtual addresses on other interfaces.'),
  vmac_xmit_base: flag('Sends adverts through the underlying interface.'),
  use_ipvlan: inert(
    NO_IPVLAN,
    setting(
      maybe(many(word('[<interface>] [<address>] [bridge|private|vepa]'))),
      'The virtual addresses are on an ipvlan interface.',
    ),
  ),
  vrf: setting(
    interfaceName,
    'The VRF device whose routes count for unicast adverts of an instance without `interface`.',
  ),

  dont_track_primary: flag('Its own interface may be down.'),
  track_interface: lines(tracked('<interface>'), 'Interfaces that must be up, or change the priority.'),
  track_script: lines(tracked('<vrrp_script>'), 'Scripts that must succeed.'),
  track_file: lines(trackedFile, 'Files that change the priority.'),
  track_process: lines(trackedProcess, 'Processes that must run.'),
  track_bfd: lines(tracked('<bfd_instance>'), 'BFD sessions that must be up, or change the priority.'),
  linkbeat_use_polling: inert(LINKBEAT, flag('Polls the state of the link.')),

  notify_backup: notifyScript('Runs when it becomes backup.'),
  notify_master: notifyScript('Runs when it becomes master.'),
  notify_fault: notifyScript('Runs when it enters fault state.'),
  notify_stop: notifyScript('Runs when the daemon stops.'),
  notify_deleted: setting(maybe(script), 'Runs when a reload removes it.'),
  notify: notifyScript('Runs at every change of state, with INSTANCE, name, state and priority as last arguments.'),
  notify_master_rx_lower_pri: notifyScript('Runs when a master hears an advert of lower priority.'),
  notify_priority_changes: setting(truthOrNothing, 'The pipes are told when its priority changes.'),
  smtp_alert: setting(truthOrNothing, 'Sends mail when the state changes.'),
  lvs_sync_daemon_interface: later(
    SYNC_DAEMON,
    setting(interfaceName, 'Deprecated: `lvs_sync_daemon` in `global_defs`.'),
  ),
  debug: inert('as in keepalived', setting(integer(0, 4), 'Debug level; has no effect.')),

  garp_master_delay: inherited(
    inSeconds(0, DAY),
    'Delay before the second block of gratuitous ARPs, in seconds; 0: no second block.',
    '5',
  ),
  garp_master_repeat: inherited(repeats, 'Gratuitous ARPs for each address in a block.', '5'),
  garp_master_refresh: setting(
    inSeconds(0, DAY),
    'Interval of gratuitous ARPs while master, in seconds; 0, the default: none.',
  ),
  garp_master_refresh_repeat: setting(repeats, 'Gratuitous ARPs for each address at each refresh; default 1.'),
  garp_lower_prio_delay: setting(
    inSeconds(0, DAY),
    'Delay before the second block after an advert of lower priority, in seconds; default `garp_master_delay`.',
  ),
  garp_lower_prio_repeat: setting(
    repeats,
    'Gratuitous ARPs for each address after an advert of lower priority; default `garp_master_repeat`.',
  ),
  garp_extra_if: garpExtra,
  vmac_garp_intvl: alias('garp_extra_if', garpExtra),
} as const satisfies Entries
