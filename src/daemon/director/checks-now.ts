import type { CheckAnswer, CheckedNow, CheckRefusal, CheckRequest } from '../../control/check-now.ts'
import type { Asked } from '../../model/asked.ts'
import type { Check } from '../../model/check.ts'
import { type BfdCheck, type Checker, checkerId, type FileCheck, type MiscCheck } from '../../model/checker.ts'
import type { Config } from '../../model/config.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { HostAsked } from '../../model/host-name.ts'
import type { RealServer } from '../../model/service.ts'
import { isIpv4 } from '../../net/address.ts'
import { type NamedServer, serversNamed } from './named-servers.ts'
import { checkName } from './verdicts.ts'

/** Who asks, by kind of checker. Each has an answer within the time-out of its checker and a little. */
export interface ChecksNowContext {
  config(): Config
  network(check: Check, host: HostAsked | undefined): Promise<Asked>
  /** By its id and its limits. */
  command(id: string, check: MiscCheck): Promise<Asked>
  tracked(check: FileCheck | BfdCheck): Asked
}

/** BOUNDED: checkers that ask at a time because somebody wants to see it, and that one request may have. */
const AT_ONCE = 16
const MOST_ASKED = 256

/** Has checkers ask once for who wants to see it. What they find changes nothing. */
export class ChecksNow {
  readonly #context: ChecksNowContext
  /** Those that ask, and those that wait for their turn. */
  #asking = 0
  readonly #turns: (() => void)[] = []

  constructor(context: ChecksNowContext) {
    this.#context = context
  }

  async ask({ service, server }: CheckRequest): Promise<CheckAnswer | CheckRefusal> {
    const named = serversNamed(this.#context.config(), service, server)
    if ('failure' in named) return named
    const count = named.reduce((sum, { real }) => sum + real.checks.length, 0)
    if (count > MOST_ASKED - this.#turns.length)
      return { failure: `these are ${count} checkers, too many at once: name the virtual server, or try again later` }
    const servers = named.map(async (each) => ({
      service: each.virtual.name,
      server: endpointName(each.real.endpoint),
      checks: await Promise.all(each.real.checks.map(async (check, index) => await this.#inTurn(each, check, index))),
    }))
    return { servers: await Promise.all(servers) }
  }

  async #inTurn({ virtual, real }: NamedServer, check: Checker, index: number): Promise<CheckedNow> {
    if (this.#asking >= AT_ONCE) await new Promise<void>((resolve) => this.#turns.push(resolve))
    else this.#asking++
    try {
      return { checker: checkName(check, real), ...(await this.#once(checkerId(virtual, real, index), check, real)) }
    } finally {
      // Who waits takes the place over.
      const next = this.#turns.shift()
      if (next === undefined) this.#asking--
      else next()
    }
  }

  async #once(id: string, check: Checker, { host, endpoint }: RealServer): Promise<Asked> {
    switch (check.type) {
      case 'MISC_CHECK':
        return await this.#context.command(id, check)
      case 'FILE_CHECK':
      case 'BFD_CHECK':
        return this.#context.tracked(check)
      case 'PING_CHECK':
      case 'TCP_CHECK':
      case 'UDP_CHECK':
      case 'DNS_CHECK':
      case 'SMTP_CHECK':
      case 'HTTP_GET':
      case 'SSL_GET':
      case 'AGENT_CHECK':
        return await this.#context.network(
          check,
          host === undefined ? undefined : { host, family: isIpv4(endpoint.address) ? 'inet' : 'inet6' },
        )
    }
  }
}
