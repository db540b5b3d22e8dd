/**
 * The bytes of netlink messages (rtnetlink(7)), in host order, which is little-endian on every machine that Node's
 * prebuilt binaries and eBPF's offsets here support.
 *
 *     nlmsghdr: u32 length | u16 type | u16 flags | u32 sequence | u32 port
 *     attribute: u16 length | u16 type | value, padded to 4
 */

export interface NetlinkMessage {
  readonly type: number
  readonly sequence: number
  readonly body: DataView
}

export type Attribute = readonly [type: number, value: Uint8Array]

export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
const HEADER = 16
const ATTRIBUTE_HEADER = 4

const align = (length: number) => (length + 3) & ~3

/** One request with its fixed part and attributes. */
export function encodeNetlink(
  type: number,
  flags: number,
  sequence: number,
  fixed: Uint8Array,
  attributes: readonly Attribute[],
): Uint8Array {
  const tail = encodeAttributes(attributes)
  const length = HEADER + align(fixed.length) + tail.length
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
  bytes.set(fixed, HEADER)
  bytes.set(tail, HEADER + align(fixed.length))
  return bytes
}

/** Attributes one after the other; as a value, nested ones. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const length = attributes.reduce((sum, [, value]) => sum + align(ATTRIBUTE_HEADER + value.length), 0)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const [kind, value] of attributes) {
    view.setUint16(offset, ATTRIBUTE_HEADER + value.length, true)
    view.setUint16(offset + 2, kind, true)
    bytes.set(value, offset + ATTRIBUTE_HEADER)
    offset += align(ATTRIBUTE_HEADER + value.length)
  }
  return bytes
}

/** The messages of one datagram; a truncated tail is left out. */
export function decodeNetlink(datagram: Uint8Array): NetlinkMessage[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  const messages: NetlinkMessage[] = []
  let offset = 0
  while (offset + HEADER <= datagram.length) {
    const length = view.getUint32(offset, true)
    if (length < HEADER || offset + length > datagram.length) break
    messages.push({
      type: view.getUint16(offset + 4, true),
      sequence: view.getUint32(offset + 8, true),
      body: new DataView(datagram.buffer, datagram.byteOffset + offset + HEADER, length - HEADER),
    })
    offset += align(length)
  }
  return messages
}

/** The attributes that follow a fixed part of `start` bytes, by type. The last of a type wins. */
export function decodeAttributes(body: DataView, start: number): Map<number, DataView> {
  const attributes = new Map<number, DataView>()
  let offset = start
  while (offset + ATTRIBUTE_HEADER <= body.byteLength) {
    const length = body.getUint16(offset, true)
    if (length < ATTRIBUTE_HEADER || offset + length > body.byteLength) break
    const value = new DataView(body.buffer, body.byteOffset + offset + ATTRIBUTE_HEADER, length - ATTRIBUTE_HEADER)
    attributes.set(body.getUint16(offset + 2, true) & 0x3fff, value)
    offset += align(length)
  }
  return attributes
}
