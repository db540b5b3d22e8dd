import { addressBytes } from '../net/address.ts'
import type { Rule, RuleAction, Span } from '../net/route.ts'
import type { Attribute } from './netlink-message.ts'
import { type MessageBody, u32 } from './route-message.ts'
import { AF_INET, AF_INET6 } from './socket.ts'

/** Attributes of a rule (fib_rules.h). */
export const FRA = {
  dst: 1,
  src: 2,
  iifname: 3,
  goto: 4,
  priority: 6,
  fwmark: 10,
  flow: 11,
  tunnelId: 12,
  suppressIfgroup: 13,
  suppressPrefixlen: 14,
  table: 15,
  fwmask: 16,
  oifname: 17,
  l3mdev: 19,
  uidRange: 20,
  protocol: 21,
  ipProto: 22,
  sportRange: 23,
  dportRange: 24,
} as const
const ACTION = { table: 1, l3mdev: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const
const FIB_RULE_INVERT = 2
const RT_TABLE_COMPAT = 252

/** What RTM_NEWRULE takes, and RTM_DELRULE, which removes the rule that has all of it. */
export function ruleMessage(rule: Rule): MessageBody {
  return { fixed: header(rule), attributes: [...selectors(rule), ...outcome(rule)] }
}

/** struct fib_rule_hdr: family, lengths of destination and source, TOS, table, two reserved, action, flags. */
function header({ family, to, from, tos, action, inverted }: Rule): Uint8Array {
  const fixed = new Uint8Array(12)
  const table = action.type !== 'table' ? 0 : action.table < 256 ? action.table : RT_TABLE_COMPAT
  fixed.set([family === 4 ? AF_INET : AF_INET6, to?.length ?? 0, from?.length ?? 0, tos, table, 0, 0])
  fixed[7] = ACTION[action.type]
  new DataView(fixed.buffer).setUint32(8, inverted ? FIB_RULE_INVERT : 0, true)
  return fixed
}

function selectors(rule: Rule): readonly Attribute[] {
  const { to, from, mark, incoming, outgoing, tunnelId, users, ipProtocol, sourcePorts, destinationPorts } = rule
  return [
    ...(to === undefined || to.length === 0 ? [] : [[FRA.dst, addressBytes(to.address)] as const]),
    ...(from === undefined || from.length === 0 ? [] : [[FRA.src, addressBytes(from.address)] as const]),
    [FRA.priority, u32(rule.preference)],
    ...(mark === undefined ? [] : [[FRA.fwmark, u32(mark.value)] as const]),
    ...(mark?.mask === undefined ? [] : [[FRA.fwmask, u32(mark.mask)] as const]),
    ...(incoming === undefined ? [] : [[FRA.iifname, Buffer.from(`${incoming}\0`)] as const]),
    ...(outgoing === undefined ? [] : [[FRA.oifname, Buffer.from(`${outgoing}\0`)] as const]),
    ...(tunnelId === undefined ? [] : [[FRA.tunnelId, bigEndian64(tunnelId)] as const]),
    ...(users === undefined
      ? []
      : [[FRA.uidRange, new Uint8Array(Uint32Array.of(users.first, users.last).buffer)] as const]),
    ...(ipProtocol === undefined ? [] : [[FRA.ipProto, Uint8Array.of(ipProtocol)] as const]),
    ...(sourcePorts === undefined ? [] : [[FRA.sportRange, ports(sourcePorts)] as const]),
    ...(destinationPorts === undefined ? [] : [[FRA.dportRange, ports(destinationPorts)] as const]),
  ]
}

function outcome({ action, realms, suppressPrefixLength, suppressGroup, protocol }: Rule): readonly Attribute[] {
  return [
    ...actionOf(action),
    ...(realms === undefined ? [] : [[FRA.flow, u32(realms)] as const]),
    ...(suppressPrefixLength === undefined ? [] : [[FRA.suppressPrefixlen, u32(suppressPrefixLength)] as const]),
    ...(suppressGroup === undefined ? [] : [[FRA.suppressIfgroup, u32(suppressGroup)] as const]),
    ...(protocol === 0 ? [] : [[FRA.protocol, Uint8Array.of(protocol)] as const]),
  ]
}

function actionOf(action: RuleAction): readonly Attribute[] {
  switch (action.type) {
    case 'table':
      return [[FRA.table, u32(action.table)]]
    case 'goto':
      return [[FRA.goto, u32(action.preference)]]
    case 'l3mdev':
      return [[FRA.l3mdev, Uint8Array.of(1)]]
    case 'nop':
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
      return []
  }
}

const ports = ({ first, last }: Span): Uint8Array => new Uint8Array(Uint16Array.of(first, last).buffer)

function bigEndian64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}
