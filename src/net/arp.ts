import { type Ipv4, ipv4At, ipv4Bytes } from './ipv4.ts'

/** A 48-bit Ethernet address. */
export type Mac = Uint8Array

/** Such as `00:00:5e:00:01:33`. */
export const macText = (mac: Mac): string =>
  Buffer.from(mac)
    .toString('hex')
    .replaceAll(/..(?=.)/g, '$&:')

const BROADCAST = new Uint8Array(6).fill(0xff)
const ETHERTYPE_ARP = 0x0806
const LENGTH = 42

/**
 * An Ethernet frame that announces `address` at `mac` (RFC 5227 §3: sender and target protocol address are equal).
 * Some hosts learn only from requests and some only from replies, so callers send both.
 */
export function gratuitousArp(operation: 'request' | 'reply', mac: Mac, address: Ipv4): Uint8Array {
  return arp(operation, mac, address, address)
}

/**
 * An Ethernet frame that asks where `target` is. Whoever has it learns from the question where `sender` is, even if it knew nothing
 * of it before or has just learned something else; Linux believes no announcement then.
 */
export function arpQuestion(mac: Mac, sender: Ipv4, target: Ipv4): Uint8Array {
  return arp('request', mac, sender, target)
}

/** Whose address an ARP reply tells, and where it is; undefined of any other frame. */
export function decodeArpReply(frame: Uint8Array): { readonly address: Ipv4; readonly mac: Mac } | undefined {
  if (frame.length < LENGTH) return undefined
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (view.getUint16(12) !== ETHERTYPE_ARP || view.getUint16(16) !== 0x0800 || view.getUint16(20) !== 2)
    return undefined
  return { address: ipv4At(view, 28), mac: frame.slice(22, 28) }
}

function arp(operation: 'request' | 'reply', mac: Mac, sender: Ipv4, target: Ipv4): Uint8Array {
  const frame = new Uint8Array(LENGTH)
  const view = new DataView(frame.buffer)
  frame.set(BROADCAST, 0)
  frame.set(mac, 6)
  view.setUint16(12, ETHERTYPE_ARP)
  view.setUint16(14, 1) // Ethernet
  view.setUint16(16, 0x0800) // IPv4
  view.setUint8(18, 6)
  view.setUint8(19, 4)
  view.setUint16(20, operation === 'request' ? 1 : 2)
  frame.set(mac, 22)
  frame.set(ipv4Bytes(sender), 28)
  frame.set(operation === 'request' ? BROADCAST : mac, 32)
  frame.set(ipv4Bytes(target), 38)
  return frame
}
