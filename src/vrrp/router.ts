import type { RouterIdentity, VrrpInstance } from '../model/vrrp.ts'
import type { Member } from './state.ts'

/** Interface, family and VRID: what makes a virtual router one on its link (RFC 9568 §1.2). */
export const routerKey = ({ interface: device, family, vrid }: Omit<RouterIdentity, 'name'>): string =>
  `${device} ${family === 6 ? 'inet6' : 'inet'} ${vrid}`

/**
 * Which of `previous` goes on as which of `next`, by the names of these. Of several with one key, whose peers tell
 * them apart, that of the same name goes first. Each goes on once.
 */
export function matchRouters<Old extends RouterIdentity, New extends RouterIdentity>(
  previous: readonly Old[],
  next: readonly New[],
  isSame: (old: Old, other: New) => boolean = () => true,
): ReadonlyMap<string, Old> {
  const found = new Map<string, Old>()
  const free = Map.groupBy(previous, routerKey)
  for (const byName of [true, false]) {
    for (const other of next) {
      if (found.has(other.name)) continue
      const key = routerKey(other)
      const namesakes = free.get(key) ?? []
      const match = namesakes.find((old) => isSame(old, other) && (!byName || old.name === other.name))
      if (match === undefined) continue
      found.set(other.name, match)
      free.set(
        key,
        namesakes.filter((old) => old !== match),
      )
    }
  }
  return found
}

/** The members that go on under a new configuration, by its instances' names: matched as keepalived does at a reload. */
export function survivors(
  members: ReadonlyMap<string, Member>,
  instances: readonly VrrpInstance[],
): ReadonlyMap<string, Member> {
  const present = [...members.values()].filter(({ departed }) => !departed)
  const previous = present.map(({ config }) => config)
  const matched = matchRouters(previous, instances, speaksAlike)
  return new Map(
    [...matched].flatMap(([name, old]) => {
      const member = members.get(old.name)
      return member === undefined ? [] : [[name, member] as const]
    }),
  )
}

/** Of one router: whose peers would not notice that its configuration is another one. */
const speaksAlike = (a: VrrpInstance, b: VrrpInstance) =>
  a.version === b.version && a.unicastPeers.length > 0 === b.unicastPeers.length > 0
