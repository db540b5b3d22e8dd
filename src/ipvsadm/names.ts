import type { Address } from '../net/address.ts'

/** Says names for numbers. */
export interface Namer {
  host(address: Address): string
  port(port: number, protocol: string): string
}

/** With `-n`, and what is used where a number has no name. */
export const numbers: Namer = {
  host: (address) => address,
  port: (port) => String(port),
}
