import { rmSync } from 'node:fs'
import type { Logger } from 'pino'
import type { HostNews } from '../../check/hosts.ts'
import { type HostAnswer, type HostAsked, hostKey, MAX_HOST_ADDRESSES } from '../../model/host-name.ts'
import { isIpv4, parseAddress } from '../../net/address.ts'
import { reasonOf } from '../../host/regular-file.ts'
import { readOwnFile, RUN_FOLDER, writeOwnFile } from '../run-file.ts'
import { Coalescer } from './coalescer.ts'

/** What names stand for changes what is in force at most so often. */
const CHANGE_GAP_MS = 1000

const pathOf = (name: string) => `${RUN_FOLDER}/${name}.hosts.json`

/** What is known of the names of real servers. An answer holds until there is another one, also over a restart; a boot forgets it. */
export class HostNames {
  readonly #name: string
  readonly #log: Logger
  readonly #changes: Coalescer
  #asked: ReadonlySet<string> = new Set()
  /** BOUNDED by the configuration, as the failures are. */
  readonly #answers = new Map<string, HostAnswer>()
  readonly #failures = new Map<string, HostAsked & { readonly failure: string }>()

  /** `changed`: real servers have other addresses. */
  constructor(name: string, log: Logger, changed: () => void) {
    this.#name = name
    this.#log = log
    this.#changes = new Coalescer(changed, CHANGE_GAP_MS)
    try {
      for (const answer of readOwnFile(pathOf(name), answersOf) ?? []) this.#answers.set(hostKey(answer), answer)
    } catch (error) {
      log.warn(`what names stood for is not known any more: ${reasonOf(error)}`)
    }
  }

  get answers(): readonly HostAnswer[] {
    return [...this.#answers.values()]
  }

  /** What people are to see first. */
  get alarms(): readonly string[] {
    return [...this.#failures.values()].map((each) => this.#sentence(each))
  }

  /** These are asked for. Forgets all others. */
  configure(asked: readonly HostAsked[]): void {
    this.#asked = new Set(asked.map(hostKey))
    const known = this.#answers.size
    for (const each of [this.#answers, this.#failures])
      for (const key of each.keys()) if (!this.#asked.has(key)) each.delete(key)
    if (this.#answers.size !== known) this.#keep()
  }

  take(news: HostNews): void {
    const key = hostKey(news)
    // Of the configuration before.
    if (!this.#asked.has(key)) return
    if (news.type === 'failed') {
      this.#failures.set(key, news)
      this.#log.error(this.#sentence(news))
      return
    }
    this.#failures.delete(key)
    const { host, family, addresses, isCut } = news
    if (isCut === true) this.#log.warn(`${host} has more than ${MAX_HOST_ADDRESSES} addresses; the first of them count`)
    const before = this.#answers.get(key)
    if (before !== undefined && JSON.stringify(before.addresses) === JSON.stringify(addresses)) return
    this.#answers.set(key, { host, family, addresses })
    this.#log.info({ host, addresses }, `real server ${host} is ${addresses.join(', ')}`)
    this.#keep()
    this.#changes.request()
  }

  close(): void {
    this.#changes.cancel()
  }

  #sentence({ host, family, failure }: HostAsked & { readonly failure: string }): string {
    const addresses = this.#answers.get(hostKey({ host, family }))?.addresses
    const so = addresses === undefined ? 'it is no real server yet' : `it stays ${addresses.join(', ')}`
    return `real server ${host}: no ${family === 'inet' ? 'IPv4' : 'IPv6'} address is found (${failure}); ${so}`
  }

  #keep(): void {
    try {
      if (this.#answers.size === 0) rmSync(pathOf(this.#name), { force: true })
      else writeOwnFile(pathOf(this.#name), JSON.stringify(this.answers))
    } catch (error) {
      this.#log.warn(`cannot keep what names stand for: ${reasonOf(error)}`)
    }
  }
}

function answersOf(value: unknown): readonly HostAnswer[] {
  if (!Array.isArray(value) || !value.every(isAnswer)) throw new Error('it is not what this program writes')
  return value
}

function isAnswer(value: unknown): value is HostAnswer {
  const { host, family, addresses } = (value ?? {}) as Partial<Record<keyof HostAnswer, unknown>>
  return (
    typeof host === 'string' &&
    (family === 'inet' || family === 'inet6') &&
    Array.isArray(addresses) &&
    addresses.every((each) => {
      const address = typeof each === 'string' ? parseAddress(each) : undefined
      return address !== undefined && isIpv4(address) === (family === 'inet')
    })
  )
}
