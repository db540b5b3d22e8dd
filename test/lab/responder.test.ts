import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { TcpResponder } from '../../src/lab/responder-tcp.ts'

/** The end of the certificate that is shown there, in ms since 1970. */
async function certificateEnd(port: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { valid_to: end } = socket.getPeerCertificate()
  socket.destroy()
  return Date.parse(end)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('a certificate that a drill ends has ended from the next connection on, until the server is mended', async () => {
  const port = await freePort()
  const tls = { port, talk: 'https', paths: [], hears: undefined, says: undefined } as const
  const responder = new TcpResponder(tls, 'server 1', (open) => open())
  await responder.listen()
  try {
    expect(await certificateEnd(port)).toBeGreaterThan(Date.now())
    await responder.break('expired')
    expect(await certificateEnd(port)).toBeLessThan(Date.now())
    await responder.break('ok')
    expect(await certificateEnd(port)).toBeGreaterThan(Date.now())
  } finally {
    await responder.break('refuse')
  }
})
