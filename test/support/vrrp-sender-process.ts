/**
 * Sends VRRP packets on eth0 as fast as it can: `vrrp-sender-process.ts SOURCE VRID PRIORITY COUNT`, or random bytes with
 * priority `garbage`. Tells when it is done.
 */
import { RawIpv4Socket } from '../../src/linux/raw-ipv4.ts'
import { Rtnetlink } from '../../src/linux/rtnetlink.ts'
import { type Ipv4, VRRP_GROUP } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'
import { encodeAdvertisement, VRRP_PROTOCOL } from '../../src/vrrp/packet.ts'

const [source = '', vrid = '', priority = '', count = ''] = process.argv.slice(2)
const link = new Rtnetlink().links().find(({ name }) => name === 'eth0')
if (link === undefined) throw new Error('this host has no eth0')
const socket = new RawIpv4Socket(link, VRRP_PROTOCOL, VRRP_GROUP)
const path = { source: source as Ipv4, destination: VRRP_GROUP }
const advert = encodeAdvertisement(
  {
    version: 3,
    vrid: Number(vrid),
    priority: Number(priority) || 0,
    interval: millis(1000),
    addresses: ['10.0.0.100' as Ipv4],
    password: undefined,
  },
  path,
)

/** An advert of which a few bytes are wrong. The few whose checksum is right by chance have the lowest priority. */
function garbage(): Uint8Array {
  const bytes = Uint8Array.from(advert).subarray(0, Math.floor(Math.random() * (advert.length + 1)))
  for (let i = 0; i < 3; i++) bytes[Math.floor(Math.random() * bytes.length)] = Math.floor(Math.random() * 256)
  if (bytes.length > 2) bytes[2] = 1
  return bytes
}

for (let i = 0; i < Number(count); i++) {
  socket.send(path.source, VRRP_GROUP, priority === 'garbage' ? garbage() : advert)
  // Bursts of 500, as a switch that was cut off would deliver them.
  if (i % 500 === 499) await new Promise((resolve) => setTimeout(resolve, 5))
}
process.send?.('done')
