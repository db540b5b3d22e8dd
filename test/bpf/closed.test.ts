import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closedAddresses } from '../../src/forward/ebpf/service-marks.ts'
import type { AddressService } from '../../src/model/service.ts'
import { Core } from '../../src/forward/ebpf/core.ts'
import { Bench, DROP, type Family, NAME, NETWORK, PASS, REDIRECT, VIP } from './bench.ts'
import { changed, IP } from './crafted.ts'
import { address, type Ends, FLAG, icmpError, ipsec, tcp, udp, udpFragments } from './packets.ts'

/** RFC 9568 §6.4.3 with Accept_Mode false: what is for the virtual address itself is dropped, neighbour discovery is not. */
let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => {
  bench.core.ownAddresses.follow([])
  bench.core.setClosedAddresses([])
  bench.close()
})

const vip = (family: Family) => address(NETWORK[family].vip)
const close = (family: Family, isHere = true) => {
  bench.core.ownAddresses.follow(isHere ? [vip(family)] : [])
  bench.core.setClosedAddresses([vip(family)])
}
const ends = (family: Family, port = 80): Ends => ({
  source: [family === 'ipv4' ? '10.0.9.1' : '2001:db8:9::1', 40_000],
  destination: [NETWORK[family].vip, port],
})
const ICMP = { ipv4: 1, ipv6: 58 } as const
/** Another protocol in place of UDP, and the first byte behind the IP header. */
const other = (family: Family, protocol: number, type: number) =>
  changed(udp(ends(family)), (bytes) => {
    bytes[IP + (family === 'ipv4' ? 9 : 6)] = protocol
    bytes[IP + (family === 'ipv4' ? 20 : 40)] = type
  })
const echo = (family: Family) => other(family, ICMP[family], family === 'ipv4' ? 8 : 128)
const dropped = () => bench.core.drops().closed

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  test('what is no service’s is dropped and counted, whatever protocol it is', () => {
    bench.serve([1], { family })
    const [first, later] = udpFragments(ends(family), 'x'.repeat(100), 40)
    const packets = [
      tcp(ends(family, 22), FLAG.syn),
      tcp(ends(family), FLAG.ack),
      udp(ends(family, 53)),
      echo(family),
      ipsec('ESP', ends(family).source[0], NETWORK[family].vip, 'x'),
      other(family, 47, 0),
      first,
      later,
    ]
    expect(packets.map((packet) => bench.run(packet))).toEqual(packets.map(() => PASS))
    close(family)
    expect(packets.map((packet) => bench.run(packet))).toEqual(packets.map(() => DROP))
    expect(dropped()).toBe(BigInt(packets.length))
    bench.core.setClosedAddresses([])
    expect(packets.map((packet) => bench.run(packet))).toEqual(packets.map(() => PASS))
  })

  test('what is a service’s is balanced, to a server elsewhere or to this host itself, and so are errors about it', () => {
    close(family)
    bench.serve([1], { family, forwarding: { method: 'DR' }, port: 80 })
    expect(bench.run(tcp(ends(family), FLAG.syn))).toBe(REDIRECT)
    bench.serve([1], { family, forwarding: { method: 'DR' }, port: 80, protocol: 'UDP', local: true })
    expect(bench.run(udp(ends(family)))).toBe(PASS)
    const { source, destination } = ends(family)
    const answer = udp({ source: destination, destination: source })
    const [type, code] = family === 'ipv4' ? [3, 1] : [1, 3] // host or address unreachable
    const about = (quoted: Uint8Array) => bench.run(icmpError(type, code, source[0], destination[0], quoted, 20))
    expect(about(answer)).toBe(PASS)
    expect(about(udp({ source: [destination[0], 53], destination: source }))).toBe(DROP)
    expect(dropped()).toBe(1n)
  })

  test('while the address is another host’s, its packets are routed', () => {
    close(family, false)
    expect(bench.run(tcp(ends(family, 22), FLAG.syn))).toBe(PASS)
  })

  test('other addresses of this host are open', () => {
    close(family)
    const own = family === 'ipv4' ? '10.0.0.1' : '2001:db8::1'
    bench.core.ownAddresses.follow([vip(family), address(own)])
    expect(bench.run(tcp({ ...ends(family), destination: [own, 22] }, FLAG.syn))).toBe(PASS)
  })

  test('one that is on its way to the firewall, or has been balanced by another director, is not dropped', () => {
    close(family)
    const server = {
      endpoint: { address: address(`${NETWORK[family].servers}11`), port: 80 },
      forwarding: { method: 'DR' as const },
      weight: 1,
      fullWeight: 1,
      thresholds: { upper: 0, lower: 0 },
    }
    bench.lay([server], { family, scheduler: 'rr', port: 80, throughFirewall: true })
    expect(bench.run(tcp(ends(family), FLAG.syn))).toBe(PASS)
    const mac = Uint8Array.of(0x02, 0, 0, 0, 1, 0x47)
    const balanced = changed(tcp(ends(family, 22), FLAG.syn), (bytes) => {
      bytes.set(mac, 6)
      bytes[IP + (family === 'ipv4' ? 8 : 7)] = 63
    })
    expect(bench.run(balanced)).toBe(DROP)
    bench.core.setOtherDirectors([{ family: family === 'ipv4' ? 4 : 6, vip: vip(family), mac }])
    expect(bench.run(balanced)).toBe(PASS)
    bench.core.setOtherDirectors([])
  })
})

test.each([
  ['router solicitation', 133, PASS],
  ['router advertisement', 134, PASS],
  ['neighbour solicitation', 135, PASS],
  ['neighbour advertisement', 136, PASS],
  ['redirect', 137, PASS],
  ['listener query', 130, DROP],
  ['echo request', 128, DROP],
])('neighbour discovery is never dropped: %s', (_name, type, verdict) => {
  close('ipv6')
  expect(bench.run(other('ipv6', ICMP.ipv6, type))).toBe(verdict)
})

test('the numbers of ICMPv6 say nothing in IPv4, nor in a datagram', () => {
  close('ipv4')
  expect(bench.run(other('ipv4', ICMP.ipv4, 135))).toBe(DROP)
  close('ipv6')
  expect(bench.run(udp({ ...ends('ipv6'), source: ['2001:db8:9::1', 135 << 8] }))).toBe(DROP)
})

test('a core that nobody steers any more lets everything pass', () => {
  close('ipv4')
  bench.core.setInertAt(1n)
  expect(bench.run(echo('ipv4'))).toBe(PASS)
  bench.core.setInertAt(0n)
  expect(bench.run(echo('ipv4'))).toBe(DROP)
})

test('a trace names it', () => {
  close('ipv4')
  expect(bench.core.trace(tcp(ends('ipv4', 22), FLAG.syn), 0)).toMatchObject({ outcome: 'dropped', rule: 'closed' })
  expect(dropped()).toBe(0n)
})

test('a core that is taken over remembers what is closed', () => {
  close('ipv4')
  bench.core.setTimeouts({ tcp: 100, tcpFin: 10, udp: 20 })
  const next = new Core(NAME)
  try {
    expect([next.adopted, bench.run(echo('ipv4'))]).toEqual([true, DROP])
  } finally {
    next.close()
  }
})

test('no address of a family with a service by a firewall’s mark is closed: the mark comes later', () => {
  const wanted = [address(VIP), address('2001:db8::100')]
  const by = (family: 'inet' | 'inet6') => ({ id: { by: 'fwmark', mark: 5, family }, marked: [] }) as const
  expect(closedAddresses(wanted, [])).toEqual(wanted)
  expect(closedAddresses(wanted, [by('inet')])).toEqual(['2001:db8::100'])
  expect(closedAddresses(wanted, [by('inet'), by('inet6')])).toEqual([])
  const told: AddressService = { by: 'address', protocol: 'TCP', vip: { address: address(VIP), port: 80 } }
  expect(closedAddresses(wanted, [{ ...by('inet'), marked: [told] }])).toEqual(wanted)
})
