import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Ends,
  FLAG,
  fragmentsOf,
  icmpError,
  ipsec,
  reverse,
  sctp,
  tcp,
  udp,
  withIpOptions,
} from '../bpf/packets.ts'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { FrameHost } from '../support/frame-exchange.ts'
import { Lab, until } from '../support/lab.ts'

/**
 * Two directors that are each other's real servers, by direct routing: each sends the other what it gets, until the packet's hops
 * are used up. (With TUN the same is tested on the program alone, test/bpf/icmp.test.ts.)
 */
const VIP = { ipv4: '10.0.0.6', ipv6: '2001:db8::6' } as const
const CLIENT = { ipv4: '10.0.0.99', ipv6: '2001:db8::99' } as const
const OTHER = { ipv4: (i: number) => `10.0.0.${3 - i}`, ipv6: (i: number) => `2001:db8::${3 - i}` } as const
const HOPS = 64
const PAYLOAD = 'x'.repeat(1000)

const lab = new Lab()
let client: FrameHost
let capture: Capture
const directors: DirectorHost[] = []

beforeAll(async () => {
  lab.addSwitch('ring')
  lab.addHost('client', [{ switch: 'ring', address: '10.0.0.10/24' }])
  for (const i of [1, 2]) {
    const host = `director${i}`
    lab.addHost(host, [{ switch: 'ring', address: `10.0.0.${i}/24` }])
    lab.run(host, ['ip', 'address', 'add', `2001:db8::${i}/64`, 'dev', 'eth0', 'nodad'])
    lab.run(host, ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
    for (const vip of [`${VIP.ipv4}/32`, `${VIP.ipv6}/128`]) lab.run(host, ['ip', 'address', 'add', vip, 'dev', 'lo'])
    const services = (['ipv4', 'ipv6'] as const).flatMap((family) =>
      [
        ['TCP', 80],
        ['UDP', 80],
        ['UDP', 500],
        ['SCTP', 80],
      ].map(
        ([protocol, port]) => `virtual_server ${VIP[family]} ${port} {
  lvs_method DR
  protocol ${protocol}
  real_server ${OTHER[family](i)} ${port} { }
}
`,
      ),
    )
    const director = new DirectorHost(lab, host, services.join(''))
    directors.push(director)
    await director.start()
  }
  client = await FrameHost.start(lab, 'client', 'director1', 'eth0', [CLIENT.ipv4, CLIENT.ipv6])
  capture = await Capture.start(lab, 'ring', `dst host ${VIP.ipv4} or dst host ${VIP.ipv6}`)
})
afterAll(() => lab.destroy())

/** Packets of which both directors say that they have used up their hops. */
async function usedUp(): Promise<number> {
  const drops = await Promise.all(directors.map(async (director) => (await director.status()).drops['ttl'] ?? 0))
  return drops.reduce((sum, each) => sum + each, 0)
}
const onTheWire = () => capture.text.split('\n').filter((line) => /^\d+\.\d+ IP/.test(line)).length

test.each(['ipv4', 'ipv6'] as const)('whatever it is, it passes as often as it has hops: %s', async (family) => {
  const ends: Ends = { source: [CLIENT[family], 40000], destination: [VIP[family], 80] }
  const [type, code] = family === 'ipv4' ? [3, 1] : [1, 0]
  const error = (answer: Uint8Array) => icmpError(type, code, CLIENT[family], VIP[family], answer)
  const fragments = fragmentsOf(udp(ends, PAYLOAD), [0, 504])
  const packets = {
    'a SYN': tcp(ends, FLAG.syn),
    'a datagram': udp(ends, 'abc'),
    'an INIT': sctp(ends, 1, 'x'.repeat(16)),
    'a key exchange': udp({ source: [CLIENT[family], 500], destination: [VIP[family], 500] }),
    ESP: ipsec('ESP', CLIENT[family], VIP[family], 'secret'),
    'a first fragment': fragments[0],
    'a later fragment': fragments[1],
    'an ICMP error about TCP': error(tcp(reverse(ends), FLAG.ack)),
    'an ICMP error about UDP': error(udp(reverse(ends))),
    'an ICMP error about SCTP': error(sctp(reverse(ends), 0)),
    ...(family === 'ipv4' ? { 'IP options': withIpOptions(udp(ends, 'abc'), [1, 1, 1, 1]) } : {}),
  }
  for (const [name, packet] of Object.entries(packets)) {
    const [before, seen] = [await usedUp(), onTheWire()]
    await client.send(packet === undefined ? [] : [packet])
    await until(`the end of ${name}`, async () => (await usedUp()) > before)
    await until(`all of ${name} on the wire`, () => onTheWire() - seen >= HOPS)
    expect({ name, ended: (await usedUp()) - before, seen: onTheWire() - seen }).toEqual({ name, ended: 1, seen: HOPS })
  }
})
