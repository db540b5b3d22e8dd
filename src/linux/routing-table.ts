import { constants } from 'node:os'
import type { Route, RoutingItem } from '../net/route.ts'
import { SystemError } from './libc.ts'
import {
  type Attribute,
  decodeAttributes,
  decodeNetlink,
  encodeNetlink,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './netlink-message.ts'
import { type IndexOf, type MessageBody, marksOf, newRoute, oldRoute, RTA } from './route-message.ts'
import { FRA, ruleMessage } from './rule-message.ts'
import { NETLINK_ROUTE, sockaddrNetlink } from './rtnetlink.ts'
import { AF_INET, AF_INET6, AF_NETLINK, int32, Socket, SOCK_RAW } from './socket.ts'

/** What a route needs to know of the interfaces. */
export interface LinkLookup {
  readonly indexOf: IndexOf
  /** The table of a VRF. */
  readonly tableOf: (vrf: string) => number | undefined
}

/** That the kernel, or this host, has not done what it was told to. */
export interface Refusal {
  readonly item: RoutingItem
  /** Undefined: an interface that the route names is not there. */
  readonly error: SystemError | undefined
}

const RTM = { newRoute: 24, delRoute: 25, getRoute: 26, newRule: 32, delRule: 33, getRule: 34 } as const
const FLAG = { request: 1, ack: 4, dump: 0x300, create: 0x400, exclusive: 0x200, append: 0x800 } as const
const FIB_RULE_INVERT = 2
const SOL_NETLINK = 270
const NETLINK_GET_STRICT_CHK = 12
/** Changes in one message; their answers fit the receive buffer that the kernel gives to any socket. */
const AT_ONCE = 64

/** The kernel's routes and routing rules, in batches. Without policy: which ones, others decide. */
export class RoutingTable {
  readonly #socket = new Socket('routing table', AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
  #sequence = 0

  constructor() {
    try {
      // Only what is asked for is listed (Linux 4.20); without it more comes, and is left out here.
      this.#socket.setOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, int32(1))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    }
  }

  /** Adds these, in their order. Returns those that were not added; EEXIST: it was there. Throws SystemError. */
  add(items: readonly RoutingItem[], links: LinkLookup): readonly Refusal[] {
    return this.#change(items, (item) => {
      const body =
        item.kind === 'route' ? newRoute(inItsTable(item.route, links), links.indexOf) : ruleMessage(item.rule)
      return body && { type: item.kind === 'route' ? RTM.newRoute : RTM.newRule, flags: flagsOf(item), body }
    })
  }

  /** Removes these. Returns those that were not removed; ESRCH, ENOENT: it was not there. Throws SystemError. */
  remove(items: readonly RoutingItem[], links: LinkLookup): readonly Refusal[] {
    return this.#change(items, (item) => {
      const body = deletionOf(item, links)
      return body && { type: item.kind === 'route' ? RTM.delRoute : RTM.delRule, flags: 0, body }
    })
  }

  /** Those of these that the kernel does not have. Throws SystemError. */
  missing(items: readonly RoutingItem[], links: LinkLookup): readonly RoutingItem[] {
    const routes = new Map<string, Index>()
    const rules = new Map<number, Index>()
    return items.filter((item) => {
      if (item.kind === 'route') {
        const { family, protocol } = item.route
        const key = `${family} ${protocol}`
        const present = routes.get(key) ?? indexed(this.#routes(family, protocol), RTA.dst)
        routes.set(key, present)
        const wanted = marksOf(inItsTable(item.route, links), links.indexOf)
        return wanted === undefined || !at(present, wanted, RTA.dst).some((each) => isSameRoute(each, wanted))
      }
      const { family } = item.rule
      const present = rules.get(family) ?? indexed(this.#rules(family), FRA.priority)
      rules.set(family, present)
      const wanted = ruleMessage(item.rule)
      return !at(present, wanted, FRA.priority).some((each) => isSameRule(each, wanted))
    })
  }

  close(): void {
    this.#socket.close()
  }

  #routes(family: 4 | 6, protocol: number): readonly Present[] {
    const fixed = new Uint8Array(12)
    fixed[0] = familyNumber(family)
    fixed[5] = protocol
    return this.#list(RTM.getRoute, RTM.newRoute, fixed)
  }

  #rules(family: 4 | 6): readonly Present[] {
    const fixed = new Uint8Array(12)
    fixed[0] = familyNumber(family)
    return this.#list(RTM.getRule, RTM.newRule, fixed)
  }

  #list(request: number, answer: number, fixed: Uint8Array): readonly Present[] {
    const sequence = ++this.#sequence
    const message = encodeNetlink(request, FLAG.request | FLAG.dump, sequence, fixed, [])
    const error = this.#socket.send(message, sockaddrNetlink(0))
    if (error !== undefined) throw error
    const found: Present[] = []
    for (;;) {
      for (const { type, sequence: of, body } of this.#receive('list routes and rules')) {
        if (of !== sequence) continue
        if (type === NLMSG_DONE) return found
        if (type === NLMSG_ERROR) throw new SystemError('list routes and rules', 'by netlink', -body.getInt32(0, true))
        if (type === answer)
          found.push({ fixed: bytesOf(body).subarray(0, 12), attributes: decodeAttributes(body, 12) })
      }
    }
  }

  #change(
    items: readonly RoutingItem[],
    messageOf: (item: RoutingItem) => { type: number; flags: number; body: MessageBody } | undefined,
  ): readonly Refusal[] {
    const refused: Refusal[] = []
    for (let i = 0; i < items.length; i += AT_ONCE)
      refused.push(...this.#changeSome(items.slice(i, i + AT_ONCE), messageOf))
    return refused
  }

  #changeSome(
    items: readonly RoutingItem[],
    messageOf: (item: RoutingItem) => { type: number; flags: number; body: MessageBody } | undefined,
  ): readonly Refusal[] {
    const waiting = new Map<number, RoutingItem>()
    const messages: Uint8Array[] = []
    const refused: Refusal[] = []
    for (const item of items) {
      const message = messageOf(item)
      if (message === undefined) {
        refused.push({ item, error: undefined })
        continue
      }
      const sequence = ++this.#sequence
      waiting.set(sequence, item)
      const { type, flags, body } = message
      messages.push(encodeNetlink(type, FLAG.request | FLAG.ack | flags, sequence, body.fixed, body.attributes))
    }
    if (messages.length === 0) return refused
    const error = this.#socket.send(Buffer.concat(messages), sockaddrNetlink(0))
    if (error !== undefined) {
      // Routes with hundreds of next hops do not fit one message all together.
      if (items.length > 1) return items.flatMap((item) => this.#changeSome([item], messageOf))
      return items.map((item) => ({ item, error }))
    }
    while (waiting.size > 0) {
      for (const { type, sequence, body } of this.#receive('change routes and rules')) {
        const item = waiting.get(sequence)
        if (item === undefined || type !== NLMSG_ERROR) continue
        waiting.delete(sequence)
        const errno = -body.getInt32(0, true)
        if (errno !== 0) refused.push({ item, error: new SystemError('change', item.kind, errno) })
      }
    }
    return refused
  }

  /** The kernel answers while it is being asked: what is not there now does not come. */
  #receive(operation: string) {
    const datagram = this.#socket.receive()
    if (datagram === undefined) throw new SystemError(operation, 'by netlink', constants.errno.EAGAIN)
    return decodeNetlink(datagram)
  }
}

/** What the kernel says of a route or rule that it has. */
interface Present {
  readonly fixed: Uint8Array
  readonly attributes: ReadonlyMap<number, DataView>
}

/** By the bytes of one attribute; '' without it. */
type Index = ReadonlyMap<string, readonly Present[]>

const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('latin1')

function indexed(all: readonly Present[], type: number): Index {
  return Map.groupBy(all, ({ attributes }) => {
    const value = attributes.get(type)
    return textOf(value && bytesOf(value))
  })
}

/** Those that may be the wanted one. */
function at(index: Index, { attributes }: MessageBody, type: number): readonly Present[] {
  return index.get(textOf(attributes.find(([each]) => each === type)?.[1])) ?? []
}

const familyNumber = (family: 4 | 6) => (family === 4 ? AF_INET : AF_INET6)

function inItsTable(route: Route, { tableOf }: LinkLookup): Route {
  return route.vrf === undefined ? route : { ...route, table: tableOf(route.vrf) ?? route.table }
}

function flagsOf(item: RoutingItem): number {
  if (item.kind === 'rule') return FLAG.create | FLAG.exclusive
  switch (item.route.position) {
    case 'first':
      return FLAG.create
    case 'last':
      return FLAG.create | FLAG.append
    case 'alone':
      return FLAG.create | FLAG.exclusive
  }
}

/** What names it to the kernel. */
const deletionOf = (item: RoutingItem, links: LinkLookup): MessageBody | undefined =>
  item.kind === 'route' ? oldRoute(inItsTable(item.route, links), links.indexOf) : ruleMessage(item.rule)

/** Family, lengths, TOS, protocol and type; the table is in an attribute, and the scope was not asked for. */
function isSameRoute({ fixed, attributes }: Present, wanted: NonNullable<ReturnType<typeof marksOf>>): boolean {
  if (![0, 1, 2, 3, 5, 7].every((i) => fixed[i] === wanted.fixed[i])) return false
  // IPv6 makes one route of several to the same destination.
  const ways = [attributes, ...waysOf(attributes.get(RTA.multipath))]
  return (
    wanted.attributes.every((each) => has(attributes, each)) &&
    wanted.hops.every((hop) => ways.some((way) => hop.every((each) => has(way, each))))
  )
}

/** The next hops of a route that has several: struct rtnexthop, then attributes. */
function waysOf(multipath: DataView | undefined): readonly ReadonlyMap<number, DataView>[] {
  if (multipath === undefined) return []
  const ways: Map<number, DataView>[] = []
  for (let offset = 0; offset + 8 <= multipath.byteLength;) {
    const length = multipath.getUint16(offset, true)
    if (length < 8 || offset + length > multipath.byteLength) break
    const part = new DataView(multipath.buffer, multipath.byteOffset + offset, length)
    ways.push(decodeAttributes(part, 8).set(RTA.oif, new DataView(part.buffer, part.byteOffset + 4, 4)))
    offset += (length + 3) & ~3
  }
  return ways
}

/** Family, lengths, TOS, action, and whether it is inverted. */
function isSameRule({ fixed, attributes }: Present, wanted: MessageBody): boolean {
  const isInverted = (bytes: Uint8Array) => ((bytes[8] ?? 0) & FIB_RULE_INVERT) !== 0
  return (
    [0, 1, 2, 3, 7].every((i) => fixed[i] === wanted.fixed[i]) &&
    isInverted(fixed) === isInverted(wanted.fixed) &&
    wanted.attributes.every((each) => has(attributes, each))
  )
}

function has(attributes: ReadonlyMap<number, DataView>, [type, value]: Attribute): boolean {
  const found = attributes.get(type)
  return found !== undefined && Buffer.compare(bytesOf(found), value) === 0
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
