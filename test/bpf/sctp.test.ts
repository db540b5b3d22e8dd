import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bench, REDIRECT, VIP } from './bench.ts'
import { changed, IP } from './crafted.ts'
import { type Ends, reverse, sctp } from './packets.ts'

const ends: Ends = { source: ['10.0.9.1', 40_000], destination: [VIP, 80] }
const server: Ends = { source: ['192.168.1.11', 8080], destination: ends.source }

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

test('a checksum that is left to the device stays so when the port changes', () => {
  bench.serve([1], { protocol: 'SCTP' })
  const left = changed(sctp(ends, 1, 'init'), (b) => b.writeUInt32LE(0, IP + 28))
  expect(bench.run(left)).toBe(REDIRECT)
  const sent = Buffer.from(bench.sendRaw(left))
  expect([sent.readUInt16BE(IP + 22), sent.readUInt32LE(IP + 28)]).toEqual([8080, 0])
  expect(bench.send(sctp(ends, 10, 'whole')).packet.ends).toEqual(reverse(server)) // with a right checksum
})

test('a packet whose parts the kernel cuts up itself has no length of a segment', () => {
  bench.serve([1], { protocol: 'SCTP', mtu: 1500 })
  expect(bench.run(sctp(ends, 1), 0xffff)).toBe(REDIRECT)
  expect(bench.run(sctp(ends, 0, 'x'.repeat(1200)), 0xffff)).toBe(REDIRECT)
  expect(bench.core.drops()['too-big']).toBe(0n)
})
