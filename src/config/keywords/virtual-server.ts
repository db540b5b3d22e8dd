import { type Address, parseAddress } from '../../net/address.ts'
import { replaceWord } from '../fix.ts'
import type { Entries } from '../schema/entry.ts'
import { alias, flag, inert, inherited, lines, sections, setting, wordLines } from '../schema/kinds.ts'
import { script } from '../schema/script.ts'
import { fields, invalid, mark, maybe, one, option, optional, type Syntax, withOptions } from '../schema/syntax.ts'
import {
  choice,
  choiceOfAnyCase,
  granularity,
  inSeconds,
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

/** Where a real server is: an address, or a name that stands for addresses. */
export type RealServerId =
  | { readonly address: Address; readonly host?: string; readonly port: number | undefined }
  | { readonly address?: undefined; readonly host: string; readonly port: number | undefined }

/** A name of hosts (RFC 1123 §2.1). What begins like an IPv4 address, or ends in a digit's label, is a wrong address and no name. */
function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.')
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/i.test(label)) &&
    /^[a-z]/i.test(labels.at(-1) ?? '') &&
    !/^\d+\.\d+\./.test(text)
  )
}

const realServerId: Syntax<RealServerId> = {
  text: '<address>|<host name> [<port>]',
  parse(words) {
    const host = words.peek()?.text.toLowerCase() ?? ''
    if (!isHostName(host)) return endpoint.parse(words)
    words.take()
    const value = optional(anyPort, 0).parse(words)
    return value === invalid ? invalid : { host, port: value === 0 ? undefined : value }
  },
  print: ({ address, host, port: value }) => [address ?? host, value].filter(Boolean).join(' '),
}

const tunnel = {
  type: option(choice('ipip', 'gue', 'gre'), 'Encapsulation.'),
  port: option(port, 'UDP port of GUE at the real server.'),
  nocsum: mark('Without checksum.'),
  csum: mark('With checksum.'),
  remcsum: mark('With checksum; remote checksum offload is the same as `csum` here.'),
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
const notifyScript = (help: string) => setting(script, help)

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

const slowStart = inSeconds(0, 86_400)

const realServer = {
  weight: inherited(integer(0, MAX_WEIGHT), 'Relative share of new connections; 0: no new connections.', '1'),
  lvs_method: setting(method, 'Forwarding method of this server; default: that of the virtual server.'),
  uthreshold: setting(integer(0, U32), 'Number of connections from which on the server gets no new ones; 0: no limit.'),
  lthreshold: setting(integer(0, U32), 'Number of connections below which the server gets new ones again.'),
  inhibit_on_failure: inherited(
    truthOrNothing,
    'A failed server gets weight 0 instead of being removed; its connections live on.',
    'that of the virtual server',
  ),
  ...realServerSchedule,
  alpha: setting(truthOrNothing, 'The real server is down until the first check succeeds.'),
  slow_start: setting(
    slowStart,
    "After it was down its weight grows to the whole over this time, in seconds; 0: at once (a keyword of Tanist's own); default: that of the virtual server.",
  ),
  virtualhost: setting(word('<host>'), 'Host header of its HTTP checks; default: that of the virtual server.'),
  notify_up: notifyScript('Runs when the server comes up.'),
  notify_down: notifyScript('Runs when the server goes down.'),
  smtp_alert: setting(truthOrNothing, 'Sends mail when the state changes.'),
  snmp_name: inert(SNMP, setting(word('<name>'), 'Name of the real server in SNMP.')),
  ...checkers,
} as const satisfies Entries

export const virtualServer = {
  ip_family: setting(
    choice('inet', 'inet6'),
    'Address family of a virtual server by firewall mark; default: that of its real servers.',
  ),
  mark: lines(
    fields({ protocol: choice('TCP', 'UDP', 'SCTP'), to: endpoint }),
    "Destinations that belong to this firewall mark without a rule of the firewall (a keyword of Tanist's own).",
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
    "Packets that open a connection first pass this host's PREROUTING and FORWARD rules (a keyword of Tanist's own).",
  ),
  laddr_group_name: setting(
    word('<local_address_group>'),
    "Local addresses that real servers see as source with FNAT (DPVS's keyword); default: this director's own address.",
  ),
  establish_timeout: setting(
    integer(1, 2_678_400),
    "Idle time-out of established connections and UDP flows, in seconds (DPVS's keyword); default: that of all virtual servers.",
  ),
  protocol: setting(
    choiceOfAnyCase(false, 'TCP', 'UDP', 'SCTP'),
    'Protocol; required unless the virtual server is a firewall mark.',
  ),
  lvs_sched: lvsSched,
  lb_algo: alias('lvs_sched', lvsSched, false),
  lvs_method: lvsMethod,
  lb_kind: alias('lvs_method', lvsMethod, false),
  hashed: inert('IPVS has the flag and does nothing with it', flag("IPVS's flag of that name.")),
  ops: flag('One-packet scheduling: each UDP datagram is scheduled by itself.'),
  'flag-1': flag('First flag of the scheduler.'),
  'flag-2': flag('Second flag of the scheduler.'),
  'flag-3': flag('Third flag of the scheduler; none uses it.'),
  'sh-port': flag('`sh` takes the port into account.'),
  'sh-fallback': flag('`sh` goes on to the next server when one cannot serve.'),
  'mh-port': flag('`mh` takes the port into account.'),
  'mh-fallback': flag('`mh` goes on to the next server when one cannot serve.'),
  persistence_engine: setting(
    choice('sip'),
    'Persistence engine: `sip` keeps the datagrams of a SIP call at one real server.',
  ),
  persistence_timeout: setting(
    maybe(integer(0, 2_678_400)),
    'Persistence: how long a client stays at its real server, in seconds; 360 without a number, 0: no persistence.',
  ),
  persistence_granularity: setting(
    granularity,
    'Netmask or prefix length of the networks whose clients count as one for persistence.',
  ),
  ha_suspend: flag('Suspends checks while none of the virtual addresses is on this director.'),
  ...virtualServerSchedule,
  virtualhost: setting(word('<host>'), 'Host header of the HTTP checks.'),
  alpha: flag('The real servers are down until their first check succeeds.'),
  omega: flag('Runs `notify_down` and `quorum_down` when the daemon stops.'),
  inhibit_on_failure: setting(truthOrNothing, 'A failed server gets weight 0 instead of being removed.'),
  quorum: setting(
    quorum,
    'Sum of the weights of working real servers below which quorum is lost: the sorry server serves then in their place. Without a sorry server they go on serving, and the loss is only reported.',
    1,
  ),
  hysteresis: setting(
    integer(0, U32),
    'Quorum is lost below quorum - hysteresis and gained at quorum + hysteresis.',
    0,
  ),
  panic_threshold: setting(
    fields({ percent: integer(1, 99), within: optional(inSeconds(0.001, 4294)) }),
    "When more than so many per cent of the servers fail within so many seconds (twice `delay_loop` if not set), they stay up until no more than that fail (a keyword of Tanist's own); default: every failure counts.",
  ),
  flap_limit: setting(
    fields({ changes: integer(2, 100), within: inSeconds(0.001, 86_400) }),
    "A server that changes its state so often within so many seconds is held down until it has been good for as long, unless there is no other (a keyword of Tanist's own); default: it comes up each time.",
  ),
  observe_limit: setting(
    fields({ failures: integer(1, 1_000_000), within: inSeconds(1, 86_400) }),
    "A server at which so many new TCP connections of clients fail within so many seconds, and more than half of them, is held down for as long, unless no other does better (a keyword of Tanist's own); default: only checks decide.",
  ),
  slow_start: setting(
    slowStart,
    "Weights of servers that were down grow to the whole over this time, in seconds (a keyword of Tanist's own); default: at once.",
  ),
  quorum_up: notifyScript('Runs when quorum is gained.'),
  quorum_down: notifyScript('Runs when quorum is lost.'),
  weight: setting(integer(1, MAX_WEIGHT), 'Default weight of the real servers; 1 if not set.'),
  smtp_alert: setting(truthOrNothing, 'Sends mail when the state changes.'),
  snmp_name: inert(SNMP, setting(word('<name>'), 'Name of the virtual server in SNMP.')),
  sorry_server: setting(
    endpoint,
    'Server that gets new connections in place of the real servers while quorum is lost.',
  ),
  sorry_server_inhibit: flag('The sorry server gets weight 0 instead of being removed.'),
  sorry_server_lvs_method: setting(
    method,
    'Forwarding method of the sorry server; default: that of the virtual server.',
  ),
  real_server: sections(
    realServerId,
    realServer,
    "A real server; a name stands for a server at each of its addresses (Tanist's own).",
  ),
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
