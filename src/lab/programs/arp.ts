/**
 * Finds who answers for an address: ARP for IPv4, neighbour solicitation for IPv6.
 *
 *     arp.ts INTERFACE [unheard]
 *
 * Asked with an address, it answers with the MAC addresses, sorted, that have said within 300 ms that they have it. This machine itself is
 * not asked. `unheard`: answers go to a MAC address that nobody has, past the kernel of this machine: it would learn from them who has the
 * address now, and never find out that nobody has told it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { FrameReceiver } from '../../linux/frame-receiver.ts'
import { FrameSender } from '../../linux/frame-sender.ts'
import { type Link, Rtnetlink } from '../../linux/rtnetlink.ts'
import { type Address, type Ipv6, isIpv4, isLinkLocal, parseAddress } from '../../net/address.ts'
import { arpQuestion, decodeArpReply, macText } from '../../net/arp.ts'
import type { Ipv4 } from '../../net/ipv4.ts'
import { decodeAdvertisement, neighbourSolicitation } from '../../net/neighbour-solicitation.ts'
import { assemble, OP } from '../../net/packet-filter.ts'
import { monotonicNow } from '../monotonic.ts'
import { work } from '../program.ts'

const WINDOW_MS = 300
const LOOK_MS = 10
/** An ARP probe has no sender (RFC 5227 §1.1). */
const NOBODY = '0.0.0.0' as Ipv4
/** Offsets from the Ethernet header on: the second byte of the type, and the first one of ICMPv6. */
const TYPE = { first: 12, last: 13, arp: 0x06, ipv6: 0xdd } as const
const ICMPV6_TYPE = 54
const ADVERTISEMENT = 136

const ONLY_ANSWERS = assemble([
  { op: OP.loadByte, k: TYPE.last },
  { op: OP.ifEqual, k: TYPE.arp, yes: 'ARP', no: 'not ARP' },
  { label: 'ARP' },
  { op: OP.loadByte, k: TYPE.first },
  { op: OP.ifEqual, k: 0x08, yes: 'keep', no: 'drop' },
  { label: 'not ARP' },
  { op: OP.ifEqual, k: TYPE.ipv6, no: 'drop' },
  { op: OP.loadByte, k: ICMPV6_TYPE },
  { op: OP.ifEqual, k: ADVERTISEMENT, no: 'drop' },
  { label: 'keep' },
  { op: OP.answer, k: 0xffff },
  { label: 'drop' },
  { op: OP.answer, k: 0 },
])

const [name = '', how] = process.argv.slice(2)
const isUnheard = how === 'unheard'
const netlink = new Rtnetlink()
const sender = new FrameSender()

/** An interface may have been made anew. */
function link(): Link {
  const found = netlink.links().find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no interface ${name}`)
  return found
}

/** Of no machine: another one than `mac`, for one machine. */
const nobodys = (mac: Uint8Array): Uint8Array => mac.map((byte, i) => (i === 0 ? (byte | 0x02) ^ 0x04 : byte))

/** `fe80::` with this MAC address in it (RFC 4291 appendix A). */
function linkLocalOf(mac: Uint8Array): Ipv6 {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac
  const groups = [((a ^ 0x02) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f]
  const address = parseAddress(`fe80::${groups.map((group) => group.toString(16)).join(':')}`)
  if (address === undefined) throw new Error('no link-local address')
  return address as Ipv6
}

function questionFor(target: Address, { index, mac }: Link): Uint8Array {
  if (isUnheard) {
    const nobody = nobodys(mac)
    // Who answers learns from the question, too: of nobody there is nothing to learn.
    return isIpv4(target)
      ? arpQuestion(nobody, NOBODY, target)
      : neighbourSolicitation(nobody, linkLocalOf(nobody), target)
  }
  const own = netlink.addresses().filter((each) => each.index === index)
  if (isIpv4(target)) {
    const sender = own.find(({ address }) => isIpv4(address))?.address ?? NOBODY
    return arpQuestion(mac, sender as Ipv4, target)
  }
  const ours = own.filter(({ address, tentative }) => !isIpv4(address) && !tentative)
  const from = (ours.find(({ address }) => isLinkLocal(address)) ?? ours[0])?.address
  if (from === undefined) throw new Error(`${name} has no IPv6 address to ask from`)
  return neighbourSolicitation(mac, from as Ipv6, target)
}

async function whoHas(target: Address): Promise<readonly string[]> {
  const here = link()
  const receiver = new FrameReceiver(here.index, ONLY_ANSWERS)
  try {
    const error = sender.send(here.index, questionFor(target, here))
    if (error !== undefined) throw error
    const own = macText(here.mac)
    const macs = new Set<string>()
    const end = monotonicNow() + WINDOW_MS
    for (let isLast = false; !isLast;) {
      isLast = monotonicNow() >= end
      for (let frame = receiver.receive(); frame !== undefined; frame = receiver.receive()) {
        const answer = decodeArpReply(frame) ?? decodeAdvertisement(frame)
        if (answer?.address === target && macText(answer.mac) !== own) macs.add(macText(answer.mac))
      }
      if (!isLast) await sleep(LOOK_MS)
    }
    return [...macs].toSorted()
  } finally {
    receiver.close()
  }
}

link()
work(async (question) => {
  const address = parseAddress(String(question))
  if (address === undefined) throw new Error(`${String(question)} is no address`)
  return await whoHas(address)
})
