import type { Address } from '../net/address.ts'

/** How the addresses in an advert are other ones than those of the instance. */
export interface AddressDifference {
  readonly onlyHere: readonly Address[]
  readonly onlyThere: readonly Address[]
  /** There is no address that both have: rather another cluster with this VRID than a peer. */
  readonly isForeign: boolean
}

/** Undefined when both lists have the same addresses, in whatever order. */
export function addressDifference(here: readonly Address[], there: readonly Address[]): AddressDifference | undefined {
  // What comes with each advert.
  if (here.length === there.length && here.every((address, i) => address === there[i])) return undefined
  const [ours, theirs] = [new Set(here), new Set(there)]
  const onlyHere = [...ours].filter((address) => !theirs.has(address))
  const onlyThere = [...theirs].filter((address) => !ours.has(address))
  if (onlyHere.length === 0 && onlyThere.length === 0) return undefined
  return { onlyHere, onlyThere, isForeign: onlyHere.length === ours.size && onlyThere.length === theirs.size }
}

/** Addresses that are named; of more, their number. */
const NAMED = 4

const list = (addresses: readonly Address[]): string => {
  const more = addresses.length - NAMED
  return [...addresses.slice(0, NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** `only here 10.0.0.100; only there 10.0.0.101, 10.0.0.102`. */
export function differenceText({ onlyHere, onlyThere }: AddressDifference): string {
  const parts = [
    ...(onlyHere.length > 0 ? [`only here ${list(onlyHere)}`] : []),
    ...(onlyThere.length > 0 ? [`only there ${list(onlyThere)}`] : []),
  ]
  return parts.join('; ')
}
