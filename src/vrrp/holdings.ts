import type { VirtualAddress } from '../model/vrrp.ts'
import type { Add, Remove } from './effect.ts'
import { addressesOf, addressKey, type EngineState, type HeldAddress, type Interface, type Member } from './state.ts'

/** The addresses of this host after a step, and how to get there: what is new comes first, so that none is missing. */
export interface Holdings {
  readonly held: ReadonlyMap<string, HeldAddress>
  readonly added: readonly Add[]
  readonly removed: readonly Remove[]
}

/**
 * The host has an address as long as any instance wants it: a master, or one whose addresses stay for now. So an
 * address can move from one instance to another without being away. `dismissed` are the instances that have ceased to
 * keep what was there, whoever had put it there: a backup must not have it (RFC 9568 §6.4.2).
 */
export function holdingsOf({ members, held, interfaces }: EngineState, dismissed: ReadonlySet<string>): Holdings {
  const wanted = new Map<string, HeldAddress>()
  for (const { config, state, keeps } of members.values()) {
    for (const address of addressesOf(config)) {
      const key = addressKey(address)
      const before = held.get(key)
      if (state.name === 'master') wanted.set(key, { address, router: routerName(config), expires: false })
      else if (keeps !== undefined && before !== undefined && !wanted.has(key)) wanted.set(key, before)
    }
  }
  const missing = [...wanted.values()].filter((each) => {
    const before = held.get(addressKey(each.address))
    return before === undefined || (before.expires && !each.expires)
  })
  const listed = new Set([...members.values()].flatMap(({ config }) => addressesOf(config).map(addressKey)))
  const surplus = [...held.values()].map(({ address }) => address).filter((each) => !wanted.has(addressKey(each)))
  const isPresent = (address: VirtualAddress) =>
    interfaces?.some((link) => link.name === address.device && has(link, address)) ?? false
  const left = [...dismissed]
    .flatMap((name) => members.get(name) ?? [])
    .flatMap(({ config }) => addressesOf(config))
    .filter((each) => !wanted.has(addressKey(each)) && !held.has(addressKey(each)) && isPresent(each))
  return {
    held: wanted,
    added: missing.length === 0 ? [] : [{ type: 'add', addresses: missing }],
    removed: [
      ...removal('any', [...surplus.filter((each) => listed.has(addressKey(each))), ...left]),
      ...removal(
        'ours',
        surplus.filter((each) => !listed.has(addressKey(each))),
      ),
    ],
  }
}

/** The addresses of masters that somebody else has taken away from this host. */
export function stolenFrom({ members, held, interfaces, handingOver }: EngineState): readonly HeldAddress[] {
  if (handingOver) return []
  const masters = [...members.values()].filter(({ state }) => state.name === 'master')
  return masters
    .flatMap(({ config }) => addressesOf(config))
    .flatMap((address) => {
      const own = held.get(addressKey(address))
      const link = interfaces?.find(({ name }) => name === address.device)
      if (own === undefined || link === undefined) return []
      return has(link, address) ? [] : [own]
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

const has = ({ addresses }: Interface, wanted: VirtualAddress) =>
  addresses.some(({ address, prefix }) => address === wanted.address && prefix === wanted.prefix)

const wants = ({ state, keeps }: Member) => state.name === 'master' || keeps !== undefined

const routerName = ({ interface: device, vrid }: Member['config']) => `vrid ${vrid} on ${device}`

const removal = (scope: 'any' | 'ours', addresses: readonly VirtualAddress[]): Remove[] =>
  addresses.length === 0 ? [] : [{ type: 'remove', addresses, scope }]
