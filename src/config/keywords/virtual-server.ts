import { type Address, parseAddress } from '../../net/address.ts'
import { replaceWord } from '../fix.ts'
import type { Entries } from '../schema/entry.ts'
import { detail, alias, flag, inert, inherited, later, lines, sections, setting, wordLines } from '../schema/kinds.ts'
import { script } from '../schema/script.ts'
import { fields, invalid, mark, maybe, one, option, optional, type Syntax, withOptions } from '../schema/syntax.ts'
import {
  choice,
  choiceOfAnyCase,
  granularity,
  integer,
  interfaceName,
  parsePrefix,
  port,
  prefix,
  truthOrNothing,
  unicastAddress,
  word,
} from '../schema/values.ts'
import { checkers, realServerSchedule, virtualServerSchedule } from './checkers.ts'
import { SNMP } from './reasons.ts'
import { ALPHA, MAIL, SERVER_SCRIPTS, SORRY_INHIBIT, SUSPEND } from './features.ts'

const U32 = 2 ** 32 - 1
/** IPVS's own limit. */
const MAX_WEIGHT = 2 ** 31 - 1

/** What a virtual server answers to. */
export type VirtualServerId =
  | { readonly by: 'address'; readonly address: Address; readonly port: number | undefined }
  | { readonly by: 'fwmark'; readonly fwmark: number }
  | { readonly by: 'group'; readonly group: string }

/** `ADDRESS [PORT]`, `fwmark N` or `group NAME`. */
export const virtualServerId: Syntax<VirtualServerId> = {
  text: '<address> [<port>]|fwmark <mark>|group <name>',
  words: ['fwmark', 'group'],
  parse(words) {
    const kind = words.peek()?.text
    if (kind === 'fwmark') {
      words.take()
      const fwmark = integer(1, U32).parse(words)
      return fwmark === invalid ? invalid : { by: 'fwmark', fwmark }
    }
    if (kind === 'group') {
      words.take()
      const group = word('<virtual_server_group>').parse(words)
      return group === invalid ? invalid : { by: 'group', group }
    }
    const where = endpoint.parse(words)
    return where === invalid ? invalid : { by: 'address', ...where }
  },
  print(id) {
    switch (id.by) {
      case 'address':
        return endpoint.print(id)
      case 'fwmark':
        return `fwmark ${id.fwmark}`
      case 'group':
        return `group ${id.group}`
    }
  },
}

/** Port 0 is the same as none: every port. */
const anyPort = integer(0, 65_535)

export const endpoint: Syntax<{ readonly address: Address; readonly port: number | undefined }> = {
  text: '<address> [<port>]',
  parse(words) {
    const address = unicastAddress.parse(words)
    if (address === invalid) return invalid
    if (words.peek() === undefined) return { address, port: undefined }
    const value = anyPort.parse(words)
    return value === invalid ? invalid : { address, port: value === 0 ? undefined : value }
  },
  print: ({ address, port: value }) => (value === undefined ? address : `${address} ${value}`),
}

const tunnel = {
  type: option(choice('ipip', 'gue', 'gre'), 'How packets are wrapped.'),
  port: option(port, 'UDP port of GUE.'),
  nocsum: mark('Without checksum.'),
  csum: mark('With checksum.'),
  remcsum: mark('With checksum: remote checksum offload would only have the card compute it.'),
} as const
const method = withOptions(fields({ method: choiceOfAnyCase(true, 'NAT', 'DR', 'TUN', 'FNAT') }), tunnel)

const schedulers = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'sh',
  'mh',
  'dh',
  'fo',
  'ovf',
  'sed',
  'nq',
  'twos',
] as const

const lvsSched = setting(choiceOfAnyCase(true, ...schedulers), 'Scheduler.', 'wlc')
const lvsMethod = setting(method, 'Forwarding method.', { method: 'NAT' })
const notifyScript = (help: string) => later(SERVER_SCRIPTS, setting(script, help))

/** At least 1, which keepalived makes of 0. */
const quorum: Syntax<number> = {
  ...integer(1, U32),
  parse(words) {
    const next = words.peek()
    if (next?.text !== '0') return integer(1, U32).parse(words)
    words.take()
    words.report('ignored-value', next.at, 'quorum is at least 1', 'write 1', replaceWord(next.at, '0', '1'))
    return 1
  },
}

const realServer = {
  weight: inherited(integer(0, MAX_WEIGHT), 'Share of new connections; 0: none.', '1'),
  lvs_method: setting(method, 'Forwarding method to this server; that of the virtual server unless said.'),
  uthreshold: setting(integer(0, U32), 'No new connections at so many; 0: no limit.'),
  lthreshold: setting(integer(0, U32), 'New connections again below so many.'),
  inhibit_on_failure: inherited(
    truthOrNothing,
    'A failed server gets weight 0 instead of being removed; its connections live on.',
    'that of the virtual server',
  ),
  ...realServerSchedule,
  alpha: later(ALPHA, setting(truthOrNothing, 'The server is down until the first check says otherwise.')),
  virtualhost: setting(word('<host>'), 'Host header of its HTTP checks; that of the virtual server unless said.'),
  notify_up: notifyScript('Runs when the server comes up.'),
  notify_down: notifyScript('Runs when the server goes down.'),
  smtp_alert: later(MAIL, setting(truthOrNothing, 'Changes are mailed.')),
  snmp_name: inert(SNMP, setting(word('<name>'), 'Name of the server there.')),
  ...checkers,
} as const satisfies Entries

export const virtualServer = {
  ip_family: setting(choice('inet', 'inet6'), 'Family of a service by mark; that of its real servers unless said.'),
  mark: lines(
    fields({ protocol: choice('TCP', 'UDP', 'SCTP'), to: endpoint }),
    "Packets that count as marked without a firewall (a keyword of Tanist's own).",
  ),
  allow: wordLines(
    prefix,
    "Networks that may open connections; all others may not (a keyword of Tanist's own). The longest prefix decides.",
  ),
  deny: wordLines(
    prefix,
    "Networks that may not open connections (a keyword of Tanist's own). The longest prefix of both lists decides.",
  ),
  through_firewall: flag(
    "What opens a connection passes this host's PREROUTING and FORWARD rules first (a keyword of Tanist's own).",
  ),
  laddr_group_name: setting(
    word('<local_address_group>'),
    "What the servers of FNAT see in place of the clients (DPVS's keyword); this director's own address unless said.",
  ),
  establish_timeout: setting(
    integer(1, 2_678_400),
    "Idle seconds after which established connections and UDP flows end (DPVS's keyword); those of all services unless said.",
  ),
  protocol: setting(choiceOfAnyCase(false, 'TCP', 'UDP', 'SCTP'), 'Protocol. Needed, but not for a mark.'),
  lvs_sched: lvsSched,
  lb_algo: alias('lvs_sched', lvsSched, false),
  lvs_method: lvsMethod,
  lb_kind: alias('lvs_method', lvsMethod, false),
  hashed: inert('IPVS has the flag and does nothing with it', flag('A flag of services.')),
  ops: flag('Every UDP packet is scheduled alone.'),
  'flag-1': flag('First flag of the scheduler.'),
  'flag-2': flag('Second flag of the scheduler.'),
  'flag-3': flag('Third flag of the scheduler; none uses it.'),
  'sh-port': flag('`sh` takes the port into account.'),
  'sh-fallback': flag('`sh` goes on to the next server when one cannot serve.'),
  'mh-port': flag('`mh` takes the port into account.'),
  'mh-fallback': flag('`mh` goes on to the next server when one cannot serve.'),
  persistence_engine: setting(choice('sip'), 'What makes datagrams of a client belong together: their SIP call.'),
  persistence_timeout: setting(
    maybe(integer(0, 2_678_400)),
    'A client stays at its server for so many seconds; 360 without a number, 0: no persistence.',
  ),
  persistence_granularity: setting(granularity, 'Clients of one network count as one.'),
  ha_suspend: later(SUSPEND, flag('No checks while the address is not on this director.')),
  ...virtualServerSchedule,
  virtualhost: setting(word('<host>'), 'Host header of the HTTP checks.'),
  alpha: later(ALPHA, flag('Servers are down until the first check says otherwise.')),
  omega: detail(SERVER_SCRIPTS, flag('Servers are reported down when the daemon stops.')),
  inhibit_on_failure: setting(truthOrNothing, 'A failed server gets weight 0 instead of being removed.'),
  quorum: setting(
    quorum,
    'Below this sum of the weights of working servers the sorry server serves in their place. Without a sorry server they go on serving, and the loss is only reported.',
    1,
  ),
  hysteresis: setting(
    integer(0, U32),
    'Quorum is lost below quorum - hysteresis and gained at quorum + hysteresis.',
    0,
  ),
  quorum_up: notifyScript('Runs when quorum is gained.'),
  quorum_down: notifyScript('Runs when quorum is lost.'),
  weight: setting(integer(1, MAX_WEIGHT), 'Weight of servers that do not say it; 1 unless said.'),
  smtp_alert: later(MAIL, setting(truthOrNothing, 'Changes are mailed.')),
  snmp_name: inert(SNMP, setting(word('<name>'), 'Name of the service there.')),
  sorry_server: setting(endpoint, 'Serves while quorum is lost, and the real servers do not.'),
  sorry_server_inhibit: later(SORRY_INHIBIT, flag('The sorry server gets weight 0 instead of being removed.')),
  sorry_server_lvs_method: setting(method, 'Forwarding method to the sorry server.'),
  real_server: sections(endpoint, realServer, 'A server of the pool.'),
} as const satisfies Entries

/** A line of a group: an address or a range of them, or a mark. */
export type GroupMember =
  | { readonly by: 'address'; readonly from: Address; readonly to: Address; readonly port: number | undefined }
  | { readonly by: 'network'; readonly network: string; readonly port: number | undefined }
  | { readonly by: 'fwmark'; readonly fwmark: number; readonly family: 'inet' | 'inet6' }

const groupAddress = one<GroupMember>({
  text: '<address>[-<last>|/<length>]',
  expected: 'an address, a range such as 10.0.0.1-10, or a network such as 10.0.0.0/28',
  read(text) {
    if (text.includes('/')) {
      return parsePrefix(text) === undefined ? undefined : { by: 'network', network: text, port: undefined }
    }
    const [first = '', last] = text.split('-', 2)
    const from = parseAddress(first)
    if (from === undefined) return undefined
    if (last === undefined) return { by: 'address', from, to: from, port: undefined }
    // The end of a range may be its last part alone.
    const separator = from.includes(':') ? ':' : '.'
    const to = parseAddress(last) ?? parseAddress(from.slice(0, from.lastIndexOf(separator) + 1) + last)
    return to === undefined ? undefined : { by: 'address', from, to, port: undefined }
  },
})

/** A line of a local address group: addresses, and the interface that DPVS has them on. */
export type LocalAddresses = Exclude<GroupMember, { by: 'fwmark' }> & { readonly device?: string | undefined }

export const localAddresses: Syntax<LocalAddresses> = {
  text: `${groupAddress.text} [<interface>]`,
  parse(words) {
    const address = groupAddress.parse(words)
    if (address === invalid || address.by === 'fwmark') return invalid
    const device = optional(interfaceName).parse(words)
    return device === invalid ? invalid : { ...address, device }
  },
  print: ({ device, ...address }) => [groupMember.print(address), device].filter(Boolean).join(' '),
}

export const groupMember: Syntax<GroupMember> = {
  text: `${groupAddress.text} [<port>]|fwmark <mark> [inet|inet6]`,
  words: ['fwmark'],
  parse(words) {
    if (words.peek()?.text === 'fwmark') {
      words.take()
      const fwmark = integer(1, U32).parse(words)
      const family = optional(choice('inet', 'inet6'), 'inet').parse(words)
      return fwmark === invalid || family === invalid ? invalid : { by: 'fwmark', fwmark, family: family ?? 'inet' }
    }
    const address = groupAddress.parse(words)
    if (address === invalid || address.by === 'fwmark') return invalid
    const value = optional(anyPort).parse(words)
    return value === invalid ? invalid : { ...address, port: value === 0 ? undefined : value }
  },
  print(member) {
    if (member.by === 'fwmark') return `fwmark ${member.fwmark}${member.family === 'inet6' ? ' inet6' : ''}`
    const where =
      member.by === 'network' ? member.network : member.from === member.to ? member.from : `${member.from}-${member.to}`
    return member.port === undefined ? where : `${where} ${member.port}`
  },
}
