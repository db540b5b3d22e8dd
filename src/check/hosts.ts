import { setTimeout as sleep } from 'node:timers/promises'
import { lookUp, type NameSources, USUAL_SOURCES } from '../linux/name-lookup.ts'
import { type HostAsked, MAX_HOST_ADDRESSES } from '../model/host-name.ts'
import { type Address, isUnicastAddress } from '../net/address.ts'
import { type Millis, millis, seconds } from '../time.ts'

/** What came of asking for the addresses of a name. */
export type HostNews = HostAsked &
  (
    | {
        readonly type: 'found'
        /** At least one. */
        readonly addresses: readonly Address[]
        /** There are more. */
        readonly isCut?: true
      }
    | { readonly type: 'failed'; readonly failure: string }
  )

/** BOUNDED: an answer holds for its time to live, but no shorter and no longer than this. */
const SHORTEST_HOLD = seconds(1)
const LONGEST_HOLD = seconds(3600)
/** The file says no time to live. */
const FILE_HOLD = seconds(10)
/** After a failure. */
const ASK_AGAIN = seconds(5)

/** When an answer is to be asked for again. */
export const holdOf = (ttlsSeconds: readonly number[]): Millis =>
  millis(Math.min(LONGEST_HOLD, Math.max(SHORTEST_HOLD, seconds(Math.min(...ttlsSeconds)))))

/** Asks for the addresses of one name for as long as it is configured, and tells each answer that is another one than before. */
export class HostWatch {
  readonly #asked: HostAsked
  readonly #tell: (news: HostNews) => void
  readonly #sources: NameSources
  readonly #stop = new AbortController()
  #told = ''

  constructor(asked: HostAsked, tell: (news: HostNews) => void, sources = USUAL_SOURCES) {
    this.#asked = asked
    this.#tell = tell
    this.#sources = sources
    void this.#run()
  }

  /** Nothing is told after this. */
  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const { news, hold } = await askHost(this.#asked, this.#sources)
      const text = JSON.stringify(news)
      if (!signal.aborted && text !== this.#told) this.#tell(news)
      this.#told = text
      await sleep(hold, undefined, { signal }).catch(() => {})
    }
  }
}

/** Asks once, and when to ask again. */
export async function askHost(
  asked: HostAsked,
  sources = USUAL_SOURCES,
): Promise<{ readonly news: HostNews; readonly hold: Millis }> {
  try {
    const { addresses: found, ttlsSeconds } = await lookUp(asked.host, asked.family, sources)
    const hold = ttlsSeconds === undefined ? FILE_HOLD : holdOf(ttlsSeconds)
    const all = [...new Set(found.filter(isUnicastAddress))].toSorted()
    if (all.length === 0) throw new Error('no address of a host')
    const isCut = all.length > MAX_HOST_ADDRESSES
    const addresses = all.slice(0, MAX_HOST_ADDRESSES)
    return { news: { type: 'found', ...asked, addresses, ...(isCut ? { isCut } : {}) }, hold }
  } catch (error) {
    return { news: { type: 'failed', ...asked, failure: reasonOf(error) }, hold: ASK_AGAIN }
  }
}

/** c-ares' code for people: `ENOTFOUND`, `ETIMEOUT`. */
const reasonOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error)
