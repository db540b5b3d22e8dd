import type { Logger } from 'pino'
import type { HandAnswer, HandRefusal, HandRequest } from '../../control/hands.ts'
import type { Caller } from '../../control/server.ts'
import { reasonOf } from '../../host/regular-file.ts'
import type { Config } from '../../model/config.ts'
import { endpointName } from '../../model/endpoint.ts'
import { type HandOn, handText } from '../../model/hand.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'
import { callerName } from './caller.ts'
import type { RecentEvents } from './events.ts'
import { keepHands, keptHands } from './hands-file.ts'
import { serversNamed } from './named-servers.ts'

export interface HandsContext {
  /** Of the director. */
  readonly name: string
  readonly log: Logger
  readonly events: RecentEvents
  /** Somebody has said something. */
  changed(): void
}

/**
 * What operators say of real servers, each of one virtual server. It outlives reloads, this process and the machine's next start; it is
 * forgotten when a reload takes the server out.
 */
export class Hands {
  readonly #context: HandsContext
  /** By `keyOf`. BOUNDED by the servers of the configuration. */
  #hands = new Map<string, HandOn>()
  #config: Config

  constructor(config: Config, context: HandsContext) {
    this.#context = context
    this.#config = config
    try {
      this.#hands = new Map(keptHands(context.name).map((each) => [keyOf(each.service, each.server), each]))
    } catch (error) {
      context.log.error(reasonOf(error))
    }
    this.configure(config)
    for (const each of this.#hands.values()) context.log.warn(`${each.server} of ${each.service}: ${handText(each)}`)
  }

  configure(config: Config): void {
    this.#config = config
    const there = new Set(this.#all().map(({ service, server }) => keyOf(service, server)))
    const gone = [...this.#hands].filter(([key]) => !there.has(key))
    if (gone.length === 0) return
    for (const [key, each] of gone) {
      this.#hands.delete(key)
      this.#context.log.warn(
        `${each.server} of ${each.service} is not configured any more: forgotten that it was ${handText(each)}`,
      )
    }
    this.#keep()
  }

  of(virtual: VirtualServer, real: RealServer): HandOn | undefined {
    return this.#hands.size === 0 ? undefined : this.#hands.get(keyOf(virtual.name, endpointName(real.endpoint)))
  }

  set({ service, server, hand }: HandRequest, by: Caller): HandAnswer | HandRefusal {
    const named = serversNamed(this.#config, service, server)
    if ('failure' in named) return named
    const servers = named.map(({ virtual, real }) => ({ service: virtual.name, server: endpointName(real.endpoint) }))
    const [who, at] = [callerName(by), new Date().toISOString()]
    for (const each of servers) {
      const key = keyOf(each.service, each.server)
      if (hand.type === 'enable') this.#hands.delete(key)
      else this.#hands.set(key, { ...each, hand, by: who, at })
      const what = hand.type === 'enable' ? `enabled by hand, by ${who}` : handText({ hand, by: who })
      this.#context.log.info({ by, ...each, hand }, `${each.server} of ${each.service}: ${what}`)
      this.#context.events.add({ at, type: 'hand', ...each, what })
    }
    this.#keep()
    this.#context.changed()
    return { servers }
  }

  #all(): readonly { readonly service: string; readonly server: string }[] {
    return this.#config.virtualServers.flatMap(({ name, realServers }) =>
      realServers.map(({ endpoint }) => ({ service: name, server: endpointName(endpoint) })),
    )
  }

  #keep(): void {
    try {
      keepHands(this.#context.name, [...this.#hands.values()])
    } catch (error) {
      this.#context.log.error(`what was said of real servers does not outlive a restart: ${reasonOf(error)}`)
    }
  }
}

const keyOf = (service: string, server: string): string => `${service} ${server}`
