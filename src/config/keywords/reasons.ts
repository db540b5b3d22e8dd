/** Why keywords of keepalived never have an effect in Tanist: one sentence for each family of them. */
export const SNMP = 'there is no SNMP agent'
export const DBUS = 'there is no D-Bus service'
export const NETFILTER = 'Tanist needs no packet filter: its own programs see packets first'
export const NO_NETLINK_BUFFERS = 'the receive buffers of netlink are sized by Tanist itself'
export const ONE_PROCESS_NAME = 'the processes are told apart by their arguments'
export const NO_BFD_PROCESS = 'there is no process for BFD'
export const CHECKSUM =
  'both checksums of version 3 are understood, and the one with a pseudo-header is sent, as keepalived does unless told otherwise'
export const LINKBEAT = 'the kernel reports link changes at once; nothing is polled'
