import { decodeAttributes, encodeAttributes } from '../../linux/netlink-message.ts'
import { Rtnetlink } from '../../linux/rtnetlink.ts'
import { AF_INET, AF_INET6 } from '../../linux/socket.ts'
import { SystemError } from '../../linux/libc.ts'

/** Packets of a family with a mark. */
export interface Marked {
  readonly mark: number
  /** The bits of it that count; all of them unless said. */
  readonly mask?: number
  readonly family: 'inet' | 'inet6'
}

/** The pair of links: packets are routed to the first, and come in by the second, where a program takes them. */
export const MARK_LINK = { name: 'tanist-mark', peer: 'tanist-mark-p' } as const

/**
 * Priorities of the rules. The kernel's own first rule, the table of local addresses, must come after the marks, or a packet
 * to a virtual address of this host would be delivered before its mark is looked at; what comes in by the loopback
 * interface is delivered all the same.
 */
const PRIORITY = { fromLoopback: 90, mark: 91, local: 92, kernelsLocal: 0 } as const
/** A table that nobody else has. */
const TABLE = 20461
const TABLE_LOCAL = 255

const RTM = { newLink: 16, delLink: 17, newRoute: 24, newRule: 32, delRule: 33, getRule: 34 } as const
const FLAG = { ack: 4, create: 0x400, exclusive: 0x200, replace: 0x100, dump: 0x300 } as const
const IFLA = { name: 3, mtu: 4, linkInfo: 18, infoKind: 1, infoData: 2, vethPeer: 1 } as const
const FRA = { iifName: 3, priority: 6, mark: 10, table: 15, mask: 16 } as const
const WHOLE_MARK = 0xffff_ffff
const RTA = { oif: 4, table: 15 } as const
const IFF_UP = 0x1
const IFF_NOARP = 0x80
const FR_ACT_TO_TBL = 1
const RTPROT_STATIC = 4
const RT_SCOPE_LINK = 253
const RTN_UNICAST = 1
/** Longer than any packet that the kernel routes. */
const MTU = 65_535

const FAMILY = { inet: AF_INET, inet6: AF_INET6 } as const

/** Has the kernel route packets with certain firewall marks to a link of our own. Only while there are marks: any rule slows routing. */
export class MarkRoute {
  readonly #rtnetlink = new Rtnetlink()

  /** Adds what these marks need, and takes nothing away. Returns as `follow` does. Throws SystemError. */
  prepare(marks: readonly Marked[]): number | undefined {
    if (marks.length === 0) return undefined
    const ifindex = this.#link()
    for (const family of ['inet', 'inet6'] as const) {
      const wanted = marks.filter((each) => each.family === family)
      if (wanted.length === 0) continue
      const present = this.#marks(family)
      if (present.length === 0) this.#prepare(family, ifindex)
      for (const each of without(wanted, present)) this.#rule(family, 'add', PRIORITY.mark, TABLE, each)
    }
    return this.#find(MARK_LINK.peer)
  }

  /** The rules and the link for exactly these marks. Returns the index of the link that packets come in by, if there are any. Throws SystemError. */
  follow(marks: readonly Marked[]): number | undefined {
    const ifindex = this.prepare(marks)
    for (const family of ['inet', 'inet6'] as const) {
      const wanted = marks.filter((each) => each.family === family)
      const present = this.#marks(family)
      if (wanted.length === 0) {
        if (present.length > 0) this.#restore(family)
        continue
      }
      for (const each of without(present, wanted)) this.#rule(family, 'delete', PRIORITY.mark, TABLE, each)
    }
    if (marks.length === 0) this.#removeLink()
    return ifindex
  }

  close(): void {
    this.#rtnetlink.close()
  }

  #prepare(family: Marked['family'], ifindex: number): void {
    const route = new Uint8Array(12)
    route[0] = FAMILY[family]
    route.set([RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST], 5)
    this.#rtnetlink.request('route to', RTM.newRoute, FLAG.ack | FLAG.create | FLAG.replace, route, [
      [RTA.oif, u32(ifindex)],
      [RTA.table, u32(TABLE)],
    ])
    this.#rule(family, 'add', PRIORITY.fromLoopback, TABLE_LOCAL, { from: 'lo' })
    this.#rule(family, 'add', PRIORITY.local, TABLE_LOCAL, {})
    this.#rule(family, 'delete', PRIORITY.kernelsLocal, TABLE_LOCAL, {})
  }

  #restore(family: Marked['family']): void {
    this.#rule(family, 'add', PRIORITY.kernelsLocal, TABLE_LOCAL, {})
    for (const each of this.#marks(family)) this.#rule(family, 'delete', PRIORITY.mark, TABLE, each)
    this.#rule(family, 'delete', PRIORITY.local, TABLE_LOCAL, {})
    this.#rule(family, 'delete', PRIORITY.fromLoopback, TABLE_LOCAL, { from: 'lo' })
  }

  /** Adds or deletes a rule; that it is there, or is not, is no error. */
  #rule(
    family: Marked['family'],
    verb: 'add' | 'delete',
    priority: number,
    table: number,
    selector: Partial<Omit<Marked, 'family'>> & { readonly from?: string },
  ): void {
    const rule = new Uint8Array(12)
    rule[0] = FAMILY[family]
    rule[7] = FR_ACT_TO_TBL
    const attributes: [number, Uint8Array][] = [
      [FRA.priority, u32(priority)],
      [FRA.table, u32(table)],
    ]
    if (selector.mark !== undefined) attributes.push([FRA.mark, u32(selector.mark)])
    if (selector.mask !== undefined) attributes.push([FRA.mask, u32(selector.mask)])
    if (selector.from !== undefined) attributes.push([FRA.iifName, text(selector.from)])
    const flags = verb === 'add' ? FLAG.create | FLAG.exclusive : 0
    try {
      const type = verb === 'add' ? RTM.newRule : RTM.delRule
      this.#rtnetlink.request(`${verb} rule ${priority}`, type, FLAG.ack | flags, rule, attributes)
    } catch (error) {
      const expected = verb === 'add' ? 'EEXIST' : 'ENOENT'
      if (!(error instanceof SystemError) || error.code !== expected) throw error
    }
  }

  /** The marks that have a rule of ours. */
  #marks(family: Marked['family']): Marked[] {
    const fixed = new Uint8Array(12)
    fixed[0] = FAMILY[family]
    return this.#rtnetlink.request('list rules', RTM.getRule, FLAG.dump, fixed, []).flatMap((message) => {
      const attributes = decodeAttributes(message.body, 12)
      const mark = attributes.get(FRA.mark)?.getUint32(0, true)
      if (attributes.get(FRA.priority)?.getUint32(0, true) !== PRIORITY.mark || mark === undefined) return []
      return [{ mark, mask: attributes.get(FRA.mask)?.getUint32(0, true) ?? WHOLE_MARK, family }]
    })
  }

  /** The index of the link, which is made where it is not there. */
  #link(): number {
    const found = this.#find(MARK_LINK.name)
    if (found !== undefined) return found
    const peer = Buffer.concat([new Uint8Array(16), encodeAttributes([[IFLA.name, text(MARK_LINK.peer)]])])
    const info = encodeAttributes([
      [IFLA.infoKind, Buffer.from('veth')],
      [IFLA.infoData, encodeAttributes([[IFLA.vethPeer, peer]])],
    ])
    const flags = FLAG.ack | FLAG.create | FLAG.exclusive
    this.#rtnetlink.request(`add link ${MARK_LINK.name}`, RTM.newLink, flags, new Uint8Array(16), [
      [IFLA.name, text(MARK_LINK.name)],
      [IFLA.linkInfo, info],
    ])
    for (const name of [MARK_LINK.peer, MARK_LINK.name]) {
      const change = new Uint8Array(16)
      const view = new DataView(change.buffer)
      view.setInt32(4, this.#find(name) ?? 0, true)
      view.setUint32(8, IFF_UP | IFF_NOARP, true)
      view.setUint32(12, IFF_UP | IFF_NOARP, true)
      this.#rtnetlink.request(`set up ${name}`, RTM.newLink, FLAG.ack, change, [[IFLA.mtu, u32(MTU)]])
    }
    return this.#find(MARK_LINK.name) ?? 0
  }

  #find(name: string): number | undefined {
    return this.#rtnetlink.links().find((link) => link.name === name)?.index
  }

  #removeLink(): void {
    const ifindex = this.#find(MARK_LINK.name)
    if (ifindex === undefined) return
    const fixed = new Uint8Array(16)
    new DataView(fixed.buffer).setInt32(4, ifindex, true)
    this.#rtnetlink.request(`delete link ${MARK_LINK.name}`, RTM.delLink, FLAG.ack, fixed, [])
  }
}

/** Those of one family that are not among the others. */
function without(marks: readonly Marked[], others: readonly Marked[]): readonly Marked[] {
  const keyOf = ({ mark, mask = WHOLE_MARK }: Marked) => `${mark}/${mask}`
  const known = new Set(others.map(keyOf))
  return marks.filter((each) => !known.has(keyOf(each)))
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

const text = (value: string): Uint8Array => Buffer.from(`${value}\0`)
