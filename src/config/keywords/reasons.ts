/** Why keywords of keepalived never have an effect in Tanist: one sentence for each family of them. */
export const SNMP = 'there is no SNMP agent'
export const DBUS = 'there is no D-Bus service'
export const NETFILTER = 'Tanist needs no packet filter: its own programs see packets first'
export const NO_NETLINK_BUFFERS = 'the receive buffers of netlink are sized by Tanist itself'
export const ONE_PROCESS_NAME = 'the processes are told apart by their arguments'
export const ALWAYS_REALTIME = 'the vrrp process has real-time priority from its start, where that is allowed'
export const NO_TIME_LIMIT =
  'a process that hangs is replaced in any case, and a limit that suits a C program would kill this one as it starts'
export const NO_IPVLAN =
  'the addresses are on the interface itself, with the MAC address that an ipvlan interface would have, too'
export const NO_BFD_PROCESS = 'BFD sessions are in the vrrp process: there is none for them alone'
export const LINKBEAT = 'the kernel reports link changes at once; nothing is polled'
/** Options of routes whose destination is a label. */
export const LABEL_ROUTES = 'it is for routes of MPLS labels, and the destination of a route here is an address'

/** Of HTTP_GET and SSL_GET. */
export const ALL_URLS = 'all URLs are asked in every round, so that none waits for another'
export const NO_JIT = 'regular expressions run without a JIT compiler, which has a stack of its own'
