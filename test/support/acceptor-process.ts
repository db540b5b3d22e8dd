/** A real server of many addresses: takes connections to a port on all of them and closes them. `acceptor-process.ts PORT` */
import { createServer } from 'node:net'

const server = createServer((socket) => socket.on('error', () => {}).destroy())
server.listen({ port: Number(process.argv[2]), host: '0.0.0.0', backlog: 4096 }, () => process.send?.('ready'))
