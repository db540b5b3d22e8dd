import type { Checker } from '../model/checker.ts'
import { endpointIn, type Forwarding, type ServiceId, type VirtualServer } from '../model/service.ts'
import type { Address } from '../net/address.ts'
import type { Pair } from './lans.ts'
import { DIRECTORS } from './recording.ts'
import { type Talks, TalksOf } from './talks.ts'

/** Machines of real servers that a lab has at most. */
const MAX_SERVERS = 64

/** A real server of the configurations: all that is asked of its address. */
export interface PlannedServer {
  readonly address: Address
  /** It only stands in for others: a sorry server. */
  readonly isSorry: boolean
  /** It cannot be played so that its checks find it up. */
  readonly isDown: boolean
  /** Where its checks ask besides. */
  readonly more: readonly Address[]
  /** How packets get to it, and the services that send them. */
  readonly uses: readonly { readonly forwarding: Forwarding; readonly services: readonly ServiceId[] }[]
  readonly talks: Talks
}

interface Collected {
  readonly address: Address
  isSorry: boolean
  isDown: boolean
  readonly more: Set<Address>
  readonly uses: { readonly forwarding: Forwarding; readonly services: readonly ServiceId[] }[]
  readonly talks: TalksOf
}

/** Where clients find a service without a mark; of marks what is marked for certain. */
export const addressServices = ({ services, marked }: VirtualServer) =>
  [...services, ...marked].filter((id) => id.by === 'address')

/**
 * Each real server once, in the order of the first configuration, sorry servers last. `isElsewhere`: who has an address already, in
 * words; such a server is not played. What cannot be played is said.
 */
export function plannedServers(
  pair: Pair,
  isElsewhere: (address: Address) => string | undefined,
  say: (sentence: string) => void,
): readonly PlannedServer[] {
  const found = new Map<Address, Collected>()
  const collect = (address: Address, isSorry: boolean): Collected | undefined => {
    const elsewhere = isElsewhere(address)
    if (elsewhere !== undefined) {
      say(
        `${isSorry ? 'sorry_server' : 'real_server'} ${address} is ${elsewhere}: the lab plays no server there, so that nobody answers.`,
      )
      return undefined
    }
    const known = found.get(address)
    if (known !== undefined) {
      known.isSorry &&= isSorry
      return known
    }
    const made: Collected = { address, isSorry, isDown: false, more: new Set(), uses: [], talks: new TalksOf() }
    found.set(address, made)
    return made
  }
  for (const server of DIRECTORS.flatMap((director) => pair[director].virtualServers)) {
    const services = addressServices(server)
    const reals = [
      ...server.realServers.map((real) => ({ real, checks: real.checks, isSorry: false })),
      ...(server.sorryServer === undefined ? [] : [{ real: server.sorryServer, checks: [], isSorry: true }]),
    ]
    for (const { real, checks, isSorry } of reals) {
      const one = collect(real.endpoint.address, isSorry)
      if (one === undefined) continue
      one.uses.push({ forwarding: real.forwarding, services: server.services })
      for (const id of services.slice(0, PORTS)) {
        const { port } = endpointIn(id, real)
        if (id.protocol !== 'SCTP') one.talks.serve(id.protocol, port === 0 ? ANY_PORT : port)
      }
      for (const check of checks) addCheck(one, check, say)
    }
  }
  const all = [...found.values()].toSorted((a, b) => Number(a.isSorry) - Number(b.isSorry))
  const left = all.length - MAX_SERVERS
  if (left > 0) say(`real_server: of ${all.length} the lab plays ${MAX_SERVERS}, so that the last ${left} are down.`)
  return all
    .slice(0, MAX_SERVERS)
    .map(({ more, talks, ...rest }) => ({ ...rest, more: [...more], talks: talks.talks() }))
}

/** Services of one virtual server that its machines listen for. */
const PORTS = 256
/** Where a server listens that has every port. */
export const ANY_PORT = 80

function addCheck(server: Collected, check: Checker, say: (sentence: string) => void): void {
  if ('target' in check && check.through === undefined && check.target.address !== server.address)
    server.more.add(check.target.address)
  const unplayed = server.talks.check(check)
  if (unplayed.length > 0) server.isDown = true
  for (const what of unplayed) say(`real_server ${server.address}, ${what}.`)
}
