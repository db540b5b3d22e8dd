import { readFileSync } from 'node:fs'
import { encodeAttributes } from './netlink-message.ts'
import { Rtnetlink } from './rtnetlink.ts'
import { AF_INET } from './socket.ts'

/** The index of the loopback interface, in every network namespace. */
export const LOOPBACK_IFINDEX = 1

const RTM_NEWLINK = 16
const NLM_F_ACK = 4
const IFLA_AF_SPEC = 26
const IFLA_INET_CONF = 1
const IPV4_DEVCONF_ACCEPT_LOCAL = 23

/**
 * Whether the kernel takes IPv4 packets from this host's own addresses that a program has put on the loopback interface
 * (`net.ipv4.conf.lo.accept_local`). What processes send there brings its route along and is not asked.
 */
export function acceptsLocal(): boolean {
  return readFileSync('/proc/sys/net/ipv4/conf/lo/accept_local', 'utf8').trim() === '1'
}

/** By netlink, since a service may not be allowed to write to /proc/sys. Throws SystemError. */
export function setAcceptLocal(on: boolean): void {
  const link = new Uint8Array(16)
  new DataView(link.buffer).setInt32(4, LOOPBACK_IFINDEX, true)
  const value = new Uint8Array(Uint32Array.of(Number(on)).buffer)
  const conf = encodeAttributes([[IPV4_DEVCONF_ACCEPT_LOCAL, value]])
  const inet = encodeAttributes([[IFLA_INET_CONF, conf]])
  const rtnetlink = new Rtnetlink()
  try {
    rtnetlink.request('set accept_local of', RTM_NEWLINK, NLM_F_ACK, link, [
      [IFLA_AF_SPEC, encodeAttributes([[AF_INET, inet]])],
    ])
  } finally {
    rtnetlink.close()
  }
}
