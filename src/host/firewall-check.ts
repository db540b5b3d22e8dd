import { type AddressService, serviceName } from '../model/service.ts'
import { type Address, addressBits, addressBytes, isIpv4, parseAddress } from '../net/address.ts'

/** A service whose packets may pass by rules that somebody counts on. */
export interface WatchedService {
  readonly service: AddressService
  readonly throughFirewall: boolean
}

/** A rule or a policy that holds for none of a service's packets, though it reads as if it did. */
export interface PassedBy {
  /** `table inet filter, chain input, rule 7 (drop)`, with the rule's handle. */
  readonly where: string
  readonly services: readonly AddressService[]
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

/** Hooks that the core's packets do not come by. `forward` and `prerouting` see those of `through_firewall`. */
const HOOKS = ['ingress', 'prerouting', 'input', 'forward'] as const
const ENDINGS = ['drop', 'reject'] as const

interface Chain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook: (typeof HOOKS)[number] | undefined
  readonly policy: string | undefined
  readonly rules: { readonly handle: number; readonly expressions: readonly Json[] }[]
}

/**
 * What a ruleset, as `nft -j list ruleset` prints it, would refuse of these services if it saw their packets. A match that is not
 * about a service's family, address, protocol, port or a new connection is taken to be one that could hold.
 */
export function passedBy(ruleset: Json, services: readonly WatchedService[]): readonly PassedBy[] {
  const chains = chainsOf(ruleset)
  const found: PassedBy[] = []
  const seen = new Set<string>()
  const add = (chain: Chain, what: string, concerned: readonly WatchedService[]) => {
    const where = `table ${chain.family} ${chain.table}, chain ${chain.name}, ${what}`
    if (concerned.length === 0 || seen.has(where)) return
    seen.add(where)
    found.push({ where, services: concerned.map(({ service }) => service) })
  }
  for (const base of chains.values()) {
    if (base.hook === undefined) continue
    const unseen = services.filter(
      ({ throughFirewall }) => !throughFirewall || base.hook === 'input' || base.hook === 'ingress',
    )
    const inFamily = unseen.filter(({ service }) => isOfFamily(service, base.family))
    if (base.policy === 'drop') add(base, 'policy drop', inFamily)
    follow(base, inFamily, chains, new Set(), add)
  }
  return found
}

/** Goes through the rules of a chain and of those that it jumps to, with the services that their packets could be of. */
function follow(
  chain: Chain,
  services: readonly WatchedService[],
  chains: ReadonlyMap<string, Chain>,
  visited: Set<Chain>,
  add: (chain: Chain, what: string, services: readonly WatchedService[]) => void,
): void {
  if (visited.has(chain) || services.length === 0) return
  visited.add(chain)
  for (const { handle, expressions } of chain.rules) {
    const concerned = services.filter(({ service }) => expressions.every((each) => couldHold(each, service)))
    for (const { verdict, meets } of expressions.flatMap(verdictsOf)) {
      const met = concerned.filter(({ service }) => meets === undefined || couldHold(meets, service))
      const ending = ENDINGS.find((each) => each in verdict)
      if (ending !== undefined) add(chain, `rule ${handle} (${ending})`, met)
      const target = targetOf(verdict['jump'] ?? verdict['goto'])
      const next = target === undefined ? undefined : chains.get(keyOf(chain.family, chain.table, target))
      if (next !== undefined) follow(next, met, chains, visited, add)
    }
  }
}

/** The verdicts that an expression may come to; `meets` is what must hold for it besides the rule's matches. */
function verdictsOf(expression: Json): readonly { readonly verdict: JsonObject; readonly meets?: Json }[] {
  if (!isObject(expression)) return []
  const { xt, vmap } = expression
  // What iptables had for a target that nft has no word for.
  if (isObject(xt)) return xt['type'] === 'target' && xt['name'] === 'REJECT' ? [{ verdict: { reject: null } }] : []
  if (!isObject(vmap)) return [{ verdict: expression }]
  const { key = null, data } = vmap
  const pairs = isObject(data) && Array.isArray(data['set']) ? (data['set'] as readonly Json[]) : []
  return pairs.flatMap((pair) => {
    const [right = null, verdict] = Array.isArray(pair) ? (pair as readonly Json[]) : []
    return isObject(verdict) ? [{ verdict, meets: { match: { op: '==', left: key, right } } }] : []
  })
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const keyOf = (...parts: readonly string[]) => parts.join(' ')
const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)
const targetOf = (value: Json | undefined): string | undefined =>
  isObject(value) ? textOf(value['target']) : undefined

function chainsOf(ruleset: Json): ReadonlyMap<string, Chain> {
  const chains = new Map<string, Chain>()
  const items = isObject(ruleset) && Array.isArray(ruleset['nftables']) ? (ruleset['nftables'] as readonly Json[]) : []
  for (const item of items) {
    const chain = isObject(item) ? item['chain'] : undefined
    const rule = isObject(item) ? item['rule'] : undefined
    if (isObject(chain)) {
      const [family = '', table = '', name = ''] = [chain['family'], chain['table'], chain['name']].map(textOf)
      const hook = HOOKS.find((each) => each === chain['hook'])
      chains.set(keyOf(family, table, name), { family, table, name, hook, policy: textOf(chain['policy']), rules: [] })
    }
    if (isObject(rule)) {
      const [family = '', table = '', name = ''] = [rule['family'], rule['table'], rule['chain']].map(textOf)
      const expressions = Array.isArray(rule['expr']) ? (rule['expr'] as readonly Json[]) : []
      chains.get(keyOf(family, table, name))?.rules.push({ handle: Number(rule['handle']), expressions })
    }
  }
  return chains
}

function isOfFamily({ vip }: AddressService, family: string): boolean {
  return family === 'inet' || family === 'netdev' || family === (isIpv4(vip.address) ? 'ip' : 'ip6')
}

/** Whether a packet that opens a connection to the service could meet an expression of a rule. */
function couldHold(expression: Json, { vip, protocol }: AddressService): boolean {
  const match = isObject(expression) ? expression['match'] : undefined
  if (!isObject(match)) return true
  const { left, right = null, op } = match
  const holds = ((): boolean | undefined => {
    if (!isObject(left)) return undefined
    const { payload, meta, ct } = left
    if (isObject(payload)) {
      const field = payload['field']
      if (payload['protocol'] === 'ip' && !isIpv4(vip.address)) return false
      if (payload['protocol'] === 'ip6' && isIpv4(vip.address)) return false
      if (field === 'daddr') return isAmong(right, (value) => isAddress(value, vip.address))
      if (field === 'dport') {
        const transport = payload['protocol']
        if (transport !== 'th' && transport !== protocol.toLowerCase()) return false
        return vip.port === 0 ? undefined : isAmong(right, (value) => isPort(value, vip.port))
      }
      if (field === 'protocol' || field === 'nexthdr') return isAmong(right, (value) => isProtocol(value, protocol))
    }
    if (isObject(meta)) {
      if (meta['key'] === 'l4proto') return isAmong(right, (value) => isProtocol(value, protocol))
      if (meta['key'] === 'nfproto') return isAmong(right, (value) => value === (isIpv4(vip.address) ? 'ipv4' : 'ipv6'))
      if (meta['key'] === 'iifname' || meta['key'] === 'iif') return right === 'lo' ? false : undefined
    }
    if (isObject(ct) && ct['key'] === 'state') return isAmong(right, (value) => value === 'new')
    return undefined
  })()
  return holds === undefined ? true : op === '!=' ? !holds : holds
}

/** Whether one of the values on the right of a match is meant; undefined where that cannot be told. */
function isAmong(right: Json, is: (value: Json) => boolean | undefined): boolean | undefined {
  const set = isObject(right) ? right['set'] : right
  const values = Array.isArray(set) ? (set as readonly Json[]) : [right]
  const answers = values.map((value) => (typeof value === 'string' && value.startsWith('@') ? undefined : is(value)))
  if (answers.includes(true)) return true
  return answers.includes(undefined) ? undefined : false
}

const numberOf = (address: Address): bigint =>
  addressBytes(address).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)

function isAddress(value: Json, address: Address): boolean | undefined {
  const prefix = isObject(value) ? value['prefix'] : undefined
  const range = isObject(value) ? value['range'] : undefined
  const parse = (text: Json | undefined) => parseAddress(textOf(text) ?? '')
  if (isObject(prefix)) {
    const network = parse(prefix['addr'])
    if (network === undefined || isIpv4(network) !== isIpv4(address)) return undefined
    const rest = BigInt(addressBits(address) - Number(prefix['len']))
    return numberOf(network) >> rest === numberOf(address) >> rest
  }
  if (Array.isArray(range)) {
    const [from, to] = [parse(range[0]), parse(range[1])]
    if (from === undefined || to === undefined) return undefined
    return numberOf(from) <= numberOf(address) && numberOf(address) <= numberOf(to)
  }
  const one = parse(value)
  return one === undefined ? undefined : one === address
}

function isPort(value: Json, port: number): boolean | undefined {
  const range = isObject(value) ? value['range'] : undefined
  if (Array.isArray(range)) return Number(range[0]) <= port && port <= Number(range[1])
  return typeof value === 'number' ? value === port : undefined
}

const NUMBER = { TCP: 6, UDP: 17, SCTP: 132 } as const
const isProtocol = (value: Json, protocol: AddressService['protocol']) =>
  value === protocol.toLowerCase() || value === NUMBER[protocol]

/** Services that a message names. */
const NAMED = 3

/** A sentence for people. */
export function passedByText({ where, services }: PassedBy): string {
  const names = services.slice(0, NAMED).map(serviceName)
  const more = services.length > NAMED ? ` and ${services.length - NAMED} more` : ''
  return `${where}: packets to ${names.join(', ')}${more} do not pass it: the forwarding core takes them before`
}
