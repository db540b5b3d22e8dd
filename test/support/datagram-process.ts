/**
 * Sends the same UDP datagram a number of times: `datagram-process.ts SOURCE DESTINATION PORT TTL HEX COUNT`. Tells when it is done.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const [source = '', destination = '', port = '', ttl = '', hex = '', count = ''] = process.argv.slice(2)
const socket = createSocket('udp4')
socket.bind({ address: source })
await once(socket, 'listening')
socket.setTTL(Number(ttl))
for (let i = 0; i < Number(count); i++) {
  await new Promise((resolve) => socket.send(Buffer.from(hex, 'hex'), Number(port), destination, resolve))
}
socket.close()
process.send?.('done')
