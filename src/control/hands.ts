import type { Hand } from '../model/hand.ts'
import { type Decoder, integer, object, oneOf, optional, parsed, truth, variant } from './decode.ts'

/** IPVS's own limit. */
const MAX_WEIGHT = 2 ** 31 - 1

/** What is asked for real servers. */
export interface HandRequest {
  /** Undefined: of all virtual servers that have it. */
  readonly service: string | undefined
  readonly server: string
  /** `enable`: nobody says anything of it any more. */
  readonly hand: Hand | { readonly type: 'enable' }
}

/** For whom it was done. */
export interface HandAnswer {
  readonly servers: readonly { readonly service: string; readonly server: string }[]
}

/** Nothing was done. */
export interface HandRefusal {
  readonly failure: string
}

const name = parsed((text) => text, 'a name')

const hand: Decoder<HandRequest['hand']> = variant<HandRequest['hand']>('type', {
  drain: object<Extract<Hand, { type: 'drain' }>>({ type: oneOf('drain'), keepClients: truth }),
  disable: object<Extract<Hand, { type: 'disable' }>>({ type: oneOf('disable') }),
  weight: object<Extract<Hand, { type: 'weight' }>>({ type: oneOf('weight'), weight: integer(0, MAX_WEIGHT) }),
  enable: object<{ readonly type: 'enable' }>({ type: oneOf('enable') }),
})

export const handRequest = object<HandRequest>({ service: optional(name), server: name, hand })
