import type { Asked } from '../model/asked.ts'
import { object, optional, parsed } from './decode.ts'

/** Whose checkers are to ask now. */
export interface CheckRequest {
  /** Undefined: of all virtual servers that have it. */
  readonly service: string | undefined
  readonly server: string
}

/** What each checker would say now; nothing has changed by that. */
export interface CheckAnswer {
  readonly servers: readonly CheckedServer[]
}

export interface CheckedServer {
  readonly service: string
  readonly server: string
  /** None: the server is not checked. */
  readonly checks: readonly CheckedNow[]
}

/** `checker`: as in the status, its keyword and what tells it from others. */
export interface CheckedNow extends Asked {
  readonly checker: string
}

/** Nobody was asked. */
export interface CheckRefusal {
  readonly failure: string
}

const name = parsed((text) => text, 'a name')

export const checkRequest = object<CheckRequest>({ service: optional(name), server: name })
