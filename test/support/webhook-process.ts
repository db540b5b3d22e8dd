/**
 * Receives webhooks, and tells its parent of each request. `webhook-process.ts ADDRESS PORT [CERTIFICATE KEY]` The first requests are answered with
 * the statuses that the path has, as in `/503/503/200`; the last one is that of all others.
 */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

const [address = '', port = '', certificate, key] = process.argv.slice(2)
let count = 0
const answer: RequestListener = (request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (text: string) => {
    body += text
  })
  request.on('end', () => {
    const statuses = /\/\d{3}/g.exec(request.url ?? '') === null ? ['200'] : (request.url ?? '').split('/').slice(1)
    const status = Number(statuses[Math.min(count++, statuses.length - 1)])
    process.send?.({ method: request.method, headers: request.headers, body, status })
    response.writeHead(status, { location: `http://${address}:${port}/200` }).end()
  })
}
const server =
  certificate === undefined || key === undefined
    ? createServer(answer)
    : createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer)
server.listen(Number(port), address, () => process.send?.('ready'))
