import { type Ipv4, isUnicast, parseIpv4 } from '../../net/ipv4.ts'
import type { Millis } from '../../time.ts'
import { choice, integer, ipv4, time, word } from '../arguments.ts'
import type { Word } from '../lexer.ts'
import type { VrrpVersion } from '../model.ts'
import { block, type Body, type Keyword, keyword, list, type Report } from '../schema.ts'
import type { Span } from '../source.ts'

/** A virtual address line; `device` is undefined where the line does not say `dev`. */
export interface AddressDraft {
  readonly address: Ipv4
  readonly prefix: number
  readonly device: string | undefined
  readonly at: Span
}

/** What a `vrrp_instance` block says, with the places that rules need. */
export interface InstanceDraft {
  readonly name: string
  readonly at: Span
  state?: 'MASTER' | 'BACKUP'
  interface?: string
  vrid?: number
  version?: VrrpVersion
  priority?: number
  advertInt?: { readonly value: Millis; readonly at: Span }
  preempt: boolean
  preemptDelay?: Millis
  source?: Ipv4
  garpDelay?: Millis
  garpRepeat?: number
  authType?: { readonly type: 'PASS'; readonly at: Span }
  password?: string
  readonly addresses: AddressDraft[]
  readonly excludedAddresses: AddressDraft[]
  readonly unicastPeers: Ipv4[]
}

/** What a `vrrp_sync_group` block says. */
export interface GroupDraft {
  readonly name: string
  readonly at: Span
  readonly members: Word[]
}

const authentication: Body<InstanceDraft> = {
  path: '/vrrp_instance/authentication',
  keywords: [
    keyword({
      name: 'auth_type',
      help: 'VRRPv2 authentication. It is clear text: no protection against anybody on the link.',
      args: [choice('PASS')],
      set: (draft, [type], at) => (draft.authType = { type, at }),
    }),
    keyword({
      name: 'auth_pass',
      help: 'The password; its first 8 characters count.',
      args: [word('<password>')],
      set: (draft, [password]) => (draft.password = password),
    }),
  ],
}

function addresses(
  name: string,
  help: string,
  target: (draft: InstanceDraft) => AddressDraft[],
): Keyword<InstanceDraft> {
  return list({
    name,
    help,
    syntax: '<address>[/<prefix>] [dev <interface>]',
    add: (draft, words, report) => {
      const address = parseAddressLine(words, report)
      if (address !== undefined) target(draft).push(address)
    },
  })
}

/** IP[/MASK] [dev IF] */
function parseAddressLine([first, ...options]: readonly [Word, ...Word[]], report: Report): AddressDraft | undefined {
  const [text = '', prefixText = '32', ...more] = first.text.split('/')
  const address = parseIpv4(text)
  const prefix = /^\d+$/.test(prefixText) ? Number(prefixText) : 33
  if (address === undefined || !isUnicast(address) || prefix > 32 || more.length > 0) {
    report('bad-value', first.at, `expected an IPv4 address with an optional prefix length, found \`${first.text}\``)
    return undefined
  }
  const [option, device, extra] = options
  if (option === undefined) return { address, prefix, device: undefined, at: first.at }
  if (option.text !== 'dev') {
    report('unsupported-keyword', option.at, `address option \`${option.text}\`; Tanist supports only \`dev\` so far`)
    return undefined
  }
  if (device === undefined) {
    report('missing-argument', option.at, '`dev` needs an interface name')
    return undefined
  }
  if (extra !== undefined) report('extra-argument', extra.at, 'nothing may follow the interface name')
  return { address, prefix, device: device.text, at: first.at }
}

export const vrrpInstance: Body<InstanceDraft> = {
  path: '/vrrp_instance',
  keywords: [
    keyword({
      name: 'state',
      help: 'As in keepalived it does no more than set the default priority (MASTER: 255) and forbid nopreempt.',
      args: [choice('MASTER', 'BACKUP')],
      set: (draft, [state]) => (draft.state = state),
    }),
    keyword({
      name: 'interface',
      help: 'Where adverts are sent and received.',
      args: [word('<interface>')],
      set: (draft, [name]) => (draft.interface = name),
    }),
    keyword({
      name: 'virtual_router_id',
      help: 'Identifies the virtual router on its link; the same on both directors.',
      args: [integer(1, 255)],
      set: (draft, [vrid]) => (draft.vrid = vrid),
    }),
    keyword({
      name: 'version',
      help: 'VRRP version; 2 unless global_defs says otherwise.',
      args: [choice('2', '3')],
      set: (draft, [version]) => (draft.version = version === '2' ? 2 : 3),
    }),
    keyword({
      name: 'priority',
      help: 'The higher one becomes master; 255 owns the addresses. Default 100.',
      args: [integer(1, 255)],
      set: (draft, [priority]) => (draft.priority = priority),
    }),
    keyword({
      name: 'advert_int',
      help: 'Between two adverts; version 2 takes whole seconds. Default 1.',
      args: [time(0.01, 255)],
      set: (draft, [value], at) => (draft.advertInt = { value, at }),
    }),
    keyword({
      name: 'preempt',
      help: 'Take over from a master of lower priority (the default).',
      args: [],
      set: (draft) => (draft.preempt = true),
    }),
    keyword({
      name: 'nopreempt',
      help: 'Leave a working master of lower priority alone.',
      args: [],
      set: (draft) => (draft.preempt = false),
    }),
    keyword({
      name: 'preempt_delay',
      help: 'Wait this long before taking over from a master of lower priority.',
      args: [time(0, 1000)],
      set: (draft, [delay]) => (draft.preemptDelay = delay),
    }),
    keyword({
      name: 'mcast_src_ip',
      help: 'Source address of multicast adverts.',
      args: [ipv4],
      set: (draft, [address]) => (draft.source = address),
    }),
    keyword({
      name: 'unicast_src_ip',
      help: 'Source address of unicast adverts.',
      args: [ipv4],
      set: (draft, [address]) => (draft.source = address),
    }),
    list({
      name: 'unicast_peer',
      help: 'Send adverts to these addresses instead of to the multicast group.',
      syntax: '<IPv4 address>',
      add: (draft, [first, extra], report) => {
        const result = ipv4.parse(first.text)
        if ('expected' in result) report('bad-value', first.at, `expected ${result.expected}, found \`${first.text}\``)
        else if (extra !== undefined) report('unsupported-keyword', extra.at, `peer option \`${extra.text}\``)
        else draft.unicastPeers.push(result.value)
      },
    }),
    addresses('virtual_ipaddress', 'Addresses of the virtual router, in its adverts.', (draft) => draft.addresses),
    addresses(
      'virtual_ipaddress_excluded',
      'Further addresses that move with the virtual router, not in its adverts.',
      (draft) => draft.excludedAddresses,
    ),
    keyword({
      name: 'garp_master_delay',
      help: 'The second block of gratuitous ARPs follows after this; 0: none. Default 5.',
      args: [time(0, 86400)],
      set: (draft, [delay]) => (draft.garpDelay = delay),
    }),
    keyword({
      name: 'garp_master_repeat',
      help: 'Gratuitous ARPs of an address in a block. Default 5.',
      args: [integer(1, 100)],
      set: (draft, [repeat]) => (draft.garpRepeat = repeat),
    }),
    block({
      name: 'authentication',
      help: 'VRRPv2 password.',
      args: [],
      repeatable: false,
      body: authentication,
      open: (draft: InstanceDraft) => draft,
    }),
  ],
}

export const syncGroup: Body<GroupDraft> = {
  path: '/vrrp_sync_group',
  keywords: [
    list({
      name: 'group',
      help: 'Instances that are master or backup only together.',
      syntax: '<instance>',
      add: (draft, words) => draft.members.push(...words),
    }),
  ],
}
