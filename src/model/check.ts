import type { Address } from '../net/address.ts'
import type { Millis } from '../time.ts'
import type { Endpoint } from './endpoint.ts'
import type { ForwardingMethod } from './service.ts'

/** When a checker asks, and how its answers are counted. */
export interface CheckTiming {
  /** Between the end of one round and the start of the next. */
  readonly delayLoop: Millis
  readonly retry: number
  readonly delayBeforeRetry: Millis
  /** The first round starts within this, at random. */
  readonly warmup: Millis
  /** Good rounds in a row that bring a server up, and bad ones that take it down; 1 when not said. */
  readonly rise?: number
  readonly fall?: number
  /** In place of `delayLoop` between rounds while a server is on its way up or down. */
  readonly fastInterval?: Millis
  /** Its server is down until it says that it is up; without this, up until it says that it is down. */
  readonly alpha?: true
  /** Every failed question is logged, not only what a round comes to. */
  readonly logAllFailures?: true
}

/** Where the packets of a check come from, in so far as the file says it; the kernel picks the rest. */
export interface CheckSource {
  /** Of the family of the target. */
  readonly address?: Address
  readonly port?: number
  /** Packets leave by it, whatever the routes say. */
  readonly interface?: string
  /** Firewall mark, from 1 to 2^32 - 1. */
  readonly mark?: number
}

/** What every checker has that asks over the network. */
export interface CheckSchedule extends CheckTiming {
  readonly target: Endpoint
  /** Undefined: all of it is the kernel's choice. */
  readonly source?: CheckSource
  /** The target is a virtual address, and the way there that of clients: through the core to the real server of the check. */
  readonly through?: { readonly server: Address; readonly method: ForwardingMethod }
  /** For the whole probe, from connect to the last byte that is read. */
  readonly timeout: Millis
}

/**
 * What a checker wants the weight of its server to be: this one, so much more or less than the configuration says, so many per cent of
 * that, or 0 whatever others want.
 */
export type WeightAsked =
  | { readonly type: 'is'; readonly value: number }
  | { readonly type: 'add'; readonly value: number }
  | { readonly type: 'percent'; readonly value: number }
  | { readonly type: 'drain' }

/** For people, and to tell them apart. */
export function weightAskedText(asked: WeightAsked): string {
  switch (asked.type) {
    case 'is':
      return `${asked.value}`
    case 'add':
      return asked.value < 0 ? `${asked.value}` : `+${asked.value}`
    case 'percent':
      return `${asked.value} %`
    case 'drain':
      return 'drain'
  }
}

export const isSameWeight = (one: WeightAsked | undefined, other: WeightAsked | undefined): boolean =>
  one?.type === other?.type && (one && weightAskedText(one)) === (other && weightAskedText(other))

/** What the body of an answer must be. What is left out may be anything. */
export interface BodyTest {
  /** MD5 in hexadecimal. */
  readonly digest?: string
  readonly regex?: BodyRegex
  /** Bytes as UTF-8 that must be somewhere in it. */
  readonly contains?: readonly string[]
  /** Members of a JSON value by their names or numbers, and what they must be as text; undefined: anything but false and null. */
  readonly json?: readonly { readonly path: readonly string[]; readonly value: string | undefined }[]
}

/** A regular expression of PCRE2. */
export interface BodyRegex {
  readonly pattern: string
  /** PCRE2's options by the names of keepalived. */
  readonly options: readonly string[]
  /** The body must not match. */
  readonly forbidden: boolean
  /** Where the match may begin, in bytes. */
  readonly minOffset: number
  readonly maxOffset: number | undefined
}

/** A request, and what must come back. */
export interface HttpUrl {
  readonly path: string
  /** Inclusive ranges; 200–299 when the file names none. */
  readonly statusCodes: readonly (readonly [low: number, high: number])[]
  readonly virtualhost: string | undefined
  /** For SNI; undefined: none is sent. */
  readonly serverName?: string
  readonly body?: BodyTest
  readonly request?: HttpRequest
  /** How many redirects are followed, on the same server; undefined: none. */
  readonly redirects?: number
  /** Longest body that is read, in bytes, where something is asked of it. */
  readonly bodyLimit?: number
}

/** What a request has that is more than GET. */
export interface HttpRequest {
  readonly method: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly body: string | undefined
}

/** 1.0C: with `Connection: close`. */
export type HttpProtocol = '1.0' | '1.0C' | '1.1' | '2'

/** How a checker speaks TLS. */
export interface TlsOptions {
  /** The certificate must be good, and be for the server name, else the virtual host, else the address. */
  readonly verify: boolean
  /** A certificate that ends sooner is a failure. */
  readonly expiresWithinDays?: number
  /** One that ends sooner than in so many is worth a warning. */
  readonly warnWithinDays?: number
  /** The connection ends with `close_notify`. */
  readonly compliant: boolean
}

/** What is in the files of the SSL block, as PEM. */
export interface TlsClient {
  readonly ca?: string
  readonly certificate?: string
  readonly key?: string
  readonly password?: string
  /** Why these cannot be used. */
  readonly fault?: string
}

/** The SSL block: files by their paths. */
export interface TlsClientFiles {
  readonly ca?: string
  readonly certificate?: string
  readonly key?: string
  readonly password?: string
}

/** What a datagram must be to count as an answer. */
export interface UdpReply {
  /** Bytes in hexadecimal that it must begin with, X for half a byte of any value; a shorter one must be their beginning. Undefined: any. */
  readonly pattern: string | undefined
  readonly minLength: number
  readonly maxLength: number
}

/** What is said over a connection that a server has accepted. */
export type TcpTalk =
  /** In hexadecimal. Undefined: nothing is sent; nothing is waited for. */
  | { readonly protocol: 'bytes'; readonly send: string | undefined; readonly expect: string | undefined }
  | { readonly protocol: 'mysql' | 'postgresql'; readonly user: string }
  | { readonly protocol: 'redis' | 'amqp' | 'ldap' }
  /** `service`: empty for the server as a whole. */
  | { readonly protocol: 'grpc'; readonly service: string }

/** What a name server is asked, by UDP. */
export interface DnsQuery {
  readonly name: string
  readonly type: 'SOA' | 'A' | 'NS' | 'CNAME' | 'MX' | 'TXT' | 'AAAA' | 'RRSIG' | 'DNSKEY'
  /** An address, name or text that one of the answers must be. Undefined: any answer, also none. */
  readonly answer: string | undefined
}

export type Check =
  | (CheckSchedule & { readonly type: 'PING_CHECK' })
  | (CheckSchedule & { readonly type: 'TCP_CHECK'; readonly talk?: TcpTalk })
  | (CheckSchedule & {
      readonly type: 'UDP_CHECK'
      /** In hexadecimal. */
      readonly payload: string
      /** Undefined: silence is good, too. */
      readonly reply: UdpReply | undefined
    })
  | (CheckSchedule & { readonly type: 'DNS_CHECK'; readonly query: DnsQuery })
  | (CheckSchedule & {
      readonly type: 'SMTP_CHECK'
      /** Undefined: the address that the connection comes from. */
      readonly heloName: string | undefined
      /** The server must offer STARTTLS and go on in TLS. */
      readonly startTls: boolean
    })
  | HttpCheck
  /** HAProxy's agent check. `send`: said to the agent first. */
  | (CheckSchedule & { readonly type: 'AGENT_CHECK'; readonly send: string })

/** Each URL has all of the time-out. */
export type HttpCheck = CheckSchedule & {
  readonly urls: readonly HttpUrl[]
  readonly protocol: HttpProtocol
} & ({ readonly type: 'HTTP_GET' } | { readonly type: 'SSL_GET'; readonly tls: TlsOptions })
