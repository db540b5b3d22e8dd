import type { Entries } from '../schema/entry.ts'
import { alias, flag, inert, setting } from '../schema/kinds.ts'
import { integer, inSeconds, truthOrNothing, word } from '../schema/values.ts'
import { DBUS, NO_NETLINK_BUFFERS, SNMP } from './reasons.ts'

const bytes = integer(0, 2 ** 31 - 1)

/** Keywords of `global_defs` about what Tanist does not have: SNMP, D-Bus, and sizes of buffers. */
export const inertDefs = {
  // SNMP and D-Bus
  snmp_socket: inert(SNMP, setting(word('<socket>'), 'Address of the SNMP master agent.')),
  enable_traps: inert(SNMP, flag('Sends SNMP traps.')),
  enable_snmp_vrrp: inert(SNMP, flag("Provides the state of VRRP by keepalived's MIB.")),
  enable_snmp_keepalived: alias('enable_snmp_vrrp', inert(SNMP, flag(''))),
  enable_snmp_rfc: inert(SNMP, flag('Provides the state of VRRP by the MIBs of RFC 2787 and RFC 6527.')),
  enable_snmp_rfcv2: inert(SNMP, flag('Provides the state of VRRP by the MIB of RFC 2787.')),
  enable_snmp_rfcv3: inert(SNMP, flag('Provides the state of VRRP by the MIB of RFC 6527.')),
  enable_snmp_checker: inert(SNMP, flag("Provides virtual and real servers by keepalived's MIB.")),
  snmp_vs_stats_update_interval: inert(
    SNMP,
    setting(inSeconds(0.001, 30), 'Largest age of the statistics of virtual servers, in seconds.'),
  ),
  snmp_rs_stats_update_interval: inert(
    SNMP,
    setting(inSeconds(0.001, 30), 'Largest age of the statistics of real servers, in seconds.'),
  ),
  enable_dbus: inert(DBUS, flag('Provides the D-Bus interface.')),
  dbus_service_name: inert(DBUS, setting(word('<name>'), 'Name of the D-Bus service.')),
  dbus_no_interface_name: inert(
    DBUS,
    setting(word('<name>'), 'Interface name that D-Bus shows for an instance without an interface.'),
  ),

  // Kernel buffers
  vrrp_netlink_cmd_rcv_bufs: inert(
    NO_NETLINK_BUFFERS,
    setting(bytes, 'Receive buffer of the netlink socket for VRRP requests, in bytes.'),
  ),
  vrrp_netlink_cmd_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Sets that buffer beyond the limit of the system.'),
  ),
  vrrp_netlink_monitor_rcv_bufs: inert(
    NO_NETLINK_BUFFERS,
    setting(bytes, 'Receive buffer of the netlink socket for VRRP events, in bytes.'),
  ),
  vrrp_netlink_monitor_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Sets that buffer beyond the limit of the system.'),
  ),
  process_monitor_rcv_bufs: inert(
    NO_NETLINK_BUFFERS,
    setting(bytes, 'Receive buffer of the netlink socket for process events, in bytes.'),
  ),
  process_monitor_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Sets that buffer beyond the limit of the system.'),
  ),
  lvs_netlink_cmd_rcv_bufs: inert(
    NO_NETLINK_BUFFERS,
    setting(bytes, 'Receive buffer of the netlink socket for checker requests, in bytes.'),
  ),
  lvs_netlink_cmd_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Sets that buffer beyond the limit of the system.'),
  ),
  lvs_netlink_monitor_rcv_bufs: inert(
    NO_NETLINK_BUFFERS,
    setting(bytes, 'Receive buffer of the netlink socket for checker events, in bytes.'),
  ),
  lvs_netlink_monitor_rcv_bufs_force: inert(
    NO_NETLINK_BUFFERS,
    setting(truthOrNothing, 'Sets that buffer beyond the limit of the system.'),
  ),
} as const satisfies Entries
