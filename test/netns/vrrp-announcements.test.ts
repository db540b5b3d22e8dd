import { afterEach, beforeEach, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** What a link is told of virtual addresses, as tcpdump reads it. */
let lab: Lab
let director: DirectorHost

const text = (globals: string, more: string) => `global_defs {
  ${globals}
}
vrrp_instance x {
  interface eth0
  virtual_router_id 10
  version 3
  advert_int 0.1
  ${more}
  virtual_ipaddress {
    10.0.0.6/16
    10.0.0.7/16
  }
  virtual_ipaddress_excluded {
    2001:db8::6/64
  }
}
`

beforeEach(() => {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.100.1/16' }])
})
afterEach(() => lab.destroy())

/** When each announcement of an address came, in ms. */
function times(capture: Capture, pattern: RegExp): readonly number[] {
  return [...capture.text.matchAll(pattern)].map(([, at]) => Number(at) * 1000)
}
const request = (address: string) =>
  new RegExp(`^(\\d+\\.\\d+) ARP, .*Request who-has ${address.replaceAll('.', '\\.')} .*tell ${address}`, 'gm')
const gaps = (at: readonly number[]) => at.slice(1).map((time, i) => time - (at[i] ?? time))

test('gratuitous ARPs and neighbour advertisements in blocks, at the pace and as often as is said', async () => {
  const globals = 'vrrp_garp_interval 0.1\n vrrp_gna_interval 0.05'
  const more = 'garp_master_repeat 3\n garp_master_delay 0\n garp_master_refresh 2\n garp_master_refresh_repeat 1'
  director = new DirectorHost(lab, 'director', text(globals, more))
  const capture = await Capture.start(lab, 'lan', 'arp or icmp6[0] == 136')
  await director.start()
  await director.untilState('master')
  const advertisement =
    /^(\d+\.\d+) IP6 .*hlim 255.* 2001:db8::6 > ff02::1: \[icmp6 sum ok\] ICMP6, neighbor advertisement.*tgt is 2001:db8::6, Flags \[router, override\]/gm
  const seen = () => [times(capture, request('10.0.0.6')), times(capture, advertisement)] as const
  await until('a block and a refresh', () => seen().every((each) => each.length >= 4))
  const [arps, advertisements] = seen()
  // Both addresses share the pace of the interface: one is said every second time.
  for (const gap of gaps(arps.slice(0, 3))) expect(gap).toBeGreaterThan(195)
  for (const gap of gaps(advertisements.slice(0, 3))) expect(gap).toBeGreaterThan(48)
  for (const each of [arps, advertisements]) {
    const [first = 0, , , refresh = 0] = each
    expect(refresh - first).toBeGreaterThan(1900)
  }
  expect(capture.text).toContain('destination link-address option (2), length 8 (1)')
  capture.stop()
})

test('vrrp_min_garp: one for each address', async () => {
  director = new DirectorHost(lab, 'director', text('vrrp_min_garp', ''))
  const capture = await Capture.start(lab, 'lan', 'arp')
  await director.start()
  await director.untilState('master')
  const begun = performance.now()
  const count = () => ['10.0.0.6', '10.0.0.7'].map((each) => times(capture, request(each)).length)
  await until('one of each', () => count().every((each) => each === 1))
  await until('the time of a second block', () => performance.now() - begun > 5500)
  expect(count()).toEqual([1, 1])
  capture.stop()
})
