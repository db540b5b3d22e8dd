import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Forwarding } from '../../src/model/service.ts'
import { Bench, type Family, VIP } from './bench.ts'
import { FLAG, tcp } from './packets.ts'

/**
 * Whole packets, byte for byte, as they leave a director: client 10.0.0.2, virtual address 10.0.0.100, real server
 * 192.168.1.11, director 192.168.1.1. They were computed without this project's code, by the RFCs, and have what IPVS's have:
 * one hop less, the outer header's TTL and type of service those of the inner one, don't-fragment as within, GUE's
 * `00 04 00 00` and GRE's `0000 0800` or `8000 0800`.
 */
const CLIENT = '10.0.0.2'
const SERVER = '192.168.1.11'
const DONT_FRAGMENT = { dontFragment: true, id: 0x1234, tos: 0x10 } as const
const ETHERNET = 14

const INNER = '45100028123440003f061527 0a000002 0a000064 9c4000500000000000000000 50020000feec0000'
const tunnel = (tunnelled: Extract<Forwarding, { method: 'TUN' }>['tunnel']): Forwarding => ({
  method: 'TUN',
  tunnel: tunnelled,
})

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const hex = (bytes: Uint8Array) => Buffer.from(bytes.subarray(ETHERNET)).toString('hex')
const spaced = (text: string) => text.replaceAll(' ', '')
const syn = () => tcp({ source: [CLIENT, 40000], destination: [VIP, 80] }, FLAG.syn, '', DONT_FRAGMENT)

test('NAT, there and back', () => {
  bench.serve([1])
  expect(hex(bench.sendRaw(syn()))).toBe(
    spaced('45100028123440003f065dd7 0a000002 c0a8010b 9c401f900000000000000000 50020000285d0000'),
  )
  const answer = { source: [SERVER, 8080], destination: [CLIENT, 40000] } as const
  const back = bench.sendRaw(tcp(answer, FLAG.syn | FLAG.ack, '', DONT_FRAGMENT))
  expect(hex(back)).toBe(spaced('45100028123440003f061527 0a000064 0a000002 00509c400000000000000000 50120000fedc0000'))
})

const CASES: readonly (readonly [name: string, Forwarding, servers: Family, leaves: string])[] = [
  ['DR', { method: 'DR' }, 'ipv4', INNER],
  ['IP in IP', tunnel({ type: 'ipip' }), 'ipv4', `4510003c000040003f04b851 c0a80101 c0a8010b ${INNER}`],
  [
    'IP in IPv6',
    tunnel({ type: 'ipip' }),
    'ipv6',
    `610000000028043f 20010db8000100000000000000000001 20010db8000100000000000000000011 ${INNER}`,
  ],
  [
    'GRE',
    tunnel({ type: 'gre', checksum: false }),
    'ipv4',
    `45100040000040003f2fb822 c0a80101 c0a8010b 00000800 ${INNER}`,
  ],
  [
    'GRE with checksum',
    tunnel({ type: 'gre', checksum: true }),
    'ipv4',
    `45100044000040003f2fb81e c0a80101 c0a8010b 80000800 8c7f0000 ${INNER}`,
  ],
]

test.each(CASES)('%s', (_name, forwarding, serverFamily, leaves) => {
  bench.serve([1], { forwarding, serverFamily, port: 80 })
  expect(hex(bench.sendRaw(syn()))).toBe(spaced(leaves))
})

test('GUE, from a source port that is the flow’s own', () => {
  bench.serve([1], { forwarding: tunnel({ type: 'gue', port: 6080, checksum: false }), port: 80 })
  const left = hex(bench.sendRaw(syn()))
  expect(left.slice(0, 40)).toBe(spaced('45100048000040003f11b838 c0a80101 c0a8010b'))
  expect(Number.parseInt(left.slice(40, 44), 16)).toBeGreaterThanOrEqual(0xc000)
  expect(left.slice(44)).toBe(spaced(`17c0 0034 0000 00040000 ${INNER}`))
  expect(hex(bench.sendRaw(syn()))).toBe(left)
})
