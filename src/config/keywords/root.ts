import type { Entries, Values } from '../schema/entry.ts'
import {
  alias,
  flag,
  inert,
  later,
  lines,
  namedLines,
  refused,
  repeated,
  section,
  sections,
  setting,
} from '../schema/kinds.ts'
import { path } from '../schema/script.ts'
import { secret } from '../schema/secret.ts'
import { fields, one, optional } from '../schema/syntax.ts'
import { choice, integer, interfaceName, inSeconds, word } from '../schema/values.ts'
import { staticAddress } from './address-line.ts'
import { garpGroup } from './garp.ts'
import { globalDefs } from './global.ts'
import { blockName } from './named.ts'
import { LINKBEAT, NETFILTER } from './reasons.ts'
import { staticRoute } from './route-line.ts'
import { staticRule } from './rule-line.ts'
import { bfdInstance, trackFile, trackProcess, vrrpScript } from './tracking.ts'
import { groupMember, localAddresses, virtualServerId, virtualServer } from './virtual-server.ts'
import { syncGroup, trackGroup } from './vrrp-groups.ts'
import { vrrpInstance } from './vrrp-instance.ts'
import { NAMES, STOP_TIME } from './features.ts'

const name = word('<name>')

const tls = {
  password: setting(secret('<password>'), 'Password of the private key.'),
  ca: setting(path, 'File with trusted CA certificates.'),
  certificate: setting(path, 'File with the certificate of this client.'),
  key: setting(path, 'File with the private key of this client.'),
} as const satisfies Entries

const bfdName = one({
  text: '<name>',
  expected: 'a name of at most 31 characters',
  read: (text) => (text.length > 0 && text.length < 32 ? text : undefined),
})

const trackFiles = sections(name, trackFile, 'A file whose number changes priorities or weights.')

/** Every keyword that Tanist knows, from the top. */
export const root = {
  global_defs: section(globalDefs, 'Settings of the whole daemon.'),
  net_namespace: setting(word('<namespace>'), 'Network namespace of the daemon; a reload cannot change it.'),
  net_namespace_ipvs: refused(
    'forwarding is done in the network namespace of the daemon; use `net_namespace` for both',
    setting(word('<namespace>'), 'Network namespace of IPVS.'),
  ),
  namespace_with_ipsets: inert(NETFILTER, flag('Uses sets of addresses in namespaces on old kernels.')),
  use_pid_dir: inert(
    'the pid file is in /run/tanist, or where `tanistd -p` says',
    flag('Puts pid files into a directory of their own.'),
  ),
  instance: later(NAMES, setting(word('<name>'), 'Name of this daemon instance; see --name.')),
  child_wait_time: later(
    STOP_TIME,
    setting(integer(0, 2 ** 31 - 1), 'Time limit for child processes to stop, in seconds.'),
  ),
  linkbeat_use_polling: inert(LINKBEAT, flag('Polls the state of all links.')),
  linkbeat_interfaces: inert(
    LINKBEAT,
    lines(
      fields({ interface: interfaceName, how: optional(choice('MII', 'ETHTOOL', 'IOCTL')) }),
      'Interfaces whose link state is polled, and how.',
    ),
  ),
  interface_up_down_delays: lines(
    fields({ interface: interfaceName, down: inSeconds(0, 255), up: optional(inSeconds(0, 255)) }),
    'Delays after which an interface counts as down, and as up, in seconds.',
  ),
  garp_group: repeated(garpGroup, 'Intervals between gratuitous ARPs on some interfaces.'),
  static_ipaddress: lines(staticAddress, 'Addresses that the daemon adds when it starts and removes when it stops.'),
  static_routes: lines(staticRoute, 'Routes that the daemon adds when it starts and removes when it stops.'),
  static_rules: lines(staticRule, 'Routing rules that the daemon adds when it starts and removes when it stops.'),
  track_group: sections(
    blockName,
    trackGroup,
    'Instances that are in fault while the interface of a static address, route or rule is down.',
  ),
  bfd_instance: sections(bfdName, bfdInstance, 'A BFD session with a neighbour, which instances may track.'),
  vrrp_script: sections(name, vrrpScript, 'A script whose result changes priorities.'),
  vrrp_track_process: sections(name, trackProcess, 'Processes that must run.'),
  track_file: trackFiles,
  vrrp_track_file: alias('track_file', trackFiles),
  vrrp_sync_group: sections(blockName, syncGroup, 'Instances that change state together.'),
  vrrp_instance: sections(blockName, vrrpInstance, 'A VRRP instance: a virtual router on an interface.'),
  SSL: section(tls, 'Certificates of SSL_GET.'),
  virtual_server_group: namedLines(
    blockName,
    groupMember,
    'Addresses, ports and firewall marks that form one virtual server.',
  ),
  local_address_group: namedLines(
    blockName,
    localAddresses,
    "Addresses of this director that real servers see as source with FNAT (DPVS's keyword).",
  ),
  virtual_server: sections(virtualServerId, virtualServer, 'A virtual server and its real servers.'),
} as const satisfies Entries

/** What a whole file says, defaults included: the blocks and keywords by the names that they have in the file. */
export type Settings = Values<typeof root>
export type InstanceSettings = Settings['vrrp_instance'][number]
export type VirtualServerSettings = Settings['virtual_server'][number]
export type RealServerSettings = VirtualServerSettings['real_server'][number]
