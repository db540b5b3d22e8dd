/** A real server for connections that last: sends back whatever comes. `tcp-echo-process.ts PORT`. */
import { once } from 'node:events'
import { createServer } from 'node:net'

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
server.listen({ port: Number(process.argv[2]), backlog: 4096 })
await once(server, 'listening')
process.send?.('ready')
