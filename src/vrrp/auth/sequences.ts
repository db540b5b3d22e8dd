import type { HmacAuthentication } from '../../model/vrrp.ts'
import type { Address } from '../../net/address.ts'
import type { Millis } from '../../time.ts'
import { judgeSequence, nextSequence } from './sequence.ts'

/** Senders that are remembered for one instance. BOUNDED: only what is signed rightly enters, and the one heard longest ago gives way. */
const SENDER_LIMIT = 16

/**
 * Sequence numbers of AH have 32 bits. They begin at the quarters of a second since 2024, so that those of a process go on after those of
 * the one before it, which counted a few each second at most. They last until 2058.
 */
const AH_EPOCH_MS = 1_704_067_200_000
const AH_TICK_MS = 250
const AH_LAST = 0xffff_ffff

/** The sequence numbers of signed adverts, sent and heard. Times are in ms since the epoch. */
export class Sequences {
  /** By the name of the instance. */
  readonly #sent = new Map<string, bigint>()
  readonly #heard = new Map<string, Map<Address, bigint>>()

  /** For the next advert signed by `auth_hmac`. */
  next(instance: string, { window }: HmacAuthentication, epochMs: number): bigint {
    const next = nextSequence(this.#sent.get(instance), epochMs, window)
    this.#sent.set(instance, next)
    return next
  }

  /** Whether a number that was signed rightly by `auth_hmac` counts. It is remembered if it does. */
  judge(
    instance: string,
    source: Address,
    sequence: bigint,
    epochMs: number,
    window: Millis | undefined,
  ): 'new' | 'stale' | 'replayed' {
    const judgement = judgeSequence(sequence, this.#heard.get(instance)?.get(source), epochMs, window)
    if (judgement === 'new') this.#remember(instance, source, sequence)
    return judgement
  }

  /** For the next advert with AH. keepalived's counter is one for sending and hearing: it takes no smaller number than it has seen. */
  nextAh(instance: string, epochMs: number): number {
    const heard = [...(this.#heard.get(instance)?.values() ?? [])]
    const least = BigInt(Math.floor((epochMs - AH_EPOCH_MS) / AH_TICK_MS))
    const before = [this.#sent.get(instance) ?? 0n, ...heard].map((each) => each + 1n)
    const next = [least, ...before].reduce((a, b) => (a > b ? a : b))
    this.#sent.set(instance, next)
    return Math.min(AH_LAST, Number(next))
  }

  /** The same as `judge` of a number of AH (RFC 2402 §3.4.3 without a window: adverts do not overtake each other). */
  judgeAh(instance: string, source: Address, sequence: number): 'new' | 'replayed' {
    const last = this.#heard.get(instance)?.get(source)
    if (last !== undefined && BigInt(sequence) <= last) return 'replayed'
    this.#remember(instance, source, BigInt(sequence))
    return 'new'
  }

  /** Forgets instances that are no more. */
  keep(instances: ReadonlySet<string>): void {
    for (const numbers of [this.#sent, this.#heard]) {
      for (const name of numbers.keys()) if (!instances.has(name)) numbers.delete(name)
    }
  }

  #remember(instance: string, source: Address, sequence: bigint): void {
    const heard = this.#heard.get(instance) ?? new Map<Address, bigint>()
    this.#heard.set(instance, heard)
    heard.delete(source)
    heard.set(source, sequence)
    const [oldest] = heard.keys()
    if (heard.size > SENDER_LIMIT && oldest !== undefined) heard.delete(oldest)
  }
}
