import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Client } from 'undici'
import type { Check, HttpUrl } from '../../model/check.ts'
import { isIpv4 } from '../../net/address.ts'
import { bad, type Finding, good } from './finding.ts'

/** Largest body that a digest is made of. A longer one fails the check instead of filling memory. */
const BODY_LIMIT = 16 * 1024 * 1024

/** Longest header section that is accepted. */
const HEADER_LIMIT = 16 * 1024

/**
 * Has undici load what it loads with its first answer only (its parser of HTTP), by asking a server of this process's own: for a
 * process that will not be able to read its program's files any more.
 */
export async function prepareHttp(): Promise<void> {
  const socketPath = `\0tanist-check-${process.pid}`
  const server = createServer((_request, response) => void response.end()).listen(socketPath)
  await once(server, 'listening')
  const client = new Client('http://localhost', { socketPath })
  const { body } = await client.request({ method: 'GET', path: '/' })
  await body.dump()
  await client.close()
  server.close()
}

/**
 * Every URL is served with an accepted status and, if asked, the right body. One deadline for all of it: connecting,
 * waiting and reading together. Redirects are answers, not followed.
 */
export async function probeHttp(check: Extract<Check, { type: 'HTTP_GET' }>): Promise<Finding> {
  const { target, timeout } = check
  const host = isIpv4(target.address) ? target.address : `[${target.address}]`
  const signal = AbortSignal.timeout(timeout)
  const client = new Client(`http://${host}:${target.port}`, {
    connect: { timeout },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxHeaderSize: HEADER_LIMIT,
    pipelining: 0,
  })
  try {
    const answers: string[] = []
    for (const url of check.urls) {
      const finding = await get(client, url, signal)
      if (finding.up !== true) return finding
      answers.push(finding.reason)
    }
    return good(answers.join(', '))
  } finally {
    await client.destroy()
  }
}

async function get(client: Client, url: HttpUrl, signal: AbortSignal): Promise<Finding> {
  const { statusCode, body } = await client.request({
    method: 'GET',
    path: url.path,
    signal,
    headers: {
      'user-agent': 'tanist',
      ...(url.virtualhost === undefined ? {} : { host: url.virtualhost }),
    },
  })
  if (!url.statusCodes.some(([low, high]) => statusCode >= low && statusCode <= high)) {
    return bad(`status ${statusCode} for ${url.path}`)
  }
  // The status is all that was asked for; the body is not worth waiting for.
  if (url.digest === undefined) return good(`status ${statusCode}`)
  const hash = createHash('md5')
  let length = 0
  // undici's body is a byte stream; its declared element type is `any`.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_LIMIT) return bad(`body of ${url.path} is longer than ${BODY_LIMIT} bytes`)
    hash.update(chunk)
  }
  const digest = hash.digest('hex')
  return digest === url.digest
    ? good(`status ${statusCode}, digest ${digest}`)
    : bad(`digest of ${url.path} is ${digest}`)
}
