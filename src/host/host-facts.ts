import { readFileSync } from 'node:fs'
import { Rtnetlink } from '../linux/rtnetlink.ts'
import type { HostInterface } from '../model/host-interface.ts'

/** Settings of the kernel that decide what becomes of a director's packets. */
const SYSCTLS = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.conf.default.rp_filter',
  'net.ipv4.conf.lo.rp_filter',
  'net.ipv4.ip_nonlocal_bind',
  'net.ipv4.icmp_ratelimit',
  'net.ipv4.icmp_msgs_per_sec',
  'net.core.bpf_jit_enable',
  'net.core.bpf_jit_harden',
  'kernel.unprivileged_bpf_disabled',
] as const

/** Every interface of this network namespace. Throws SystemError. */
export function interfaceFacts(): readonly HostInterface[] {
  const rtnetlink = new Rtnetlink()
  try {
    const all = rtnetlink.addresses()
    return rtnetlink.links().map(({ name, index, kind, up, mtu, mac }) => ({
      name,
      index,
      kind,
      up,
      mtu,
      mac: [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
      addresses: all.filter((each) => each.index === index).map(({ address, prefix }) => `${address}/${prefix}`),
    }))
  } finally {
    rtnetlink.close()
  }
}

/** By name; what this kernel or namespace does not have is left out. */
export function sysctlFacts(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SYSCTLS.flatMap((name): [string, string][] => {
      try {
        return [[name, readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim()]]
      } catch {
        return []
      }
    }),
  )
}
