/**
 * Sockets that keep their ports: `udp-flows-process.ts ADDRESS PORT COUNT`. Each message has all of them send a datagram to an echo server,
 * and is answered with the number of those that came back.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const [address = '', port, count] = process.argv.slice(2)
const PATIENCE_MS = 3000

const sockets = Array.from({ length: Number(count) }, () => createSocket(address.includes(':') ? 'udp6' : 'udp4'))
process.on('message', () => {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const answers = sockets.map(async (socket, i) => {
    const answer = once(socket, 'message', { signal })
    socket.send(`flow ${i}`, Number(port), address)
    await answer
  })
  void Promise.allSettled(answers).then((settled) =>
    process.send?.(settled.filter(({ status }) => status === 'fulfilled').length),
  )
})
process.send?.('ready')
