import type { BodyTest, Check, HttpUrl } from '../model/check.ts'
import type { Checker } from '../model/checker.ts'

/** What is said on a TCP port of a played real server. */
export type TcpTalk = 'http' | 'https' | 'smtp' | 'agent' | 'bytes'

/** How a path is answered by HTTP, when not with status 200 and the server's name. */
export interface PathTalk {
  readonly host: string | undefined
  readonly path: string
  readonly status: number
  /** Stands in the body besides the server's name. */
  readonly contains: readonly string[]
}

export interface TcpPort {
  readonly port: number
  readonly talk: TcpTalk
  readonly paths: readonly PathTalk[]
  /** In hexadecimal, for `bytes`: said at once when nothing is waited for, else when `hears` has come. */
  readonly hears: string | undefined
  readonly says: string | undefined
}

/** A UDP port echoes what it does not know otherwise. */
export interface UdpPort {
  readonly port: number
  /** In hexadecimal. */
  readonly replies: readonly { readonly to: string; readonly reply: string }[]
  /** Questions of DNS, with the one answer that is asked for. */
  readonly names: readonly { readonly name: string; readonly type: string; readonly answer: string | undefined }[]
}

/** All that a played real server answers. */
export interface Talks {
  readonly tcp: readonly TcpPort[]
  readonly udp: readonly UdpPort[]
}

/** What is collected of a server; each port once. */
export class TalksOf {
  readonly #tcp = new Map<number, TcpPort>()
  readonly #udp = new Map<number, UdpPort>()

  /** A port that clients are sent to. */
  serve(protocol: 'TCP' | 'UDP', port: number): void {
    if (protocol === 'TCP') this.#addTcp(port, {})
    else this.#addUdp(port, {})
  }

  /** What a checker of the server wants to hear. Gives what cannot be played of it, as the rest of a sentence about the server. */
  check(check: Checker): readonly string[] {
    switch (check.type) {
      case 'PING_CHECK':
      case 'MISC_CHECK':
      case 'FILE_CHECK':
        return []
      case 'BFD_CHECK':
        return [`BFD_CHECK ${check.session}: nobody speaks BFD there, so that the server is down`]
      case 'TCP_CHECK':
        return this.#tcpCheck(check)
      case 'UDP_CHECK':
        this.#addUdp(check.target.port, {
          replies: check.reply?.pattern === undefined ? [] : [{ to: check.payload, reply: replyOf(check.reply) }],
        })
        return []
      case 'DNS_CHECK': {
        const { name, type, answer } = check.query
        this.#addUdp(check.target.port, { names: [{ name, type, answer }] })
        return []
      }
      case 'SMTP_CHECK':
        this.#addTcp(check.target.port, { talk: 'smtp' })
        return check.startTls
          ? ['SMTP_CHECK with STARTTLS: the lab offers no TLS there, so that the server is down']
          : []
      case 'AGENT_CHECK':
        this.#addTcp(check.target.port, { talk: 'agent' })
        return []
      case 'HTTP_GET':
      case 'SSL_GET':
        return this.#httpCheck(check)
    }
  }

  #tcpCheck({ target: { port }, talk }: Extract<Check, { type: 'TCP_CHECK' }>): readonly string[] {
    if (talk === undefined) this.#addTcp(port, {})
    else if (talk.protocol === 'bytes')
      this.#addTcp(port, talk.expect === undefined ? {} : { talk: 'bytes', hears: talk.send, says: talk.expect })
    else {
      this.#addTcp(port, {})
      return [`TCP_CHECK with ${talk.protocol}: the lab does not speak it, so that the server is down`]
    }
    return []
  }

  #httpCheck(check: Extract<Check, { type: 'HTTP_GET' | 'SSL_GET' }>): readonly string[] {
    const talk = check.type === 'SSL_GET' ? 'https' : 'http'
    this.#addTcp(check.target.port, { talk, paths: check.urls.map(pathOf) })
    const said = check.urls.flatMap(({ path, body }) => unknownOf(body).map((what) => `${what} of ${path}`))
    if (said.length > 0) said.splice(0, said.length, `${said.join(', ')}: the lab does not know that page`)
    if (check.protocol === '2') said.push('http_protocol 2: the lab does not speak it')
    if (check.type === 'SSL_GET' && check.tls.verify) said.push('verify: nobody has signed the certificate of the lab')
    if (check.type === 'SSL_GET' && (check.tls.expiresWithinDays ?? 0) >= CERTIFICATE_DAYS)
      said.push('expires_within: the certificate of the lab ends sooner')
    return said.map((what) => `${check.type} with ${what}, so that the server is down`)
  }

  #addTcp(port: number, { paths = [], ...more }: Partial<TcpPort>): void {
    const known = this.#tcp.get(port) ?? { port, talk: 'http', paths: [], hears: undefined, says: undefined }
    // Both directors ask alike, mostly.
    const isNew = ({ host, path }: PathTalk) => !known.paths.some((each) => each.host === host && each.path === path)
    this.#tcp.set(port, { ...known, ...more, paths: [...known.paths, ...paths.filter(isNew)] })
  }

  #addUdp(port: number, { replies = [], names = [] }: Partial<UdpPort>): void {
    const known = this.#udp.get(port) ?? { port, replies: [], names: [] }
    const newReplies = replies.filter(({ to }) => !known.replies.some((each) => each.to === to))
    const newNames = names.filter(
      ({ name, type }) => !known.names.some((each) => each.name === name && each.type === type),
    )
    this.#udp.set(port, { port, replies: [...known.replies, ...newReplies], names: [...known.names, ...newNames] })
  }

  talks(): Talks {
    return { tcp: [...this.#tcp.values()].filter(isPort), udp: [...this.#udp.values()].filter(isPort) }
  }
}

/** How long the certificate of played servers holds. */
export const CERTIFICATE_DAYS = 3650

const isPort = ({ port }: { readonly port: number }): boolean => port > 0

const pathOf = ({ path, virtualhost, statusCodes: [first], body }: HttpUrl): PathTalk => ({
  host: virtualhost,
  path,
  status: first?.[0] ?? 200,
  contains: body?.contains ?? [],
})

/** What is asked of a body that cannot be made. */
const unknownOf = (body: BodyTest | undefined): readonly string[] => [
  ...(body?.digest === undefined ? [] : ['digest']),
  ...(body?.regex === undefined || body.regex.forbidden ? [] : ['regex']),
  ...(body?.json === undefined ? [] : ['json']),
]

/** Bytes that a reply may have: what may be anything is 0. */
function replyOf({ pattern = '', minLength }: { readonly pattern: string | undefined; readonly minLength: number }) {
  return pattern.replace(/x/gi, '0').padEnd(2 * minLength, '0')
}
