/** A real server for the probe: sends every datagram back. `udp-echo.ts PORT [ADDRESS …]`; without one, all of IPv4. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const [port, ...addresses] = process.argv.slice(2)
for (const address of addresses.length === 0 ? ['0.0.0.0'] : addresses) {
  // Room for what comes while a busy machine lets this process wait: a probe that is dropped here is not the director's loss.
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 2 ** 20 })
  socket.on('message', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(Number(port), address)
  await once(socket, 'listening')
}
process.send?.('ready')
