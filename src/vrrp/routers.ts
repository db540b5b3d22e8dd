import type { VrrpInstance } from '../model/vrrp.ts'
import { type Address, isIpv4, isMulticast } from '../net/address.ts'
import type { Path } from './packet/advertisement.ts'
import { routerKey } from './router.ts'

/** Instances that share interface, family and VRID. Only their peers and groups tell them apart. */
interface Namesakes {
  readonly first: VrrpInstance
  readonly byPeer: ReadonlyMap<Address, VrrpInstance>
  readonly byGroup: ReadonlyMap<Address, VrrpInstance>
}

/** Instances in the way that a packet looks for its own, whose time does not depend on how many there are. */
export type Routers = ReadonlyMap<string, Namesakes>

export function routersOf(instances: readonly VrrpInstance[]): Routers {
  const groups = Map.groupBy(instances, routerKey)
  return new Map(
    [...groups].flatMap(([key, namesakes]): [string, Namesakes][] => {
      const [first] = namesakes
      if (first === undefined) return []
      const multicast = namesakes.filter(({ unicastPeers }) => unicastPeers.length === 0)
      // The first one that lists a peer has it.
      const peers = namesakes
        .toReversed()
        .flatMap((each) => each.unicastPeers.map(({ address }) => [address, each] as const))
      const byGroup = new Map(multicast.toReversed().map((each) => [each.multicastGroup, each]))
      return [[key, { first, byPeer: new Map(peers), byGroup }]]
    }),
  )
}

/** The instance that a packet is for; if it fits none of those with its VRID, the first of them, which will say why it is refused. */
export function findRouter(
  routers: Routers,
  { interface: device, source, destination }: Path & { readonly interface: string },
  vrid: number,
): VrrpInstance | undefined {
  const family = isIpv4(source) ? 4 : 6
  const found = routers.get(routerKey({ interface: device, family, vrid }))
  const fitting = isMulticast(destination) ? found?.byGroup.get(destination) : found?.byPeer.get(source)
  return fitting ?? found?.first
}
