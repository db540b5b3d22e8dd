import type { Address } from '../net/address.ts'

/** Interface and neighbour that packets to a real server are handed to. */
export type Hop =
  | {
      readonly ifindex: number
      readonly neighbour: Address
      readonly mtu: number
      /** This director's address on the way: the source of a tunnel. */
      readonly source: Address | undefined
    }
  /** The server is this director itself. */
  | 'local'

/** The next hops of real servers, by their addresses, as they were found out; undefined: there is no route. */
export type Hops = ReadonlyMap<Address, Hop | undefined>
