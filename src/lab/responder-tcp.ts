import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { CERTIFICATE_DAYS, type PathTalk, type TcpPort } from '../drill/talks.ts'
import type { Breakage } from './responder-contract.ts'
import type { Opening } from './responder.ts'
import { selfSigned } from './self-signed.ts'

/** BOUNDED: connections of one port at a time; more are refused. */
const MOST_CONNECTIONS = 10_000
/** Between two bytes of one that is slow. */
const SLOW_MS = 200
/** It has ended half a day ago. */
const EXPIRED_DAYS = -0.5
/** BOUNDED: of what is said on one connection without an answer. */
const LONGEST_LINE = 4096

/** One TCP port of a played real server. */
export class TcpResponder {
  readonly #port: TcpPort
  readonly #title: string
  readonly #connections = new Set<Socket>()
  readonly #take: (socket: Socket) => void
  readonly #opening: Opening
  #server: Server | undefined
  #how: Breakage = 'ok'
  /** Of HTTPS alone: a new one, for so many days from now. */
  #setCertificate: ((days: number) => void) | undefined

  constructor(port: TcpPort, title: string, opening: Opening) {
    this.#opening = opening
    this.#port = port
    this.#title = title
    this.#take = this.#taker()
  }

  async break(how: Breakage): Promise<void> {
    if (how === 'expired') this.#setCertificate?.(EXPIRED_DAYS)
    else if (this.#how === 'expired') this.#setCertificate?.(CERTIFICATE_DAYS)
    this.#how = how
    if (how === 'refuse') {
      const server = this.#server
      this.#server = undefined
      for (const socket of this.#connections) socket.resetAndDestroy()
      if (server !== undefined) await new Promise((resolve) => server.close(resolve))
    } else await this.listen()
  }

  /** Rejects when it cannot. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    server.maxConnections = MOST_CONNECTIONS
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // All addresses of both families, also those that come later. With a name of a host it would open later.
      this.#opening(() => server.listen({ port: this.#port.port, backlog: 1024 }, resolve))
    })
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
    socket.on('error', () => {})
    if (this.#how === 'silent') socket.resume()
    else this.#take(socket)
  }

  #taker(): (socket: Socket) => void {
    const { talk } = this.#port
    switch (talk) {
      case 'http': {
        const server = createHttpServer(UNHURRIED, this.#answer)
        return (socket) => server.emit('connection', socket)
      }
      case 'https': {
        const server = createHttpsServer(UNHURRIED, this.#answer)
        server.on('tlsClientError', () => {})
        this.#setCertificate = (days) => server.setSecureContext(selfSigned(this.#title, days))
        this.#setCertificate(CERTIFICATE_DAYS)
        return (socket) => server.emit('connection', socket)
      }
      case 'smtp':
        return (socket) => this.#greet(socket)
      case 'agent':
        return (socket) => this.#say(socket, 'up\n', 'down\n', true)
      case 'bytes':
        return (socket) => this.#talkBytes(socket)
    }
  }

  readonly #answer: RequestListener = (request, response) => {
    request.resume()
    if (this.#how === 'silent') return
    const { status, body } = this.#contentOf(request)
    response.setHeader('X-Server', this.#title)
    if (this.#how === 'redirect') {
      response.writeHead(302, { Location: request.url ?? '/' }).end()
      return
    }
    if (this.#how === 'endless') {
      response.writeHead(status, { 'Content-Type': 'text/plain' })
      endlessly(response)
      return
    }
    if (this.#how !== 'slow') {
      response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) }).end(body)
      return
    }
    slowly(response, `HTTP/1.1 ${status} OK\r\nX-Server: ${this.#title}\r\nConnection: close\r\n\r\n${body}`)
  }

  #contentOf({ url = '/', headers: { host = '' } }: IncomingMessage): {
    readonly status: number
    readonly body: string
  } {
    const known = pathTalk(this.#port.paths, host, url)
    const status = known?.status ?? 200
    if (this.#how === 'error') return { status: 500, body: 'broken\n' }
    if (this.#how === 'wrong') return { status, body: 'something else\n' }
    const token = /^\/echo\/([^?#]*)$/.exec(url)?.[1]
    if (token !== undefined) return { status: 200, body: token }
    const body = [this.#title, ...(known?.contains ?? [])].map((line) => `${line}\n`).join('')
    // Neither of them has a body (RFC 9110 §15.3.5, §15.4.5).
    return { status, body: status === 204 || status === 304 ? '' : body }
  }

  #greet(socket: Socket): void {
    if (this.#how === 'error') {
      socket.end('421 broken\r\n')
      return
    }
    if (this.#how === 'wrong') {
      socket.end('something else\r\n')
      return
    }
    const say = (line: string) => (this.#how === 'slow' ? slowlyBy(socket, `${line}\r\n`) : socket.write(`${line}\r\n`))
    say(`220 ${this.#title.replace(' ', '-')} ESMTP`)
    let heard = ''
    socket.on('data', (piece) => {
      heard = (heard + piece.toString('latin1')).slice(-LONGEST_LINE)
      for (let end = heard.indexOf('\n'); end >= 0; end = heard.indexOf('\n')) {
        const word = heard.slice(0, 4).toUpperCase()
        heard = heard.slice(end + 1)
        if (this.#how === 'silent') continue
        if (word === 'QUIT') socket.end('221 bye\r\n')
        else say(word === 'DATA' ? '354 go on' : '250 ok')
      }
    })
  }

  #talkBytes(socket: Socket): void {
    const { hears, says = '' } = this.#port
    const answer = () => this.#say(socket, Buffer.from(says, 'hex'), 'broken', false)
    if (hears === undefined) {
      answer()
      return
    }
    const awaited = Buffer.from(hears, 'hex')
    let heard = Buffer.alloc(0)
    socket.on('data', (piece: Buffer) => {
      heard = Buffer.concat([heard, piece]).subarray(-awaited.length - LONGEST_LINE)
      if (!heard.includes(awaited)) return
      heard = Buffer.alloc(0)
      answer()
    })
  }

  #say(socket: Socket, good: string | Buffer, broken: string, isLast: boolean): void {
    switch (this.#how) {
      // A certificate is there of HTTPS alone.
      case 'expired':
      case 'ok':
        socket.write(good)
        if (isLast) socket.end()
        break
      case 'error':
        socket.destroy()
        break
      // Of HTTP alone; of others it is something else.
      case 'redirect':
      case 'endless':
      case 'wrong':
        socket.end(broken)
        break
      case 'slow':
        slowlyBy(socket, good.toString())
        break
      case 'refuse':
      case 'silent':
        break
    }
  }
}

/** Connections stay open for as long as clients want. */
const UNHURRIED = { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 } as const

/** What is said of this host and path, or of this path and no host. */
function pathTalk(paths: readonly PathTalk[], host: string, url: string): PathTalk | undefined {
  const name = host.replace(/:\d+$/, '')
  const same = paths.filter(({ path }) => path === url)
  return same.find((each) => each.host === name) ?? same.find((each) => each.host === undefined) ?? same[0]
}

/** In place of what Node.js would send at once. */
function slowly(response: ServerResponse, text: string): void {
  const { socket } = response
  if (socket !== null) slowlyBy(socket, text)
}

function slowlyBy(socket: Socket, text: string): void {
  let at = 0
  const timer = setInterval(() => {
    if (at === text.length) socket.end()
    else socket.write(text.charAt(at++))
    if (at > text.length || socket.writableEnded) clearInterval(timer)
  }, SLOW_MS)
  socket.once('close', () => clearInterval(timer))
}

const ENDLESS_PIECE = 'x'.repeat(1 << 14)

/** As fast as it is read, until the other end has had enough. */
function endlessly(response: ServerResponse): void {
  const goOn = () => {
    if (response.destroyed) return
    if (response.write(ENDLESS_PIECE)) setImmediate(goOn)
    else response.once('drain', goOn)
  }
  goOn()
}
