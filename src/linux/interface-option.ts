import { encodeAttributes } from './netlink-message.ts'
import type { Rtnetlink } from './rtnetlink.ts'
import { AF_INET } from './socket.ts'

const RTM_SETLINK = 19
const NLM_F_ACK = 4
const IFLA_AF_SPEC = 26
const IFLA_INET_CONF = 1
const NESTED = 0x8000

/** By the numbers of linux/ip.h. */
const OPTIONS = { promote_secondaries: 20 } as const

/** Sets `net.ipv4.conf.INTERFACE.OPTION` by netlink, which a sandbox that has /proc/sys read-only allows. Throws SystemError. */
export function setInterfaceOption(
  rtnetlink: Rtnetlink,
  index: number,
  option: keyof typeof OPTIONS,
  value: number,
): void {
  const fixed = new Uint8Array(16) // struct ifinfomsg
  new DataView(fixed.buffer).setInt32(4, index, true)
  const conf = encodeAttributes([[OPTIONS[option], new Uint8Array(Uint32Array.of(value).buffer)]])
  const ofInet = encodeAttributes([[IFLA_INET_CONF | NESTED, conf]])
  const spec = encodeAttributes([[AF_INET | NESTED, ofInet]])
  rtnetlink.request(`set ${option} of interface ${index}`, RTM_SETLINK, NLM_F_ACK, fixed, [
    [IFLA_AF_SPEC | NESTED, spec],
  ])
}
