/**
 * Sends VRRP packets on eth0: `vrrp-sender-process.ts SOURCE VRID PRIORITY COUNT [RATE [INTERVAL]]`, as fast as it can, or RATE a second
 * (`''`: the same), with an interval of 1000 ms unless another one is said. With priority
 * `garbage` random bytes, with `strangers` adverts of other VRIDs, with `damaged` adverts with a wrong checksum. Tells when it is done, and how
 * many ms it took.
 */
import { RawIpSocket } from '../../src/linux/raw-ip.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'
import { type Ipv4, VRRP_GROUP } from '../../src/net/ipv4.ts'
import { OP } from '../../src/net/packet-filter.ts'
import { millis } from '../../src/time.ts'
import { VRRP_PROTOCOL } from '../../src/vrrp/packet/advertisement.ts'
import { address, encodeMessage } from '../../src/vrrp/packet/codec.ts'

const [source = '', vrid = '', priority = '', count = '', rate = '', interval = '1000'] = process.argv.slice(2)
const link = new Rtnetlink().links().find(({ name }) => name === 'eth0')
if (link === undefined) throw new Error('this host has no eth0')
const socket = new RawIpSocket({
  protocol: VRRP_PROTOCOL,
  family: 4,
  device: link,
  boundTo: undefined,
  groups: 'own',
  receiveBuffer: 1,
  // It hears nothing.
  filter: [{ code: OP.answer, jt: 0, jf: 0, k: 0 }],
})
const path = { source: source as Ipv4, destination: VRRP_GROUP }
const said = {
  version: 3,
  vrid: Number(vrid),
  priority: Number(priority) || 0,
  interval: millis(Number(interval)),
  addresses: ['10.0.0.100' as Ipv4],
} as const
const advert = address(said, encodeMessage(said, path), new Uint8Array(), path, 'pseudo-header')
const header = { ...path, ttl: 255, tos: 0xc0, protocol: VRRP_PROTOCOL, identification: 0 }

/** An advert of which a few bytes are wrong. The few whose checksum is right by chance have the lowest priority. */
function garbage(): Uint8Array {
  const bytes = Uint8Array.from(advert).subarray(0, Math.floor(Math.random() * (advert.length + 1)))
  for (let i = 0; i < 3; i++) bytes[Math.floor(Math.random() * bytes.length)] = Math.floor(Math.random() * 256)
  if (bytes.length > 2) bytes[2] = 1
  return bytes
}

/** With a VRID that is not the one, or a checksum that is wrong. */
function changed(offset: number, by: number): Uint8Array {
  const bytes = Uint8Array.from(advert)
  bytes[offset] = (bytes[offset] ?? 0) + by
  return bytes
}

function packet(i: number): Uint8Array {
  if (priority === 'garbage') return garbage()
  if (priority === 'strangers') return changed(1, 1 + (i % 200))
  return priority === 'damaged' ? changed(7, 1) : advert
}

const start = performance.now()
const pause =
  rate === '' ? () => 5 : (sent: number) => Math.max(0, start + (1000 * sent) / Number(rate) - performance.now())
for (let i = 0; i < Number(count); i++) {
  socket.send({ ...header, payload: packet(i) })
  // Bursts of 500, as a switch that was cut off would deliver them.
  if (i % 500 === 499) await new Promise((resolve) => setTimeout(resolve, pause(i + 1)))
}
process.send?.(performance.now() - start)
