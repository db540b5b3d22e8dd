import type { Address } from '../net/address.ts'

/** A name that stands for real servers, and the family of the addresses that are wanted of it. */
export interface HostAsked {
  readonly host: string
  readonly family: 'inet' | 'inet6'
}

/** What a name stands for. The addresses are in the order of their text, and each is there once. */
export interface HostAnswer extends HostAsked {
  readonly addresses: readonly Address[]
}

/** More addresses of one name and family make no real servers. */
export const MAX_HOST_ADDRESSES = 16

export const hostKey = ({ host, family }: HostAsked): string => `${host} ${family}`
