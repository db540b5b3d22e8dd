import { decodeAttributes, encodeAttributes } from './netlink-message.ts'
import { Rtnetlink } from './rtnetlink.ts'
import { AF_INET } from './socket.ts'

/** The index of the loopback interface, in every network namespace. */
export const LOOPBACK_IFINDEX = 1

const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const NLM_F_ACK = 4
const IFLA_AF_SPEC = 26
const IFLA_INET_CONF = 1
const IPV4_DEVCONF_ACCEPT_LOCAL = 23

/** struct ifinfomsg of the loopback interface. */
function loopback(): Uint8Array {
  const link = new Uint8Array(16)
  new DataView(link.buffer).setInt32(4, LOOPBACK_IFINDEX, true)
  return link
}

/**
 * Whether the kernel takes IPv4 packets from this host's own addresses that a program has put on the loopback interface
 * (`net.ipv4.conf.lo.accept_local`). What processes send there brings its route along and is not asked. By netlink, since a service
 * may not see /proc/sys. Throws SystemError.
 */
export function acceptsLocal(): boolean {
  const rtnetlink = new Rtnetlink()
  try {
    const [message] = rtnetlink.request('read accept_local of', RTM_GETLINK, 0, loopback(), [])
    const families = message === undefined ? undefined : decodeAttributes(message.body, 16).get(IFLA_AF_SPEC)
    const inet = families === undefined ? undefined : decodeAttributes(families, 0).get(AF_INET)
    const conf = inet === undefined ? undefined : decodeAttributes(inet, 0).get(IFLA_INET_CONF)
    // Every switch is a word, the first one number 1.
    return conf !== undefined && conf.getInt32((IPV4_DEVCONF_ACCEPT_LOCAL - 1) * 4, true) === 1
  } finally {
    rtnetlink.close()
  }
}

/** By netlink, too. Throws SystemError. */
export function setAcceptLocal(on: boolean): void {
  const value = new Uint8Array(Uint32Array.of(Number(on)).buffer)
  const conf = encodeAttributes([[IPV4_DEVCONF_ACCEPT_LOCAL, value]])
  const inet = encodeAttributes([[IFLA_INET_CONF, conf]])
  const rtnetlink = new Rtnetlink()
  try {
    rtnetlink.request('set accept_local of', RTM_NEWLINK, NLM_F_ACK, loopback(), [
      [IFLA_AF_SPEC, encodeAttributes([[AF_INET, inet]])],
    ])
  } finally {
    rtnetlink.close()
  }
}
