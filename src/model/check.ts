import type { Millis } from '../time.ts'
import type { Endpoint } from './endpoint.ts'

/** What every checker has. */
export interface CheckSchedule {
  readonly target: Endpoint
  /** Between the end of one round and the start of the next. */
  readonly delayLoop: Millis
  /** For the whole probe, from connect to the last byte that is read. */
  readonly timeout: Millis
  readonly retry: number
  readonly delayBeforeRetry: Millis
  /** The first round starts within this, at random. */
  readonly warmup: Millis
}

export interface HttpUrl {
  readonly path: string
  /** Inclusive ranges; 200–299 when the file names none. */
  readonly statusCodes: readonly (readonly [low: number, high: number])[]
  /** MD5 of the body in hexadecimal. */
  readonly digest: string | undefined
  readonly virtualhost: string | undefined
}

/** What a datagram must be to count as an answer. */
export interface UdpReply {
  /** Bytes in hexadecimal that it must begin with, X for half a byte of any value; a shorter one must be their beginning. Undefined: any. */
  readonly pattern: string | undefined
  readonly minLength: number
  readonly maxLength: number
}

export type Check =
  | (CheckSchedule & { readonly type: 'PING_CHECK' })
  | (CheckSchedule & { readonly type: 'TCP_CHECK' })
  | (CheckSchedule & {
      readonly type: 'UDP_CHECK'
      /** In hexadecimal. */
      readonly payload: string
      /** Undefined: silence is good, too. */
      readonly reply: UdpReply | undefined
    })
  | (CheckSchedule & { readonly type: 'HTTP_GET'; readonly urls: readonly HttpUrl[] })
