/**
 * Real servers whose state the tests set: each message sets that of one, `{ address, state }`. HTTP and the acceptance of
 * connections on port 80, answers to datagrams on port 53. Every change is acknowledged by its address.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { ServerState } from './sequence.ts'

/** Nothing listens while it is down. */
interface Serving {
  readonly web: Server
  readonly datagrams: Socket
}

const states = new Map<string, ServerState>()
const servings = new Map<string, Serving>()

async function set(address: string, state: ServerState): Promise<void> {
  states.set(address, state)
  const serving = servings.get(address)
  if (state === 'down') {
    servings.delete(address)
    serving?.web.closeAllConnections()
    if (serving !== undefined) await new Promise((resolve) => serving.web.close(resolve))
    serving?.datagrams.close()
  } else if (serving === undefined) servings.set(address, await serve(address))
}

async function serve(address: string): Promise<Serving> {
  const web = createServer((_, response) => {
    const state = states.get(address)
    response.writeHead(typeof state === 'number' ? state : 200, { connection: 'close' })
    response.end('good\n')
  })
  const datagrams = createSocket('udp4')
  datagrams.on('message', (message, { address: client, port }) => datagrams.send(message, port, client))
  web.listen(80, address)
  datagrams.bind(53, address)
  await Promise.all([once(web, 'listening'), once(datagrams, 'listening')])
  return { web, datagrams }
}

process.on('message', ({ address, state }: { address: string; state: ServerState }) => {
  void set(address, state).then(() => process.send?.(address))
})
process.send?.('ready')
