/**
 * Which server a client gets: `picks-process.ts serve PORT ADDRESS …` answers every TCP connection and every datagram with
 * the address that it came to; `picks-process.ts ask ADDRESS` opens and ends TCP connections from given addresses and ports, and sends
 * datagrams, as its messages say.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What the asking process is told; `port` is the client's own, `vip` the virtual server's. */
export type Order = { readonly id: number; readonly address: string; readonly port: number } & (
  | { readonly type: 'open' | 'datagram'; readonly vip: number }
  /** In order by a FIN of the client's, or by its reset. */
  | { readonly type: 'end' | 'reset' }
)

/** What came of it: the server's address; undefined when there was none. */
export interface Outcome {
  readonly id: number
  readonly server?: string
}

/** How long an emulated machine that yields to others may take. */
const PATIENCE_MS = 15_000
const [mode, target = '', ...addresses] = process.argv.slice(2)
const open = new Map<string, Socket>()

async function ask({ id, address, port, ...order }: Order): Promise<Outcome> {
  const key = `${address}:${port}`
  const signal = AbortSignal.timeout(PATIENCE_MS)
  switch (order.type) {
    case 'open': {
      const socket = connect({ host: target, port: order.vip, localAddress: address, localPort: port })
      try {
        const [data] = (await once(socket, 'data', { signal })) as [Buffer]
        open.set(key, socket)
        return { id, server: data.toString() }
      } catch {
        socket.destroy()
        return { id }
      }
    }
    case 'datagram': {
      const socket = createSocket('udp4')
      try {
        socket.bind(port, address)
        await once(socket, 'listening', { signal })
        socket.send('who?', order.vip, target)
        const [data] = (await once(socket, 'message', { signal })) as [Buffer]
        return { id, server: data.toString() }
      } catch {
        return { id }
      } finally {
        socket.close()
      }
    }
    case 'end':
    case 'reset': {
      const socket = open.get(key)
      open.delete(key)
      if (socket === undefined) return { id }
      const closed = once(socket, 'close', { signal })
      if (order.type === 'end') socket.end()
      else socket.resetAndDestroy()
      await closed
      return { id }
    }
  }
}

if (mode === 'serve') {
  for (const address of addresses) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.write(address)
    })
    server.listen(Number(target), address)
    await once(server, 'listening')
    const datagrams = createSocket('udp4')
    datagrams.on('message', (_, from) => datagrams.send(address, from.port, from.address))
    datagrams.bind(Number(target), address)
    await once(datagrams, 'listening')
  }
} else {
  process.on('message', (order: Order) => void ask(order).then((outcome) => process.send?.(outcome)))
}
process.send?.('ready')
