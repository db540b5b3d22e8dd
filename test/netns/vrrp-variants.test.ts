import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { VrrpInstance } from '../../src/model/vrrp.ts'
import { addressBytes, isIpv4 } from '../../src/net/address.ts'
import { checksum } from '../../src/net/checksum.ts'
import { encodeIpHeader } from '../../src/net/ip-header.ts'
import { millis } from '../../src/time.ts'
import { Sequences } from '../../src/vrrp/auth/sequences.ts'
import { type Outgoing, outgoing } from '../../src/vrrp/send.ts'
import { anInstance, ip } from '../vrrp/instances.ts'

const directory = mkdtempSync(join(tmpdir(), 'tanist-variants-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** The packet as the kernel would send it. */
function packet(source: string, { destination, payload, ttl, tos, protocol, identification }: Outgoing): Uint8Array {
  const from = ip(source)
  if (isIpv4(from) && isIpv4(destination)) {
    const fields = { source: from, destination, ttl, tos, protocol, identification, payloadLength: payload.length }
    const header = encodeIpHeader(fields)
    new DataView(header.buffer).setUint16(10, checksum(header))
    return Uint8Array.from([...header, ...payload])
  }
  const header = Buffer.alloc(40)
  header.writeUInt32BE(0x6c00_0000, 0)
  header.writeUInt16BE(payload.length, 4)
  header[6] = protocol
  header[7] = ttl
  header.set(addressBytes(from), 8)
  header.set(addressBytes(destination), 24)
  return Uint8Array.from([...header, ...payload])
}

/** What tcpdump says of one packet. Link type 101: it begins with its IP header. */
function tcpdump(bytes: Uint8Array): string {
  const file = join(directory, 'one.pcap')
  const head = Buffer.alloc(40)
  head.writeUInt32LE(0xa1b2_c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(101, 20)
  head.writeUInt32LE(bytes.length, 32)
  head.writeUInt32LE(bytes.length, 36)
  writeFileSync(file, Buffer.concat([head, bytes]))
  return execFileSync('tcpdump', ['-n', '-vvv', '-r', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

const six: Partial<VrrpInstance> = {
  family: 6,
  multicastGroup: ip('ff02::12'),
  addresses: ['fe80::100', '2001:db8::100'].map((address) => ({ address: ip(address), prefix: 64, device: 'eth0' })),
}
const unicast = { unicastPeers: [{ address: ip('10.0.0.1'), minTtl: 0, maxTtl: 255 }] }
const key = { id: 1, hex: '5a'.repeat(32) }
const hmac = { type: 'hmac', keys: [key], activeKey: 1, window: millis(5000), mode: 'enforce' } as const

test.each<[string, Partial<VrrpInstance>, RegExp]>([
  ['version 2', { version: 2 }, /VRRPv2, Advertisement, vrid 51, prio 200, authtype none, intvl 1s/],
  [
    'version 2 with a password',
    { version: 2, authentication: { type: 'pass', password: 'secret99' } },
    /authtype simple, intvl 1s, length 20, addrs: 10\.0\.0\.100 auth "secret99"/,
  ],
  [
    'version 2 with AH',
    { version: 2, authentication: { type: 'ah', password: 'secret99' } },
    /proto AH \(51\).*AH\(length=4\(24-bytes\),spi=0x0a000002.*VRRPv2.*authtype ah/s,
  ],
  ['version 3', {}, /VRRPv3, Advertisement, vrid 51, prio 200, intvl 100cs, length 12, addrs: 10\.0\.0\.100/],
  ['version 3, unicast', unicast, /10\.0\.0\.2 > 10\.0\.0\.1: VRRPv3/],
  ['version 3 over IPv6', six, /VRRPv3.*intvl 100cs, length 40, addrs\(2\): fe80::100,2001:db8::100/s],
  ['version 3 over IPv6, signed', { ...six, authentication: hmac }, /VRRPv3.*intvl 100cs, length 68/s],
])('tcpdump reads %s without complaint', (_name, change, wanted) => {
  const source = change.family === 6 ? 'fe80::2' : '10.0.0.2'
  const [first] = outgoing(anInstance(change), ip(source), 200, new Sequences(), Date.UTC(2026, 5, 1))
  if (first === undefined) throw new Error('nothing is sent')
  const text = tcpdump(packet(source, first))
  expect(text).toMatch(wanted)
  expect(text).not.toMatch(/bad|truncated|invalid|\[\|/)
})

test.each<[string, Partial<VrrpInstance>]>([
  ['without pseudo-header', { checksum: 'plain' }],
  ['that covers the message and not the signature', { authentication: hmac }],
])('tcpdump reads the rest of an advert over IPv4 with a checksum %s, which it does not know', (_name, change) => {
  const [first] = outgoing(anInstance(change), ip('10.0.0.2'), 200, new Sequences(), Date.UTC(2026, 5, 1))
  if (first === undefined) throw new Error('nothing is sent')
  expect(tcpdump(packet('10.0.0.2', first))).toMatch(/VRRPv3.*\(bad vrrp cksum .*addrs: 10\.0\.0\.100/s)
})
