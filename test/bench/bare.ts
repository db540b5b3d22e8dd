import { join } from 'node:path'
import { foldedAddress } from '../../src/net/address.ts'
import type { Ipv4 } from '../../src/net/ipv4.ts'
import { compileBpf } from '../support/compile.ts'
import { linkOf } from '../support/frames.ts'
import type { Lab } from '../support/lab.ts'

const DEVICES = ['eth0', 'eth1'] as const

/**
 * Puts `bare.bpf.c` on the director of a lab in place of Tanist: packets from the client (by eth0) to the virtual address go
 * to the server (by eth1), and back.
 */
export function attachBare(lab: Lab, vip: Ipv4, server: Ipv4): void {
  const [outside, inside] = [linkOf(lab, 'director', 'eth0'), linkOf(lab, 'director', 'eth1')]
  const macs = (to: string, from: string) =>
    `${to}:${from}`
      .split(':')
      .map((byte) => `0x${byte}`)
      .join(',')
  const object = compileBpf(lab, join(import.meta.dirname, 'bare.bpf.c'), {
    VIP: foldedAddress(vip),
    SERVER: foldedAddress(server),
    CLIENT_LINK: outside.ifindex,
    SERVER_LINK: inside.ifindex,
    CLIENT_MACS: macs(linkOf(lab, 'client', 'eth0').address, outside.address),
    SERVER_MACS: macs(linkOf(lab, 'server', 'eth0').address, inside.address),
  })
  for (const device of DEVICES) {
    lab.run('director', ['tc', 'qdisc', 'add', 'dev', device, 'clsact'])
    lab.run('director', ['tc', 'filter', 'add', 'dev', device, 'ingress', 'bpf', 'da', 'obj', object, 'sec', 'tc'])
  }
}

export function detachBare(lab: Lab): void {
  for (const device of DEVICES) lab.run('director', ['tc', 'qdisc', 'delete', 'dev', device, 'clsact'])
}
