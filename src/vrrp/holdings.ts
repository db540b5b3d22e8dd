import type { VirtualAddress } from '../model/vrrp.ts'
import type { Add, Remove } from './effect.ts'
import { wantsStatics } from './routing.ts'
import { addressesOf, addressKey, type EngineState, type HeldAddress, type Interface, type Member } from './state.ts'

/** What a static address is of, for people. */
const STATIC = 'static'

/** The addresses of this host after a step, and how to get there: what is new comes first, so that none is missing. */
export interface Holdings {
  readonly held: ReadonlyMap<string, HeldAddress>
  readonly added: readonly Add[]
  readonly removed: readonly Remove[]
}

/**
 * The host has an address as long as any instance wants it: a master, or one whose addresses stay for now. So an
 * address can move from one instance to another without being away. `dismissed` are the instances that have ceased to
 * keep what was there, whoever had put it there: a backup must not have it (RFC 9568 §6.4.2). Only what the instances list
 * that the step has touched can be another one, unless the configuration is.
 */
export function holdingsOf(
  state: EngineState,
  dismissed: ReadonlySet<string>,
  touched: Iterable<string> | 'all',
): Holdings {
  const { members, held, interfaces } = state
  const keysOf = ({ config }: Member) => addressesOf(config).map(addressKey)
  const some = touched === 'all' ? [...members.values()] : [...touched].flatMap((name) => members.get(name) ?? [])
  const listed = new Set(some.flatMap(keysOf))
  const claimants = touched === 'all' ? some : new Set([...listed].flatMap((key) => members.claimants(key)))
  // Of what an instance has left that is gone from the configuration, only ours is to go.
  const configured = new Set([...claimants].flatMap((each) => (each.departed ? [] : keysOf(each))))
  const wanted = new Map<string, HeldAddress>()
  for (const { config, state, keeps } of claimants) {
    for (const address of addressesOf(config)) {
      const key = addressKey(address)
      if (!listed.has(key)) continue
      const before = held.get(key)
      if (state.name === 'master') wanted.set(key, holdingOf(config, address))
      else if (keeps !== undefined && before !== undefined && !wanted.has(key)) wanted.set(key, before)
    }
  }
  for (const address of wantsStatics(state) ? state.statics.addresses : []) {
    const key = addressKey(address)
    if (touched === 'all' || listed.has(key)) wanted.set(key, { address, router: STATIC, expires: false })
  }
  const missing = [...wanted].flatMap(([key, each]) => {
    const before = held.get(key)
    const isThere =
      before !== undefined &&
      (!before.expires || each.expires) &&
      before.lease === each.lease &&
      !isOtherwise(before.address, each.address)
    return isThere ? [] : [each]
  })
  const replaced = missing.flatMap((each) => {
    const before = held.get(addressKey(each.address))?.address
    return before !== undefined && isOtherwise(before, each.address) ? [before] : []
  })
  const concerned = touched === 'all' ? held.keys() : listed
  const surplus = [...concerned].filter((key) => held.has(key) && !wanted.has(key))
  const isPresent = (address: VirtualAddress) => isOn(interfaces ?? [], address)
  const left = [...dismissed]
    .flatMap((name) => members.get(name) ?? [])
    .flatMap(({ config, departed }) => (departed ? [] : addressesOf(config)))
    .filter((each) => !wanted.has(addressKey(each)) && !held.has(addressKey(each)) && isPresent(each))
  const surplusOf = (isConfigured: boolean) =>
    surplus.flatMap((key) => (configured.has(key) === isConfigured ? (held.get(key)?.address ?? []) : []))
  const next = new Map(held)
  for (const key of surplus) next.delete(key)
  for (const [key, each] of wanted) next.set(key, each)
  return {
    held: next,
    added: missing.length === 0 ? [] : [{ type: 'add', addresses: missing, replaced }],
    removed: [...removal('any', [...surplusOf(true), ...left]), ...removal('ours', surplusOf(false))],
  }
}

/** The addresses of masters, and static ones, that somebody else has taken away from this host. */
export function stolenFrom(state: EngineState): readonly HeldAddress[] {
  const { members, held, interfaces, handingOver } = state
  if (handingOver) return []
  const devices = new Set(interfaces?.map(({ name }) => name))
  const present = new Set(
    interfaces?.flatMap(({ name: device, addresses }) => addresses.map((each) => addressKey({ ...each, device }))),
  )
  const masters = [...members.values()].filter((member) => member.state.name === 'master')
  // A static one with `no_track` is left away, as keepalived leaves it: nobody's role hangs on it.
  const statics = wantsStatics(state) ? state.statics.addresses.filter(({ options }) => !options?.untracked) : []
  return [...masters.flatMap(({ config }) => addressesOf(config)), ...statics].flatMap((address) => {
    const own = held.get(addressKey(address))
    if (own === undefined || !devices.has(address.device)) return []
    return present.has(addressKey(address)) ? [] : [own]
  })
}

/**
 * What is only kept, for no master, and somebody else has taken away, as these news of its interface say, which are newer than what this
 * host was told to do: it is not put back, and a master has to add it.
 */
export function lostBy(
  { members, held, interfaces, handingOver }: EngineState,
  before: EngineState['interfaces'],
): readonly HeldAddress[] {
  if (handingOver) return []
  const all = [...members.values()]
  const keysOf = (of: readonly Member[]) => new Set(of.flatMap(({ config }) => addressesOf(config).map(addressKey)))
  const kept = keysOf(all.filter(({ keeps }) => keeps !== undefined))
  const wanted = keysOf(all.filter(({ state }) => state.name === 'master'))
  return [...held.values()].filter(({ address }) => {
    const key = addressKey(address)
    const on = (links: EngineState['interfaces']) => links?.find(({ name }) => name === address.device)
    const [then, now] = [on(before), on(interfaces)]
    return then !== undefined && now !== undefined && kept.has(key) && !wanted.has(key) && !has(now, address)
  })
}

/** What is held for these instances and for no other. */
export function heldFor(state: EngineState, names: readonly string[]): readonly HeldAddress[] {
  const others = [...state.members.values()].filter(({ config }) => !names.includes(config.name))
  const wanted = new Set(others.filter(wants).flatMap(({ config }) => addressesOf(config).map(addressKey)))
  return names
    .flatMap((name) => state.members.get(name) ?? [])
    .flatMap(({ config }) => addressesOf(config).map(addressKey))
    .flatMap((key) => (wanted.has(key) ? [] : (state.held.get(key) ?? [])))
}

/** What an address is like that this process has not put there is not known: it is left as it is. */
const isOtherwise = ({ options: before }: VirtualAddress, { options }: VirtualAddress) =>
  JSON.stringify(before ?? {}) !== JSON.stringify(options ?? {})

/** Whether one of these interfaces has an address. */
export const isOn = (interfaces: readonly Interface[], address: VirtualAddress): boolean =>
  interfaces.some((link) => link.name === address.device && has(link, address))

const has = ({ addresses }: Interface, wanted: VirtualAddress) =>
  addresses.some(({ address, prefix }) => address === wanted.address && prefix === wanted.prefix)

const wants = ({ state, keeps }: Member) => state.name === 'master' || keeps !== undefined

const routerName = ({ interface: device, vrid }: Member['config']) => `vrid ${vrid} on ${device}`

const holdingOf = (config: Member['config'], address: VirtualAddress): HeldAddress => ({
  address,
  router: routerName(config),
  expires: false,
  ...(config.lease === 0 ? {} : { lease: config.lease }),
})

const removal = (scope: 'any' | 'ours', addresses: readonly VirtualAddress[]): Remove[] =>
  addresses.length === 0 ? [] : [{ type: 'remove', addresses, scope }]
