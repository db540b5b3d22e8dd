/** A real server for the probe: sends every datagram back. `udp-echo.ts PORT` */
import { createSocket } from 'node:dgram'

const socket = createSocket('udp4')
socket.on('message', (message, from) => socket.send(message, from.port, from.address))
socket.bind(Number(process.argv[2]), () => process.send?.('ready'))
