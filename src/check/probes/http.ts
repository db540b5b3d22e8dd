import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { type buildConnector, Client, type Dispatcher, errors } from 'undici'
import type { HttpCheck, HttpProtocol, HttpUrl } from '../../model/check.ts'
import { isIpv4 } from '../../net/address.ts'
import { connectTcpUntil } from '../source.ts'
import type { Note } from '../steps.ts'
import { tlsContext } from '../tls-client.ts'
import { bodyFault, bodyTestText, hasBodyTest, readBody } from './body.ts'
import { bad, type Finding, good } from './finding.ts'
import { seeingResets } from './http2-resets.ts'
import { shown } from './shown.ts'
import { BadCertificate, beginTls } from './tls.ts'

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

/** Every URL is served with an accepted status and, if asked, the right body. Each on a connection of its own. */
export async function probeHttp(check: HttpCheck, note?: Note): Promise<Finding> {
  const answers: string[] = []
  let warning: string | undefined
  for (const url of check.urls) {
    const finding = await askUrl(check, url, note)
    if (finding.up !== true) return finding
    answers.push(finding.reason)
    warning ??= finding.warning
  }
  return good(answers.join(', '), warning)
}

/** One deadline for all of it: connecting, TLS, waiting, redirects and reading together. */
async function askUrl(check: HttpCheck, url: HttpUrl, note: Note): Promise<Finding> {
  const { target, timeout } = check
  const host = isIpv4(target.address) ? target.address : `[${target.address}]`
  const scheme = check.type === 'SSL_GET' ? 'https:' : 'http:'
  const deadline = new AbortController()
  const { signal } = deadline
  const timer = setTimeout(() => deadline.abort(new DOMException('the deadline is over', 'TimeoutError')), timeout)
  let warning: string | undefined
  const connected = async () => {
    const { socket, warning: of } = await connectAs(check, url, signal, note)
    warning ??= of
    return socket
  }
  const client = new Client(`${scheme}//${host}:${target.port}`, {
    connect: (_options, callback) => void connectFor(callback, connected),
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: HEADER_LIMIT,
    allowH2: check.protocol === '2',
    pipelining: 0,
  })
  try {
    const finding = await seeingResets((isCut) => follow({ client, scheme, signal, note, isCut }, url))
    return warning === undefined || finding.up !== true ? finding : { ...finding, warning }
  } catch (error) {
    // What ends with the deadline may say so in many ways.
    if (signal.aborted) throw signal.reason
    if (error instanceof BadCertificate) return bad(error.message)
    const reason = httpReason(error)
    if (reason === undefined) throw error
    return bad(reason)
  } finally {
    // undici may wait for ever for the end of an HTTP/2 session; at the deadline its connection is destroyed in any case.
    await Promise.race([client.destroy(), aborted(signal)])
    // A goodbye may take until then.
    if (!(check.type === 'SSL_GET' && check.tls.compliant)) clearTimeout(timer)
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

/** As undici wants to be told of it. */
async function connectFor(callback: buildConnector.Callback, connected: () => Promise<Socket>): Promise<void> {
  const socket = await connected().catch((error: Error) => error)
  if (socket instanceof Error) callback(socket, null)
  else callback(null, socket)
}

/** `warning`: of its certificate. */
interface Connection {
  readonly socket: Socket
  readonly warning?: string | undefined
}

async function connectAs(check: HttpCheck, url: HttpUrl, signal: AbortSignal, note: Note): Promise<Connection> {
  if (check.type === 'HTTP_GET') return { socket: speak(await connectTcpUntil(check, signal, note), check.protocol) }
  const { tls, target, protocol } = check
  const context = tlsContext(tls.verify)
  const names = { serverName: url.serverName, provenName: url.serverName ?? hostOf(url) ?? target.address }
  const { secure, warning } = await beginTls(
    await connectTcpUntil(check, signal, note),
    context,
    tls,
    names,
    protocol === '2' ? 'h2' : 'http/1.1',
    note,
  )
  if (tls.compliant) endInOrder(secure)
  return { socket: speak(secure, protocol), warning }
}

const hostOf = ({ virtualhost }: HttpUrl): string | undefined =>
  virtualhost?.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')

/** undici writes HTTP/1.1 with `Connection: close`; the request line is the beginning of the first thing that it writes. */
function speak<S extends Socket>(socket: S, protocol: HttpProtocol): S {
  if (protocol === '1.1' || protocol === '2') return socket
  const write = socket.write.bind(socket) as (data: string | Uint8Array, ...more: unknown[]) => boolean
  socket.write = (data: string | Uint8Array, ...more: unknown[]) => {
    Reflect.deleteProperty(socket, 'write')
    const old = String(data).replace(' HTTP/1.1\r\n', ' HTTP/1.0\r\n')
    return write(protocol === '1.0' ? old.replace('connection: close\r\n', '') : old, ...more)
  }
  return socket
}

/** Says goodbye before it is destroyed (`close_notify`, RFC 8446 §6.1). The signal of its connection bounds the wait. */
function endInOrder(socket: Socket): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error) => {
    Reflect.deleteProperty(socket, 'destroy')
    if (socket.writable) socket.end(() => destroy(error))
    else destroy(error)
    return socket
  }
}

/** What asks, and what it is asked within. */
interface Asking {
  readonly client: Client
  readonly scheme: string
  readonly signal: AbortSignal
  readonly note: Note
  /** After a body has been read: it was not all of it. */
  readonly isCut: (signal: AbortSignal) => Promise<boolean>
}

async function follow(asking: Asking, url: HttpUrl): Promise<Finding> {
  const { client, scheme, signal, note } = asking
  let { path, virtualhost: host } = url
  const method = url.request?.method ?? 'GET'
  for (let left = url.redirects ?? 0; ; left--) {
    note?.(`${method} ${path}${host === undefined ? '' : `, host ${host}`}`)
    const answer = await client.request({
      method,
      path,
      signal,
      headers: headersOf(url, host),
      ...(url.request?.body === undefined ? {} : { body: url.request.body }),
    })
    const location = answer.headers['location']
    note?.(answerText(answer))
    if (left <= 0 || answer.statusCode < 300 || answer.statusCode > 399 || typeof location !== 'string') {
      return judge(answer, { ...url, path }, asking)
    }
    const next = URL.parse(location, `${scheme}//${host ?? 'server'}${path}`)
    if (next === null) return bad(`redirect to what is no URL: ${shown(location)}`)
    if (next.protocol !== scheme) return bad(`redirect to ${next.protocol}, which is not followed`)
    path = `${next.pathname}${next.search}`
    if (/^\w+:|^\/\//.test(location)) host = next.host
    await answer.body.dump({ limit: HEADER_LIMIT })
  }
}

function headersOf({ request }: HttpUrl, host: string | undefined): string[] {
  const own = request?.headers ?? []
  const has = (name: string) => own.some((header) => header.name.toLowerCase() === name)
  return [
    ...(has('user-agent') ? [] : ['user-agent', 'tanist']),
    ...(host === undefined || has('host') ? [] : ['host', host]),
    ...own.flatMap(({ name, value }) => [name, value]),
  ]
}

/** The beginning of an answer: its status and what tells most of the rest. */
function answerText({ statusCode, headers }: Dispatcher.ResponseData): string {
  const told = ['content-type', 'content-length', 'location'].flatMap((name) => {
    const value = headers[name]
    return value === undefined ? [] : [`${name} ${shown(String(value))}`]
  })
  return [`status ${statusCode}`, ...told].join(', ')
}

async function judge(
  { statusCode, body }: Dispatcher.ResponseData,
  url: HttpUrl,
  { signal, note, isCut }: Asking,
): Promise<Finding> {
  note?.(`compares the status with ${url.statusCodes.map((range) => [...new Set(range)].join('-')).join(', ')}`)
  if (!url.statusCodes.some(([low, high]) => statusCode >= low && statusCode <= high)) {
    return bad(`status ${statusCode} for ${url.path}`)
  }
  // The status is all that was asked for; the body is not worth waiting for.
  if (!hasBodyTest(url)) return good(`status ${statusCode}`)
  // undici's body is a byte stream; its declared element type is `any`.
  const read = await readBody(body as AsyncIterable<Buffer>, url)
  if ('fault' in read) return bad(read.fault)
  if (await isCut(signal)) return bad(`the server reset the stream within the body of ${url.path}`)
  note?.(`${read.length} bytes of body; compares them with ${bodyTestText(url)}`)
  const fault = await bodyFault(read, url, signal)
  return fault === undefined
    ? good(`status ${statusCode}${read.digest === '' ? '' : `, digest ${read.digest}`}`)
    : bad(fault)
}

/** What is wrong with an answer, for people; undefined: it is no matter of HTTP. */
function httpReason(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return `${code}: the header is longer than ${HEADER_LIMIT} bytes`
  if (code === 'UND_ERR_SOCKET') {
    const isProvisional = /^bad (?:response|upgrade)$/.test(String(error instanceof Error && error.message))
    return isProvisional
      ? 'the server answers with a provisional status (100 or 101) that nobody asked for'
      : `${code}: the server closed the connection before its answer was whole`
  }
  if (code === 'UND_ERR_INFO') return `${code}: the server ended the stream before its answer was whole`
  // undici's own rules for what a server may say in which order.
  if (code === 'ERR_ASSERTION') return 'the answer breaks the rules of HTTP'
  if (!(error instanceof errors.HTTPParserError)) return undefined
  // In brackets are the parser's own words.
  return `the answer is no HTTP: ${/\((.*)\)$/.exec(error.message)?.[1] ?? error.message}`
}
