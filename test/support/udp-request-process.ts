/** Sends a datagram of so many bytes and prints whether it comes back whole. `udp-request-process.ts ADDRESS PORT BYTES` */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const [address = '', port, bytes] = process.argv.slice(2)
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
const payload = randomBytes(Number(bytes))
const answer = once(socket, 'message', { signal: AbortSignal.timeout(3000) })
socket.send(payload, Number(port), address)
try {
  const [message] = (await answer) as [Buffer]
  console.log(message.equals(payload) ? 'whole' : `${message.length} other bytes`)
} catch {
  console.log('nothing')
}
socket.close()
