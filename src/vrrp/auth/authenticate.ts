import type { VrrpInstance } from '../../model/vrrp.ts'
import type { Arrival } from '../arrival.ts'
import type { DropReason } from '../drop-reason.ts'
import type { Decoded } from '../packet/codec.ts'
import { AH_PROTOCOL, verifyAuthenticationHeader } from './ah.ts'
import { v2AuthenticationError } from './password.ts'
import { millisBetween, sequenceAt } from './sequence.ts'
import type { Sequences } from './sequences.ts'
import { verify } from './signature.ts'

/** Whether an advert is from a peer. */
interface Proof {
  readonly drop?: DropReason
  readonly detail?: string
  /** Why it would be dropped if `auth_hmac` were enforced. */
  readonly tolerated?: DropReason
}

/** Judges what was received by the authentication of the instance, and remembers its sequence number if it is good. */
export function authenticate(
  instance: VrrpInstance,
  arrival: Arrival,
  { authentication, message, trailer }: Decoded,
  sequences: Sequences,
  epochMs: number,
): Proof {
  const { authentication: expected } = instance
  // Only `auth_hmac` puts anything behind an advert.
  if (expected.type !== 'hmac' && trailer.length > 0) return { drop: 'trailing', detail: `${trailer.length}` }
  if ((arrival.protocol === AH_PROTOCOL) !== (expected.type === 'ah')) return { drop: 'authentication-type' }
  if (authentication !== undefined) {
    const drop = v2AuthenticationError(authentication, expected.type === 'hmac' ? { type: 'none' } : expected)
    if (drop !== undefined) return { drop }
  }
  switch (expected.type) {
    case 'none':
    case 'pass':
      return {}
    case 'ah': {
      const { ipHeader, payload, source } = arrival
      const sequence = verifyAuthenticationHeader(ipHeader ?? new Uint8Array(), payload, expected.password)
      if (typeof sequence === 'string') return { drop: sequence }
      return sequences.judgeAh(instance.name, source, sequence) === 'new'
        ? {}
        : { drop: 'replayed', detail: `${sequence}` }
    }
    case 'hmac': {
      const sequence = verify(message, trailer, arrival.source, expected.keys)
      const proof =
        typeof sequence === 'string'
          ? refusal(sequence, trailer)
          : orderOf(
              sequence,
              sequences.judge(instance.name, arrival.source, sequence, epochMs, expected.window),
              epochMs,
            )
      if (proof.drop === undefined || expected.mode === 'enforce') return proof
      // Who may send adverts without signature gains nothing by a wrong one: until all directors have all keys, none is lost.
      return { tolerated: proof.drop }
    }
  }
}

function orderOf(sequence: bigint, judgement: ReturnType<Sequences['judge']>, epochMs: number): Proof {
  if (judgement === 'new') return {}
  const apart = millisBetween(sequence, sequenceAt(epochMs)) / 1000
  return { drop: judgement, detail: `${apart.toFixed(1)} s from the clock here` }
}

const refusal = (drop: DropReason, trailer: Uint8Array): Proof =>
  drop === 'signature-key' ? { drop, detail: `key ${trailer[1]}` } : { drop }
