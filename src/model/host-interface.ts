/** A network interface, for people who look into what a director has at hand. */
export interface HostInterface {
  readonly name: string
  readonly index: number
  readonly kind: string
  readonly up: boolean
  readonly mtu: number
  readonly mac: string
  /** With the length of their prefix. */
  readonly addresses: readonly string[]
}
