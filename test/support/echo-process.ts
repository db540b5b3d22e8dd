/**
 * Answers ICMP echoes on eth0 of a host in a wrong way, beside the kernel, which is to be kept from answering: `echo-process.ts WAY`.
 * Each way is followed by no right reply.
 */
import { decodeEcho, encodeEcho } from '../../src/net/echo.ts'
import { RawIpSocket } from '../../src/linux/raw-ip.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'
import { Poller } from '../../src/linux/poller.ts'
import type { Address } from '../../src/net/address.ts'
import { OP } from '../../src/net/packet-filter.ts'

const WAYS = {
  'other data': changed,
  'other data, a thousand times': changed,
  'less data': (bytes: Uint8Array) => bytes.subarray(0, -1),
  'no data': () => new Uint8Array(),
} as const

function changed(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))
}

const [way = ''] = process.argv.slice(2)
const ICMP = 1
const link = new Rtnetlink().links().find(({ name }) => name === 'eth0')
if (link === undefined) throw new Error('this host has no eth0')
const socket = new RawIpSocket({
  protocol: ICMP,
  family: 4,
  device: link,
  boundTo: undefined,
  groups: 'own',
  receiveBuffer: 1 << 20,
  filter: [{ code: OP.answer, jt: 0, jf: 0, k: 0xffff }],
})

function answer(): void {
  for (let isAll = false; !isAll;) {
    const next = socket.receive(64)
    isAll = next.isAll
    for (const { header, payload } of next.packets) {
      const echo = decodeEcho(payload)
      if (echo?.type !== 8) continue
      const change = way in WAYS ? WAYS[way as keyof typeof WAYS] : (bytes: Uint8Array) => bytes
      const reply = encodeEcho({
        ...echo,
        type: 0,
        identifier: way === 'other identifier' ? echo.identifier ^ 1 : echo.identifier,
        sequence: way === 'other sequence' ? echo.sequence ^ 1 : echo.sequence,
        data: change(echo.data),
      })
      const payloadToSend = way === 'short' ? reply.subarray(0, 7) : reply
      const source = way === 'other address' ? ('10.0.0.3' as Address) : header.destination
      const path = { source, destination: header.source, ttl: 64, tos: 0, protocol: ICMP, identification: 0 }
      const times = way.endsWith('a thousand times') ? 1000 : 1
      for (let i = 0; i < times; i++) socket.send({ ...path, payload: payloadToSend })
    }
  }
}
new Poller(answer).watch([socket.fd])
process.send?.('ready')
