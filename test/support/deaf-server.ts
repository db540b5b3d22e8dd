import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** Listens with room for few connections, and never takes one: the kernel does not answer those that have no room. */
const LISTENER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
/** More than there is room for. */
const FILLING = 4

export interface DeafServer {
  readonly port: number
  readonly close: () => Promise<void>
}

/** A port of loopback whose handshake of TCP is not answered, as behind a firewall that drops. */
export async function deafServer(): Promise<DeafServer> {
  const worker = new Worker(LISTENER, { eval: true })
  const [port] = (await once(worker, 'message')) as [number]
  const sockets: Socket[] = []
  for (let i = 0; i < FILLING; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    // The first ones find room.
    if (i < 2) await once(socket, 'connect')
  }
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await worker.terminate()
    },
  }
}
