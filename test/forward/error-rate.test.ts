import { expect, test } from 'vitest'
import { encodeErrorRate } from '../../src/forward/ebpf/layout/error-rate-layout.ts'
import { readIcmpLimits } from '../../src/linux/icmp-limits.ts'

const reader = (files: Readonly<Record<string, string>>) => (name: string) => {
  const text = files[name]
  if (text === undefined) throw new Error(`ENOENT: ${name}`)
  return text
}
const DEFAULTS = {
  ratelimit: 1000,
  ratemask: 0x1818,
  ratelimit6: 1000,
  ratemask6: 0xffff_fffb,
  msgsPerSecond: 1000,
  msgsBurst: 50,
}

test("the kernel's limits as it writes them", () => {
  const files = {
    'ipv4/icmp_ratelimit': '250\n',
    'ipv4/icmp_ratemask': '6160\n',
    'ipv4/icmp_msgs_per_sec': '0\n',
    'ipv4/icmp_msgs_burst': '10\n',
    'ipv6/icmp/ratelimit': '500\n',
    'ipv6/icmp/ratemask': '1,3-4,40-127\n',
  }
  const limits = {
    ratelimit: 250,
    ratemask: 6160,
    ratelimit6: 500,
    ratemask6: 0b11010,
    msgsPerSecond: 0,
    msgsBurst: 10,
  }
  expect(readIcmpLimits(reader(files))).toEqual(limits)
})

test('its defaults, as it writes them and where it says nothing', () => {
  const files = { 'ipv4/icmp_ratemask': '6168\n', 'ipv6/icmp/ratemask': '0-1,3-127\n' }
  expect(readIcmpLimits(reader(files))).toEqual(DEFAULTS)
  expect(readIcmpLimits(reader({}))).toEqual(DEFAULTS)
  expect(readIcmpLimits(reader({ 'ipv6/icmp/ratemask': '\n' }))).toEqual({ ...DEFAULTS, ratemask6: 0 })
})

test('this kernel has them', () => {
  expect(Object.values(readIcmpLimits()).filter((value) => !Number.isInteger(value) || value < 0)).toEqual([])
})

test('in nanoseconds for the core; IPv6 has four times as many; none a second is none for ever', () => {
  const words = (limits: Partial<typeof DEFAULTS>) => {
    const bytes = encodeErrorRate({ ...DEFAULTS, ...limits })
    const view = new DataView(bytes.buffer)
    return [0, 8, 16].map((at) => view.getBigUint64(at, true))
  }
  expect(words({})).toEqual([1_000_000_000n, 250_000_000n, 1_000_000n])
  expect(words({ msgsPerSecond: 0 })[2]).toBeGreaterThan(10n ** 15n)
})
