import type { Address } from '../../net/address.ts'
import { invalid, one, option, options, type Syntax } from '../schema/syntax.ts'
import { anyAddress, choice, integer } from '../schema/values.ts'

const LABEL_LIMIT = 2 ** 20 - 1
/** Labels of one stack (MAX_MPLS_LABELS of the kernel is 30). */
const LABELS_LIMIT = 30

const labels = one<readonly number[]>({
  text: '<label>[/<label>…]',
  expected: `labels up to ${LABEL_LIMIT}, with / between`,
  read(text) {
    const parts = text.split('/')
    if (parts.length > LABELS_LIMIT || !parts.every((part) => /^\d{1,7}$/.test(part))) return undefined
    const numbers = parts.map(Number)
    return numbers.every((label) => label <= LABEL_LIMIT) ? numbers : undefined
  },
  print: (value) => value.join('/'),
})

const locator = one({
  text: '<locator>',
  expected: 'the upper 64 bits of an IPv6 address: four groups of hexadecimal digits with : between',
  read: (text) => (/^[\da-f]{1,4}(:[\da-f]{1,4}){3}$/i.test(text) ? text.toLowerCase() : undefined),
})

const byte = integer(0, 255)
const shared = {
  id: option(integer(0, Number.MAX_SAFE_INTEGER), 'Number of the tunnel.'),
  dst: option(anyAddress, 'Other end of the tunnel.'),
  src: option(anyAddress, 'This end of the tunnel.'),
  flags: option(integer(0, 65_535), 'Flags of the tunnel.'),
}
const ip = options({ ...shared, tos: option(byte, 'Type of service.'), ttl: option(byte, 'Time to live.') })
const ip6 = options({ ...shared, tc: option(byte, 'Traffic class.'), hoplimit: option(byte, 'Hop limit.') })

/** A header around packets, as a line says it. */
export type Encapsulation =
  | { readonly type: 'mpls'; readonly labels: readonly number[] }
  | { readonly type: 'ila'; readonly locator: string }
  | {
      readonly type: 'ip' | 'ip6'
      readonly id?: number
      readonly dst?: Address
      readonly src?: Address
      readonly flags?: number
      /** `ip` only. */
      readonly tos?: number
      readonly ttl?: number
      /** `ip6` only. */
      readonly tc?: number
      readonly hoplimit?: number
    }

const kind = choice('mpls', 'ip', 'ip6', 'ila')

/** A kind, and what belongs to it; the options of the route go on at the first word that does not. */
export const encapsulation: Syntax<Encapsulation> = {
  text: 'mpls|ip|ip6|ila …',
  parse(words) {
    const type = kind.parse(words)
    if (type === invalid) return invalid
    switch (type) {
      case 'mpls': {
        const value = labels.parse(words)
        return value === invalid ? invalid : { type, labels: value }
      }
      case 'ila': {
        const value = locator.parse(words)
        return value === invalid ? invalid : { type, locator: value }
      }
      case 'ip':
      case 'ip6': {
        const value = (type === 'ip' ? ip : ip6).parse(words)
        return value === invalid ? invalid : { type, ...value }
      }
    }
  },
  print(value) {
    switch (value.type) {
      case 'mpls':
        return `mpls ${labels.print(value.labels)}`
      case 'ila':
        return `ila ${value.locator}`
      case 'ip':
        return `ip ${ip.print(value)}`.trimEnd()
      case 'ip6':
        return `ip6 ${ip6.print(value)}`.trimEnd()
    }
  },
}
