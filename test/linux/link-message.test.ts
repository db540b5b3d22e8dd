import { expect, test } from 'vitest'
import { decodeNetlink, encodeAttributes, encodeNetlink } from '../../src/linux/netlink-message.ts'
import { decodeLink } from '../../src/linux/rtnetlink.ts'

const text = (value: string) => Buffer.from(`${value}\0`)
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)

/** What the kernel says of an interface (RTM_NEWLINK) with this IFLA_LINKINFO; this kernel need not have VRFs. */
function link(kind: string | undefined, data: Uint8Array = new Uint8Array()) {
  const info =
    kind === undefined
      ? []
      : [
          [
            18,
            encodeAttributes([
              [1, text(kind)],
              [2, data],
            ]),
          ] as const,
        ]
  const [message] = decodeNetlink(encodeNetlink(16, 0, 1, new Uint8Array(16), [[3, text('blue')], ...info]))
  return message && decodeLink(message)
}

test('a VRF has a table, and nothing else has', () => {
  expect(link('vrf', encodeAttributes([[1, u32(77)]]))).toMatchObject({ name: 'blue', vrfTable: 77 })
  expect(link('bridge', encodeAttributes([[1, u32(77)]]))?.vrfTable).toBeUndefined()
  expect(link('vrf')?.vrfTable).toBeUndefined()
  expect(link(undefined)?.vrfTable).toBeUndefined()
})
