import type { Entries, Values } from '../schema/entry.ts'
import {
  detail,
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
import { choice, integer, interfaceName, seconds, word } from '../schema/values.ts'
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
import {
  ANNOUNCEMENTS,
  BFD,
  LINK_DELAYS,
  NAMES,
  SERVICE_GROUP,
  SSL_GET,
  STATIC_ADDRESSES,
  STATIC_ROUTES,
  STATIC_RULES,
  STOP_TIME,
  TRACK_FILE,
  TRACK_PROCESS,
  TRACK_SCRIPT,
} from './features.ts'

const name = word('<name>')

const tls = {
  password: setting(secret('<password>'), 'Password of the key.'),
  ca: setting(path, 'Certificates that are trusted.'),
  certificate: setting(path, 'Certificate of this client.'),
  key: setting(path, 'Its key.'),
} as const satisfies Entries

const bfdName = one({
  text: '<name>',
  expected: 'a name of at most 31 characters',
  read: (text) => (text.length > 0 && text.length < 32 ? text : undefined),
})

const trackFiles = detail(TRACK_FILE, sections(name, trackFile, 'A file whose number changes priorities or weights.'))

/** Every keyword that Tanist knows, from the top. */
export const root = {
  global_defs: section(globalDefs, 'Settings of the whole daemon.'),
  net_namespace: setting(word('<namespace>'), 'The network namespace that the daemon works in; fixed at the start.'),
  net_namespace_ipvs: refused(
    'the core works where the daemon runs; use `net_namespace` for both',
    setting(word('<namespace>'), 'The network namespace that the core works in.'),
  ),
  namespace_with_ipsets: inert(NETFILTER, flag('Uses sets of addresses in namespaces on old kernels.')),
  use_pid_dir: inert(
    'there are no pid files: systemd or the control socket tell',
    flag('Pid files have a directory of their own.'),
  ),
  instance: later(NAMES, setting(word('<name>'), 'Name of this daemon among several; see --name.')),
  child_wait_time: later(STOP_TIME, setting(integer(0, 2 ** 31 - 1), 'Seconds that processes have to stop.')),
  linkbeat_use_polling: inert(LINKBEAT, flag('All links are polled.')),
  linkbeat_interfaces: inert(
    LINKBEAT,
    lines(
      fields({ interface: interfaceName, how: optional(choice('MII', 'ETHTOOL', 'IOCTL')) }),
      'Links that are polled.',
    ),
  ),
  interface_up_down_delays: later(
    LINK_DELAYS,
    lines(
      fields({ interface: interfaceName, down: seconds(0, 255), up: optional(seconds(0, 255)) }),
      'A change of a link counts only after so many seconds.',
    ),
  ),
  garp_group: later(ANNOUNCEMENTS, repeated(garpGroup, 'Pauses between gratuitous ARPs.')),
  static_ipaddress: later(STATIC_ADDRESSES, lines(staticAddress, 'Addresses that are there while the daemon runs.')),
  static_routes: later(STATIC_ROUTES, lines(staticRoute, 'Routes that are there while the daemon runs.')),
  static_rules: later(STATIC_RULES, lines(staticRule, 'Routing rules that are there while the daemon runs.')),
  track_group: detail(
    STATIC_ADDRESSES,
    sections(blockName, trackGroup, 'Instances that need static addresses, routes or rules.'),
  ),
  bfd_instance: later(BFD, sections(bfdName, bfdInstance, 'A BFD session.')),
  vrrp_script: detail(TRACK_SCRIPT, sections(name, vrrpScript, 'A script whose result changes priorities.')),
  vrrp_track_process: detail(TRACK_PROCESS, sections(name, trackProcess, 'Processes that must run.')),
  track_file: trackFiles,
  vrrp_track_file: alias('track_file', trackFiles),
  vrrp_sync_group: sections(blockName, syncGroup, 'Instances that change state together.'),
  vrrp_instance: sections(blockName, vrrpInstance, 'A virtual router on an interface.'),
  SSL: detail(SSL_GET, section(tls, 'Certificates of SSL_GET.')),
  virtual_server_group: detail(
    SERVICE_GROUP,
    namedLines(blockName, groupMember, 'Addresses and marks that share servers.'),
  ),
  local_address_group: namedLines(
    blockName,
    localAddresses,
    "Addresses of this director that servers of FNAT see in place of the clients (DPVS's keyword).",
  ),
  virtual_server: sections(virtualServerId, virtualServer, 'A service.'),
} as const satisfies Entries

/** What a whole file says, defaults included: the blocks and keywords by the names that they have in the file. */
export type Settings = Values<typeof root>
export type InstanceSettings = Settings['vrrp_instance'][number]
export type VirtualServerSettings = Settings['virtual_server'][number]
export type RealServerSettings = VirtualServerSettings['real_server'][number]
